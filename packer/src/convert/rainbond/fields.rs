//! That nothing of an export is passed over: fields that no other module reads, and values that it cannot read, are noted.

use std::collections::BTreeSet;

use bundle_format::template::ComponentName;
use serde_json::Value;

use super::super::draft::{Draft, NoteKind};
use super::{App, at, list_at, number};

/// Fields of the root that are read, noted, or need no word: identities, and the version of the format.
const ROOT: &str = "group_key group_name group_version template_version apps plugins app_config_groups \
    ingress_http_routes ingress_stream_routes annotations k8s_resources governance_mode helm_chart \
    group_dev_status platform_plugin arch";

/// As [`ROOT`], of a component. What needs no word: identities, what the platform shows, and how the image came to be.
const COMPONENT: &str = "service_id service_key service_share_uuid service_cname service_name service_alias \
    k8s_component_name category language service_source service_type version deploy_version \
    share_type arch share_image image service_image cmd memory cpu extend_method extend_method_map \
    port_map_list service_env_map_list service_connect_info_map_list service_volume_map_list \
    mnt_relation_list dep_service_map_list probes component_monitors component_graphs labels \
    component_k8s_attributes service_related_plugin_config endpoints report job_strategy schedule \
    disk_layout";

/// Of [`COMPONENT`], what means something only for what runs in containers.
const RUNNING: &str = "cmd service_env_map_list service_volume_map_list mnt_relation_list dep_service_map_list \
    component_monitors component_graphs labels component_k8s_attributes \
    service_related_plugin_config job_strategy schedule";

/// Lists of the root, and what is known of their objects.
const LISTS: &[(&str, &str)] = &[
    (
        "plugins",
        "plugin_key plugin_id plugin_name plugin_alias category desc origin origin_share_id build_source \
    code_repo build_version image share_image plugin_image config_groups create_time",
    ),
    ("app_config_groups", "name injection_type config_items component_keys enable"),
    (
        "ingress_http_routes",
        "default_domain location cookies headers ssl load_balancing connection_timeout request_timeout \
    response_timeout request_body_size_limit websocket proxy_buffer proxy_buffer_size \
    proxy_buffer_numbers proxy_header component_key port path_rewrite rewrites",
    ),
    ("ingress_stream_routes", "protocol connection_timeout component_key port"),
    ("k8s_resources", "name kind content"),
];

/// Lists of a component, and what is known of their objects.
const PARTS: &[(&str, &str)] = &[
    (
        "port_map_list",
        "container_port protocol port_alias name k8s_service_name is_inner_service is_outer_service \
    tenant_id",
    ),
    ("service_env_map_list", ENV),
    ("service_connect_info_map_list", ENV),
    (
        "service_volume_map_list",
        "volume_name volume_path volume_type volume_capacity access_mode share_policy backup_policy mode \
    file_content volume_provider_name",
    ),
    ("mnt_relation_list", "service_share_uuid mnt_name mnt_dir"),
    ("dep_service_map_list", "dep_service_key"),
    (
        "probes",
        "ID service_id probe_id mode scheme path port cmd http_header initial_delay_second period_second \
    timeout_second failure_threshold success_threshold is_used",
    ),
    ("component_monitors", "name service_show_name port path interval"),
    ("component_graphs", "title promql sequence graph_id component_id"),
    ("component_k8s_attributes", "name save_type attribute_value component_id"),
    (
        "service_related_plugin_config",
        "plugin_id plugin_key build_version plugin_status service_meta_type memory_required cpu_required \
    min_memory min_cpu attr create_time service_id",
    ),
];

const ENV: &str = "attr_name name attr_value is_change container_port";

/// The registry of an image.
const IMAGE: &str = "hub_url hub_user hub_password namespace is_trust";

/// Objects of a component, and what is known of them.
const OBJECTS: &[(&str, &str)] = &[
    (
        "extend_method_map",
        "min_node max_node step_node min_memory max_memory step_memory init_memory is_restart \
    container_cpu",
    ),
    ("service_image", IMAGE),
    ("endpoints", "endpoints_info endpoints_type service_cname"),
];

/// Fields that are numbers, with the largest that is read.
const NUMBERS: &[(u64, &str)] = &[
    (u64::MAX, "min_memory max_memory step_memory sequence"),
    (
        0xffff_ffff,
        "memory cpu min_node max_node step_node init_memory container_cpu volume_capacity memory_required cpu_required \
         connection_timeout request_timeout response_timeout request_body_size_limit proxy_buffer_size proxy_buffer_numbers",
    ),
    (0xffff, "port initial_delay_second period_second timeout_second failure_threshold success_threshold"),
];

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Whether `names` has a field, between spaces.
fn has(names: &str, field: &str) -> bool {
    names.split(' ').any(|name| name == field)
}

/// What is not read, of one kind of object.
#[derive(Default)]
struct Unread {
    fields: BTreeSet<String>,
    values: BTreeSet<String>,
    odd: bool,
}

impl Unread {
    fn object(&mut self, given: &Value, known: &str) {
        let Some(fields) = given.as_object() else {
            self.odd |= !is_empty(given);
            return;
        };
        for (field, value) in fields.iter().filter(|(_, value)| !is_empty(value)) {
            if !has(known, field) {
                self.fields.insert(format!("`{field}`"));
            } else if let Some((most, _)) = NUMBERS.iter().find(|(_, names)| has(names, field))
                && number::<u64>(given, field).is_none_or(|n| n > *most)
            {
                self.values.insert(format!("`{field}` {value}"));
            }
        }
    }

    fn list(&mut self, of: &Value, list: &str, known: &str) {
        self.odd |= of.get(list).is_some_and(|value| !is_empty(value) && !value.is_array());
        list_at(of, &[list]).iter().for_each(|given| self.object(given, known));
    }

    fn note(self, draft: &mut Draft, of: Option<&ComponentName>, what: &str) {
        let join = |all: BTreeSet<String>| all.into_iter().collect::<Vec<_>>().join(", ");
        if !self.fields.is_empty() {
            draft.note(NoteKind::Left, of, format!("{what}: fields that mean nothing here: {}", join(self.fields)));
        }
        if !self.values.is_empty() {
            draft.note(NoteKind::Left, of, format!("{what}: no such number can be read: {}", join(self.values)));
        }
        if self.odd {
            draft.note(
                NoteKind::Left,
                of,
                format!("{what}: something that is written in another way than Rainbond writes it"),
            );
        }
    }
}

impl App {
    /// Notes what no part of the conversion reads.
    pub(super) fn unread(&self, draft: &mut Draft) {
        let mut unread = Unread::default();
        unread.object(&self.root, ROOT);
        unread.note(draft, None, "metadata.json");
        let mut unread = Unread::default();
        let known = "suffix describe image_base64_string version_info version_alias";
        at(&self.root, &["annotations"]).into_iter().for_each(|given| unread.object(given, known));
        unread.note(draft, None, "`annotations`");
        for (list, known) in LISTS {
            let mut unread = Unread::default();
            unread.list(&self.root, list, known);
            unread.note(draft, None, &format!("`{list}`"));
        }
        self.unread_of_plugins(draft);
        for (app, name) in list_at(&self.root, &["apps"]).iter().zip(&self.names) {
            self.unread_of(draft, app, name);
        }
    }

    fn unread_of(&self, draft: &mut Draft, app: &Value, name: &ComponentName) {
        let runs = draft.template.component(name).is_some();
        let is_external = draft.template.externals.iter().any(|external| external.name == *name);
        // All of another was noted.
        if !runs && !is_external {
            return;
        }
        let (of, whose) = if runs { (Some(name), String::new()) } else { (None, format!("{name}: ")) };
        let mut unread = Unread::default();
        let known: Vec<&str> = COMPONENT.split(' ').filter(|field| runs || !has(RUNNING, field)).collect();
        unread.object(app, &known.join(" "));
        unread.note(draft, of, &format!("{whose}the component"));
        let of_external = |list: &str| runs || !has(RUNNING, list);
        for (list, known) in PARTS.iter().filter(|(list, _)| of_external(list)) {
            let mut unread = Unread::default();
            unread.list(app, list, known);
            unread.note(draft, of, &format!("{whose}`{list}`"));
        }
        for (field, known) in OBJECTS {
            let mut unread = Unread::default();
            app.get(*field).into_iter().for_each(|given| unread.object(given, known));
            unread.note(draft, of, &format!("{whose}`{field}`"));
        }
        if app.get("labels").is_some_and(|labels| runs && !is_empty(labels) && !labels.is_object()) {
            draft.note(
                NoteKind::Left,
                of,
                format!("{whose}`labels`: they are written in another way than Rainbond writes them"),
            );
        }
    }

    fn unread_of_plugins(&self, draft: &mut Draft) {
        let (mut groups, mut options, mut images) = (Unread::default(), Unread::default(), Unread::default());
        for plugin in list_at(&self.root, &["plugins"]) {
            let known = "config_name injection service_meta_type options plugin_id build_version";
            groups.list(plugin, "config_groups", known);
            plugin.get("plugin_image").into_iter().for_each(|given| images.object(given, IMAGE));
            for group in list_at(plugin, &["config_groups"]) {
                let known = "attr_name attr_type attr_alt_value attr_default_value attr_info is_change protocol plugin_id \
    build_version service_meta_type";
                options.list(group, "options", known);
            }
        }
        groups.note(draft, None, "`config_groups` of plugins");
        options.note(draft, None, "`options` of plugins");
        images.note(draft, None, "`plugin_image`");
    }
}
