//! A workload becomes a component; its further containers become plugins.

use std::collections::BTreeMap;

use bundle_format::template::{Component, Plugin, PluginKind, PluginUse, WorkloadKind};
use serde_json::{Map, Value};

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, component};
use super::{World, at, kind, left, list_at, main_container, map_at, name, number_at, pod, text_at};

impl World {
    /// Converts the workload at `index`.
    pub(super) fn workload(&mut self, draft: &mut Draft, index: usize) -> Result<(), ConvertError> {
        let object = self.objects[index].clone();
        let (Some(template), called) = (pod(&object), name(&object).to_owned()) else { return Ok(()) };
        let Some(spec) = at(template, &["spec"]) else { return Ok(()) };
        let containers = list_at(spec, &["containers"]);
        let main = main_container(&object);
        let Some(image) = containers.get(main).and_then(|c| text_at(c, &["image"])?.parse().ok()) else {
            draft.note(
                NoteKind::Left,
                None,
                format!("{} {called} has no container with an image; it stays as it is", kind(&object)),
            );
            return Ok(());
        };
        let id = draft.component_name(&called)?;
        if id.as_str() != called {
            draft.note(NoteKind::Changed, Some(&id), format!("{} {called} is called `{id}` here", kind(&object)));
        }
        let mut made = component(id.clone(), image);
        self.kind_of(draft, &object, &mut made);
        pod_fields(draft, template, spec, &mut made);
        let Some(container) = containers.get(main) else { return Ok(()) };
        left::workload(draft, &id, &object);
        self.container(draft, container, true, &mut made)?;
        self.mounts(draft, &object, spec, container, &mut made)?;
        let others = containers.iter().enumerate().filter(|(i, _)| *i != main).map(|(_, c)| (PluginKind::Sidecar, c));
        let before = list_at(spec, &["initContainers"]).iter().map(|c| match text_at(c, &["restartPolicy"]) {
            Some("Always") => (PluginKind::Sidecar, c),
            _ => (PluginKind::Init, c),
        });
        for (when, container) in before.chain(others) {
            self.plugin(draft, when, spec, container, &mut made)?;
        }
        if made.kind == WorkloadKind::Job || made.kind == WorkloadKind::CronJob {
            if !made.probes.is_empty() {
                draft.note(NoteKind::Left, Some(&id), "its probes: a job is done when its container exits");
            }
            made.probes = bundle_format::template::Probes::default();
            made.ports.clear();
        }
        self.used.insert(index);
        self.workloads.push((index, id));
        draft.template.components.push(made);
        Ok(())
    }

    fn kind_of(&self, draft: &mut Draft, object: &Value, made: &mut Component) {
        let spec = |path: &[&str]| at(object, &[&["spec"], path].concat()).cloned();
        made.kind = match kind(object) {
            "StatefulSet" => WorkloadKind::StatefulSet,
            "DaemonSet" => WorkloadKind::DaemonSet,
            "Job" => WorkloadKind::Job,
            "CronJob" => WorkloadKind::CronJob,
            _ => WorkloadKind::Deployment,
        };
        let mut left = Vec::new();
        match made.kind {
            WorkloadKind::Deployment | WorkloadKind::StatefulSet => {
                made.replicas = number_at::<u32>(object, &["spec", "replicas"]).filter(|n| *n != 1);
                if made.replicas == Some(0) {
                    left.push("it was scaled to 0: say how many should run, or make it `optional`");
                }
                made.singleton =
                    text_at(object, &["spec", "strategy", "type"]) == Some("Recreate") && made.replicas.is_none();
                if text_at(object, &["spec", "podManagementPolicy"]) == Some("Parallel") {
                    left.push("`podManagementPolicy: Parallel` has no word in a template");
                }
            }
            WorkloadKind::CronJob => {
                made.schedule = text_at(object, &["spec", "schedule"]).map(str::to_owned);
                let given = ["concurrencyPolicy", "timeZone", "startingDeadlineSeconds", "suspend"];
                if given.iter().any(|k| spec(&[k]).is_some_and(|v| v != "Allow" && v != false)) {
                    left.push(
                        "of a CronJob, only its schedule is carried: not `concurrencyPolicy`, `timeZone`, `startingDeadlineSeconds`, `suspend`",
                    );
                }
            }
            WorkloadKind::Job => {
                if ["parallelism", "completions"].iter().any(|k| spec(&[k]).is_some_and(|v| v != 1)) {
                    left.push("`parallelism` and `completions`: a job here runs once");
                }
            }
            WorkloadKind::DaemonSet => {}
        }
        for text in left {
            draft.note(NoteKind::Left, Some(&made.name), text);
        }
    }

    fn plugin(
        &mut self,
        draft: &mut Draft,
        when: PluginKind,
        spec: &Value,
        container: &Value,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        let called = text_at(container, &["name"]).unwrap_or("container");
        let Some(image) = text_at(container, &["image"]).and_then(|i| i.parse().ok()) else {
            draft.note(NoteKind::Left, Some(&made.name), format!("the container {called}: it names no image"));
            return Ok(());
        };
        // A plugin is read as a component of its own, and hands over what a plugin can have.
        let mut like = component(made.name.clone(), image);
        self.container(draft, container, false, &mut like)?;
        like.kind = if when == PluginKind::Init { WorkloadKind::Job } else { WorkloadKind::Deployment };
        let shares = self.plugin_mounts(draft, spec, container, made, &mut like)?;
        if !like.probes.is_empty() {
            draft.note(
                NoteKind::Left,
                Some(&made.name),
                format!("the probes of the container {called}: a plugin has none"),
            );
        }
        if !like.kubernetes.security_context.is_empty() || !like.kubernetes.lifecycle.is_empty() {
            let text = format!("`securityContext` and `lifecycle` of the container {called}: a plugin has none");
            draft.note(NoteKind::Left, Some(&made.name), text);
        }
        let wanted =
            if called.starts_with(made.name.as_str()) { called.to_owned() } else { format!("{}-{called}", made.name) };
        let name: bundle_format::template::PartName = draft.part("plugins", &wanted)?;
        for port in &mut like.ports {
            port.service = false;
        }
        if when == PluginKind::Init {
            like.ports.clear();
        }
        draft.template.plugins.push(Plugin {
            name: name.clone(),
            image: like.image,
            kind: when,
            command: like.command,
            args: like.args,
            ports: like.ports,
            env: like.env,
            config: like.config,
            resources: like.resources,
        });
        made.plugins.push(PluginUse { name: name.clone(), env: Vec::new(), volumes: shares });
        draft.note(NoteKind::Changed, Some(&made.name), format!("the container {called} became the plugin `{name}`"));
        Ok(())
    }
}

/// What is said of the pods as a whole.
fn pod_fields(draft: &mut Draft, template: &Value, spec: &Value, made: &mut Component) {
    let object = |key: &str| at(spec, &[key]).and_then(Value::as_object).cloned().unwrap_or_default();
    let objects = |key: &str| -> Vec<Map<String, Value>> {
        list_at(spec, &[key]).iter().filter_map(Value::as_object).cloned().collect()
    };
    let text = |key: &str| text_at(spec, &[key]).map(str::to_owned);
    let texts = |path: &[&str], of: &Value| -> BTreeMap<String, String> {
        map_at(of, path).filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    };
    let k = &mut made.kubernetes;
    k.node_selector = texts(&["nodeSelector"], spec);
    k.tolerations = objects("tolerations");
    k.affinity = object("affinity");
    k.topology_spread_constraints = objects("topologySpreadConstraints");
    k.service_account = text("serviceAccountName").filter(|s| s != "default");
    k.pod_security_context = object("securityContext");
    k.priority_class = text("priorityClassName");
    k.runtime_class = text("runtimeClassName");
    k.host_network = at(spec, &["hostNetwork"]).and_then(Value::as_bool).unwrap_or(false);
    k.dns_policy = text("dnsPolicy");
    k.host_aliases = objects("hostAliases");
    k.termination_grace_period_seconds = number_at(spec, &["terminationGracePeriodSeconds"]);
    k.annotations = texts(&["metadata", "annotations"], template);
    // What an installation of ours says of its pods is made again.
    k.annotations.retain(|key, _| !key.starts_with("sealift.dev/"));
    made.labels = texts(&["metadata", "labels"], template);
    made.labels.retain(|key, _| {
        !left::is_ours(key)
            && !["pod-template-hash", "controller-revision-hash", "controller-uid", "job-name"].contains(&key.as_str())
    });
    if !list_at(spec, &["imagePullSecrets"]).is_empty() {
        draft.note(
            NoteKind::Changed,
            Some(&made.name),
            "`imagePullSecrets`: a site pulls from its own registry, with its own login",
        );
    }
}
