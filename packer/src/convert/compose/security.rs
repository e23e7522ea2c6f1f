//! What a container may do, and what of the host it sees: `user`, `cap_add`, `privileged`, `network_mode` and the like.

use bundle_format::template::Component;
use serde_json::{Value, json};

use super::super::draft::{Draft, NoteKind};
use super::super::tree::Tree;
use super::words;

/// What a container may do, and what of the host it sees.
pub(super) fn security(draft: &mut Draft, service: &Tree, made: &mut Component) {
    let k = &mut made.kubernetes;
    let mut left: Vec<(NoteKind, String)> = Vec::new();
    if let Some(user) = service.text_of("user") {
        let (uid, gid) = user.split_once(':').map_or((user.as_str(), None), |(u, g)| (u, Some(g)));
        for (field, id) in [("runAsUser", Some(uid)), ("runAsGroup", gid)] {
            match id.map(str::parse::<u32>) {
                Some(Ok(id)) => _ = k.security_context.insert(field.to_owned(), json!(id)),
                Some(Err(_)) => {
                    left.push((
                        NoteKind::Left,
                        format!("`user: {user}`: Kubernetes wants numbers, in `kubernetes.securityContext`"),
                    ));
                }
                None => {}
            }
        }
    }
    let mut capabilities = serde_json::Map::new();
    for (field, key) in [("add", "cap_add"), ("drop", "cap_drop")] {
        let given: Vec<String> = service
            .get(key)
            .map(Tree::texts)
            .unwrap_or_default()
            .iter()
            .map(|c| c.trim_start_matches("CAP_").to_owned())
            .collect();
        if !given.is_empty() {
            capabilities.insert(field.to_owned(), json!(given));
        }
    }
    if !capabilities.is_empty() {
        k.security_context.insert("capabilities".to_owned(), Value::Object(capabilities));
    }
    for (key, field) in [("privileged", "privileged"), ("read_only", "readOnlyRootFilesystem")] {
        if service.get(key).is_some_and(Tree::yes) {
            k.security_context.insert(field.to_owned(), json!(true));
        }
    }
    if service.get("privileged").is_some_and(Tree::yes) {
        let text =
            "`privileged` is carried: many clusters refuse such a pod; name what it needs in `capabilities` instead";
        left.push((NoteKind::Look, text.to_owned()));
    }
    for option in service.get("security_opt").map(Tree::texts).unwrap_or_default() {
        match option.as_str() {
            "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => {
                k.security_context.insert("allowPrivilegeEscalation".to_owned(), json!(false));
            }
            other => {
                let text =
                    format!("`security_opt: {other}`: say it in Kubernetes' words, in `kubernetes.securityContext`");
                left.push((NoteKind::Left, text));
            }
        }
    }
    let mut groups: Vec<u32> = Vec::new();
    for group in service.get("group_add").map(Tree::texts).unwrap_or_default() {
        match group.parse() {
            Ok(number) => groups.push(number),
            Err(_) => left.push((NoteKind::Left, format!("the group {group}: Kubernetes wants numbers"))),
        }
    }
    if !groups.is_empty() {
        k.pod_security_context.insert("supplementalGroups".to_owned(), json!(groups));
    }
    let sysctls: Vec<Value> = (service.get("sysctls").map(Tree::pairs).unwrap_or_default().into_iter())
        .map(|(name, value)| json!({"name": name, "value": value.unwrap_or_default()}))
        .collect();
    if !sysctls.is_empty() {
        let text = "kernel settings went to `kubernetes.podSecurityContext.sysctls`; a cluster must allow those that are not safe";
        left.push((NoteKind::Look, text.to_owned()));
        k.pod_security_context.insert("sysctls".to_owned(), Value::Array(sysctls));
    }
    hosts(service, k, &mut left);
    match service.text_of("network_mode").as_deref() {
        None | Some("bridge" | "default") => {}
        Some("host") => {
            k.host_network = true;
            k.dns_policy = Some("ClusterFirstWithHostNet".to_owned());
            let text =
                "`network_mode: host` is carried: many clusters refuse such a pod, and its ports are taken on the node";
            left.push((NoteKind::Look, text.to_owned()));
        }
        Some("none") => {
            left.push((NoteKind::Left, "`network_mode: none`: a NetworkPolicy says that, among `manifests`".into()))
        }
        Some(other) => left.push((
            NoteKind::Left,
            format!("`network_mode: {other}`: what shares a network is a plugin of the component whose network it is"),
        )),
    }
    if let Some(given) = service.text_of("stop_grace_period") {
        k.termination_grace_period_seconds = words::seconds(&given).map(u32::from);
        if k.termination_grace_period_seconds.is_none() {
            left.push((NoteKind::Left, format!("`stop_grace_period: {given}`: that is no length of time here")));
        }
    }
    for (key, value) in service.get("annotations").map(Tree::pairs).unwrap_or_default() {
        k.annotations.insert(key, value.unwrap_or_default());
    }
    for (kind, text) in left {
        draft.note(kind, Some(&made.name), text);
    }
}

fn hosts(service: &Tree, k: &mut bundle_format::template::KubernetesAttributes, left: &mut Vec<(NoteKind, String)>) {
    let pairs = match service.get("extra_hosts") {
        Some(Tree::Map(fields)) => {
            fields.iter().flat_map(|(k, v)| v.texts().into_iter().map(|v| (k.clone(), v))).collect()
        }
        Some(list) => (list.texts().iter())
            .filter_map(|t| t.split_once(['=', ':']).map(|(h, ip)| (h.to_owned(), ip.to_owned())))
            .collect(),
        None => Vec::new(),
    };
    for (host, ip) in pairs {
        let ip = ip.trim_start_matches('[').trim_end_matches(']');
        if ip.parse::<std::net::IpAddr>().is_err() {
            left.push((NoteKind::Left, format!("`extra_hosts` {host}: {ip} is no address that a site has")));
            continue;
        }
        let mut alias = serde_json::Map::new();
        alias.insert("ip".to_owned(), json!(ip));
        alias.insert("hostnames".to_owned(), json!([host]));
        k.host_aliases.push(alias);
    }
}
