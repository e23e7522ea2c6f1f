//! That an export of Rainbond loses nothing in silence: all that it says becomes a part of the template, or is noted.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bundle_format::template::Template;
use packer::convert::{Naming, from_rainbond};
use serde_json::{Value, json};

/// What an export becomes: each file, the template first, and the notes.
fn converted(metadata: &Value) -> (Vec<Vec<u8>>, String) {
    let (dir, output) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(dir.path().join("metadata.json"), metadata.to_string()).unwrap();
    let draft = from_rainbond(dir.path(), &Naming::default()).unwrap();
    let written = draft.write(output.path(), "from-rainbond", "input", false).unwrap();
    let folders = ["docs", "k8s", "config"].map(|folder| output.path().join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let mut beside: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    beside.sort();
    beside.insert(0, written.template.clone());
    let line = |n: &packer::convert::Note| {
        format!("{}: {}: {}\n", n.kind.word(), n.component.as_deref().unwrap_or("-"), n.text)
    };
    (beside.iter().map(|path| fs::read(path).unwrap()).collect(), written.notes.iter().map(line).collect())
}

/// The template that an export becomes, and the notes.
fn template(metadata: &Value) -> (Template, String) {
    let (files, noted) = converted(metadata);
    (Template::parse(&files[0]).unwrap(), noted)
}

fn mall() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/convert/rainbond/mall/input/metadata.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A web server with one port, changed at `pointer`, of which the last part may be new.
fn shop(pointer: &str, value: &Value) -> Value {
    let mut metadata = json!({
        "group_name": "shop", "group_version": "1.0",
        "apps": [
            {
                "service_key": "web", "service_share_uuid": "web+1", "k8s_component_name": "web",
                "share_image": "r.example/web:1", "extend_method": "stateless_multiple", "memory": 128,
                "port_map_list": [{"container_port": 80, "protocol": "http", "is_inner_service": true}],
            },
            {
                "service_key": "db", "service_share_uuid": "db+2", "k8s_component_name": "db", "service_source": "third_party",
                "endpoints": {"endpoints_type": "static", "endpoints_info": "[\"192.0.2.7\"]"},
                "port_map_list": [{"container_port": 3306, "protocol": "mysql"}],
            },
        ],
        "ingress_http_routes": [{"component_key": "web", "port": 80, "location": "/"}],
    });
    if let Some((parent, field)) = pointer.rsplit_once('/') {
        metadata.pointer_mut(parent).unwrap()[field] = value.clone();
    }
    metadata
}

#[test]
fn what_a_template_has_no_word_for_is_noted() {
    let web = |field: &str| format!("/apps/0/{field}");
    let probe = |more: Value| {
        let mut probe = json!({"mode": "readiness", "scheme": "http", "port": 80, "path": "/"});
        probe.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([probe])
    };
    let volume = |more: Value| {
        let mut volume =
            json!({"volume_name": "data", "volume_path": "/data", "volume_type": "local", "volume_capacity": 1});
        volume.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([volume])
    };
    let route = |field: &str| format!("/ingress_http_routes/0/{field}");
    let plugins = "/plugins";
    let option = |more: Value| {
        let mut option = json!({"attr_name": "A"});
        option.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([{"plugin_name": "p", "share_image": "r.example/p:1", "config_groups": [{"options": [option]}]}])
    };
    let cases: Vec<(String, Value, &str)> = vec![
        (web("extend_method_map"), json!({"max_memory": 2048, "min_memory": 64}), "(`max_memory` 2048)"),
        (web("extend_method_map"), json!({"step_memory": 128}), "(`step_memory` 128)"),
        (web("extend_method_map"), json!({"init_memory": 64}), "`init_memory` is 64, and `memory` 128"),
        (web("extend_method_map"), json!({"is_restart": 1}), "`is_restart`"),
        (web("extend_method_map"), json!({"min_node": 3, "max_node": 3}), "`max_node` 3"),
        (web("extend_method_map"), json!({"max_node": 64, "step_node": 2}), "`step_node` 2"),
        (web("extend_method_map"), json!({"min_node": "many"}), "no such number can be read: `min_node` \"many\""),
        (web("extend_method"), json!("sometimes"), "\"sometimes\""),
        (web("memory"), json!(-1), "no such number can be read: `memory` -1"),
        (web("arch"), json!("arm64"), "made for arm64"),
        (web("port_map_list"), json!([{"container_port": 0, "name": "x"}]), "a port \"x\" whose `container_port`"),
        (web("probes"), json!("none"), "`probes`: something that is written in another way"),
        (web("probes"), probe(json!({"is_used": false})), "a probe of mode readiness: it is switched off there"),
        (web("probes"), probe(json!({"mode": "ignore"})), "a probe of mode ignore"),
        (web("probes"), probe(json!({"mode": "sometimes"})), "mode \"sometimes\""),
        (web("probes"), probe(json!({"scheme": "grpc"})), "the scheme \"grpc\" only connects"),
        (web("probes"), probe(json!({"scheme": "cmd"})), "without a command"),
        (web("probes"), probe(json!({"port": 0})), "without a port"),
        (web("probes"), probe(json!({"mode": "liveness", "success_threshold": 2})), "Kubernetes takes only 1"),
        (web("probes"), probe(json!({"period_second": 100_000})), "`period_second` 100000"),
        (web("probes"), probe(json!({"http_header": "A=1,a=2"})), "the header \"a=2\""),
        (web("service_volume_map_list"), volume(json!({"share_policy": "share"})), "`share_policy` share"),
        (web("service_volume_map_list"), volume(json!({"backup_policy": "daily"})), "`backup_policy` daily"),
        (web("service_volume_map_list"), volume(json!({"volume_provider_name": "x"})), "`volume_provider_name` x"),
        (web("service_volume_map_list"), volume(json!({"access_mode": "RWS"})), "the access mode \"RWS\""),
        (
            web("service_volume_map_list"),
            volume(json!({"volume_type": "config-file", "mode": 600})),
            "/data had the mode 600, and has 0644 here",
        ),
        (web("component_graphs"), json!([{"title": "x", "promql": ""}]), "the graph \"x\": it has no `promql`"),
        (web("component_graphs"), json!([{"promql": "up"}]), "it has no title"),
        (
            web("component_monitors"),
            json!([{"name": "m", "port": 80, "service_show_name": "Shown", "interval": "often"}]),
            "\"Shown\" (`service_show_name`)",
        ),
        (web("component_monitors"), json!([{"name": "m", "port": 80, "interval": "often"}]), "the interval \"often\""),
        (
            web("service_env_map_list"),
            json!([{"attr_name": "A", "attr_value": "1", "is_change": false, "name": "First"}]),
            "not to be changed (`is_change`): A",
        ),
        (web("service_env_map_list"), json!([{"attr_name": "A", "name": "First"}]), "for people (`name`): A (First)"),
        (web("dep_service_map_list"), json!([{"dep_service_key": "gone"}]), "it depends on gone"),
        (web("job_strategy"), json!({"parallelism": 3}), "of its `job_strategy`: parallelism"),
        ("/apps/1/labels".into(), json!({"a": "b"}), "db: the component: fields that mean nothing here: `labels`"),
        ("/apps/1/port_map_list/0/protocol".into(), json!("udp"), "speaks udp"),
        ("/apps/1/port_map_list/0/is_outer_service".into(), json!(true), "3306 of db was open to the outside"),
        ("/apps/1/endpoints/endpoints_info".into(), json!("[\"192.0.2.7:1\"]"), "none of its own: 1"),
        (
            "/apps/1/endpoints".into(),
            json!({"endpoints_type": "api", "endpoints_info": "{\"password\": \"s3cr3t!word\"}"}),
            "its addresses come from elsewhere (api)",
        ),
        (route("default_domain"), json!(false), "(`default_domain`)"),
        (route("load_balancing"), json!("least-conn"), "`load_balancing` least-conn"),
        (route("cookies"), json!({"a": "b"}), "a condition on cookies"),
        (route("path_rewrite"), json!(true), "`path_rewrite`"),
        (route("rewrites"), json!([{"regex": "x"}]), "`rewrites`"),
        (route("location"), json!("shop"), "the location \"shop\""),
        (route("proxy_buffer_size"), json!(4), "`proxy_buffer_size`"),
        (route("proxy_header"), json!([{"item_key": "X"}]), "1 of `proxy_header`"),
        (plugins.into(), option(json!({"attr_alt_value": "a,b"})), "`attr_alt_value`"),
        (plugins.into(), option(json!({"attr_type": "radio"})), "`attr_type`"),
        (plugins.into(), option(json!({"attr_info": "What for"})), "`attr_info`"),
        (plugins.into(), option(json!({"is_change": false})), "`is_change`"),
        (plugins.into(), option(json!({"attr_name": "no name"})), "\"no name\" of the plugin `p`"),
        ("/group_dev_status".into(), json!("release"), "`group_dev_status`"),
        (
            "/app_config_groups".into(),
            json!([{"name": "g", "config_items": {"A": "1"}, "component_keys": ["web", "gone"]}]),
            "of the components of the group g, which are not here: gone",
        ),
        (
            "/app_config_groups".into(),
            json!([{"name": "g", "config_items": {"A": "1"}, "component_keys": ["web"], "enable": false}]),
            "the group g, which is switched off there",
        ),
    ];
    let (_, noted) = template(&shop("", &Value::Null));
    assert!(noted.lines().count() == 1 && noted.contains("db runs elsewhere"), "{noted}");
    for (pointer, value, note) in cases {
        let (_, noted) = converted(&shop(&pointer, &value));
        assert!(noted.contains(note), "{pointer} {value}: no note says {note:?}:\n{noted}");
        assert!(!noted.contains("s3cr3t!word"), "{noted}");
    }
}

/// Fields that may be missing without a trace: identities, what the platform shows, how the image came to be, logins (a note
/// names them as a whole), and what Rainbond makes of the rest itself (spec/convert.md section 4).
const NEED_NOTHING: &str = "ID build_source build_version category component_id config_name create_time deploy_version \
    endpoints_type graph_id group_key hub_password hub_url hub_user image is_inner_service is_outer_service is_trust \
    k8s_service_name language level message namespace origin plugin_alias plugin_id plugin_key port_alias primary_link \
    probe_id protocol save_type service_alias service_id service_key service_meta_type service_name service_share_uuid \
    service_source service_type share_type suffix template_version tenant_id type version volume_name";

/// Places whose object is noted as a whole, or of which another part decides.
const NOTED: [&str; 14] = [
    "/apps/0/component_graphs/2/",
    "/apps/0/component_k8s_attributes/3/",
    "/apps/0/labels/区域",
    "/apps/0/probes/0/cmd",
    "/apps/0/probes/1/",
    "/apps/0/service_related_plugin_config/0/attr/",
    "/apps/1/extend_method_map/max_node",
    "/apps/3/endpoints/service_cname",
    "/apps/4/",
    "/ingress_http_routes/0/headers/",
    "/k8s_resources/1/",
    "/plugins/0/config_groups/0/options/0/attr_alt_value",
    "/plugins/0/config_groups/0/options/0/attr_type",
    "/plugins/1/",
];

/// Whether it is the address of a port, which Rainbond makes anew at each place.
fn is_made(at: &str) -> bool {
    at.contains("/service_connect_info_map_list/") && (at.ends_with("/attr_value") || at.ends_with("/container_port"))
}

/// Where in `value` something stands that is neither a list nor an object, with the object's field.
fn leaves(value: &Value, at: &str, field: &str, into: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| leaves(v, &format!("{at}/{i}"), field, into)),
        Value::Object(fields) => {
            fields.iter().for_each(|(k, v)| leaves(v, &format!("{at}/{}", k.replace('/', "~1")), k, into))
        }
        _ => into.push((at.to_owned(), field.to_owned())),
    }
}

#[test]
fn no_value_of_an_export_changes_without_a_trace() {
    let whole = mall();
    let before = converted(&whole);
    let mut all = Vec::new();
    leaves(&whole, "", "", &mut all);
    let needs_nothing = |field: &str| NEED_NOTHING.split_whitespace().any(|known| known == field);
    all.retain(|(at, field)| !needs_nothing(field) && !is_made(at) && !NOTED.iter().any(|place| at.starts_with(place)));
    assert!(all.len() > 120, "{}", all.len());
    let mut lost = BTreeSet::new();
    for (at, _) in &all {
        let mut metadata = whole.clone();
        let value = metadata.pointer_mut(at).unwrap();
        *value = match &*value {
            Value::String(text) => json!(format!("{text}7")),
            Value::Number(n) => json!(n.as_u64().unwrap() + 2),
            Value::Bool(b) => json!(!b),
            other => panic!("{at}: {other}"),
        };
        // What is noted as a whole is missed when it is gone.
        let gone = || {
            let mut metadata = whole.clone();
            *metadata.pointer_mut(at).unwrap() = Value::Null;
            converted(&metadata)
        };
        if converted(&metadata) == before && gone() == before {
            lost.insert(at.clone());
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

/// Where in `value` an object stands whose fields are Rainbond's, not somebody's own names.
fn objects(value: &Value, at: &str, into: &mut Vec<String>) {
    let own = ["labels", "config_items", "proxy_header", "cookies", "headers", "attr", "report"];
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| objects(v, &format!("{at}/{i}"), into)),
        Value::Object(fields) => {
            into.push(at.to_owned());
            let fields = fields.iter().filter(|(k, _)| !own.contains(&k.as_str()));
            fields.for_each(|(k, v)| objects(v, &format!("{at}/{k}"), into));
        }
        _ => {}
    }
}

#[test]
fn a_field_that_nobody_knows_is_noted_wherever_it_stands() {
    let whole = mall();
    let mut all = Vec::new();
    objects(&whole, "", &mut all);
    // A virtual machine is noted as a whole.
    all.retain(|at| !at.starts_with("/apps/4"));
    assert!(all.len() > 50, "{}", all.len());
    for at in all {
        let mut metadata = whole.clone();
        metadata.pointer_mut(&at).unwrap()["novelty"] = json!("never-carried");
        let (files, noted) = converted(&metadata);
        assert!(noted.contains("`novelty`"), "{at}: {noted}");
        let text = String::from_utf8_lossy(&files[0]);
        assert!(!text.contains("never-carried") && !noted.contains("never-carried"), "{at}: a value is not shown");
    }
}

#[test]
fn headers_of_a_probe_are_carried() {
    let probes = json!([{
        "mode": "liveness", "scheme": "https", "port": 80, "path": "live",
        "http_header": "Host=shop.example, X-Probe = a=b ,X-Empty",
    }]);
    let (template, noted) = template(&shop("/apps/0/probes", &probes));
    let http = template.components[0].probes.liveness.clone().unwrap().http.unwrap();
    let headers: Vec<(&str, &str)> = http.headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(headers, [("Host", "shop.example"), ("X-Empty", ""), ("X-Probe", "a=b")]);
    assert_eq!(http.path, "/live");
    assert!(!noted.contains("header"), "{noted}");
}

#[test]
fn graphs_stand_in_the_order_in_which_they_are_shown() {
    let graphs = json!([
        {"title": "second", "promql": "b", "sequence": 2},
        {"title": "first", "promql": "a", "sequence": 1},
        {"title": "second", "promql": "c", "sequence": 3},
    ]);
    let (template, noted) = template(&shop("/apps/0/component_graphs", &graphs));
    let titles: Vec<&str> = template.components[0].graphs.iter().map(|g| g.title.as_str()).collect();
    assert_eq!(titles, ["first", "second"]);
    assert!(noted.contains("the graph \"second\": another has its title"), "{noted}");
}

#[test]
fn room_that_stands_only_in_the_scaling_rule_is_carried() {
    let mut metadata = shop("/apps/0/extend_method_map", &json!({"init_memory": 256, "container_cpu": 500}));
    metadata["apps"][0].as_object_mut().unwrap().remove("memory");
    let (template, _) = template(&metadata);
    let limits = &template.components[0].resources.limits;
    assert_eq!((limits["memory"].to_string(), limits["cpu"].to_string()), ("256Mi".into(), "500m".into()));
}
