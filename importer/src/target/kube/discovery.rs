//! The types of objects that a server takes.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::core::discovery::v2::APIGroupDiscoveryList;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::patience::{BRIEF, Patience};
use super::session::Session;
use crate::render::Namespace;
use crate::target::{Capabilities, ObjectId, TargetError};

/// Group of the API that says how much CPU and memory pods use.
const MEASURES: &str = "metrics.k8s.io";

/// Groups that servers answer for themselves: another server's absence is no excuse, and no definition adds a version to them.
const OWN: [&str; 16] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "extensions",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Versions that say all of an object, best first, of kinds of which servers prefer a version that does not.
const FULL: [(&str, &str); 3] = [
    ("HorizontalPodAutoscaler", "autoscaling/v2"),
    ("HorizontalPodAutoscaler", "autoscaling/v2beta2"),
    ("HorizontalPodAutoscaler", "autoscaling/v2beta1"),
];

/// How a server calls the objects of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    /// Version of its API, with the group: `apps/v1`.
    pub api_version: String,
    /// Its name in a path: `deployments`.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// The path of its objects, in a namespace if it has those and one is given.
    pub fn collection(&self, namespace: Option<&str>) -> Result<String, Failure> {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let (version, plural) = (&self.api_version, &self.plural);
        Ok(match namespace.filter(|_| self.namespaced) {
            // It comes from a manifest, and becomes a part of the path.
            Some(text) => match text.parse::<Namespace>() {
                Ok(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
                Err(e) => return Err(Failure::Nonsense(e.to_string())),
            },
            None => format!("{root}/{version}/{plural}"),
        })
    }
}

/// Refuses the name of an object that would be another path.
pub(super) fn check_name(name: &str) -> Result<&str, Failure> {
    let bad = |c: char| matches!(c, '/' | '%' | '?' | '#' | '\\') || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.len() > 253 || name == "." || name == ".." || name.contains(bad) {
        return Err(Failure::Nonsense(format!(
            "{:?} is no name of an object",
            name.chars().take(100).collect::<String>()
        )));
    }
    Ok(name)
}

/// Every type of object that a server takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Types {
    /// By group and kind, in the order that the server prefers.
    kinds: BTreeMap<(String, String), Vec<Resource>>,
    groups: BTreeSet<String>,
}

impl Types {
    /// Asks the server. A group whose own server does not answer is passed over; what a server should know itself is asked for again, as
    /// objects of a type that is not known are taken not to be there.
    pub fn discover(session: &Session) -> Result<Self, TargetError> {
        let what = "asking the cluster for its types";
        let fail = |e: Failure| e.doing(what);
        // Two requests since Kubernetes 1.26; before, and where a proxy does not know them, one for each version of a group.
        let core = session.run(|client| async move { client.list_core_api_versions_aggregated().await });
        let rest = session.run(|client| async move { client.list_api_groups_aggregated().await });
        if let (Ok(core), Ok(rest)) = (core, rest)
            && !core.items.is_empty()
            && !rest.items.is_empty()
        {
            let mut types = Self::default();
            types.add_aggregated(core);
            types.add_aggregated(rest);
            return Ok(types);
        }
        Patience::new(BRIEF).insist(what, &(), || Self::one_by_one(session)).map_err(fail)
    }

    fn one_by_one(session: &Session) -> Result<Self, Failure> {
        let mut types = Self::default();
        let core = session.run(|client| async move { client.list_core_api_resources("v1").await })?;
        types.add("", "v1", &core);
        let groups = session.run(|client| async move { client.list_api_groups().await })?;
        let mut versions = Vec::new();
        for group in groups.groups {
            types.groups.insert(group.name.clone());
            let first = group.preferred_version.map(|v| v.group_version);
            versions.extend(first.iter().cloned().map(|v| (group.name.clone(), v)));
            let others = group.versions.into_iter().map(|v| v.group_version).filter(|v| Some(v) != first.as_ref());
            versions.extend(others.map(|v| (group.name.clone(), v)));
        }
        let asked = versions.clone();
        let mut lists = session.run(|client| async move {
            let mut set = JoinSet::new();
            for (index, (_, version)) in asked.into_iter().enumerate() {
                let client = client.clone();
                set.spawn(async move { (index, client.list_api_group_resources(&version).await) });
            }
            let mut lists = BTreeMap::new();
            while let Some(done) = set.join_next().await {
                lists.extend(done.ok());
            }
            Ok(lists)
        })?;
        for (index, (group, version)) in versions.iter().enumerate() {
            match lists.remove(&index).map(|answer| answer.map_err(Failure::from)) {
                Some(Ok(list)) => types.add(group, version, &list),
                Some(Err(e)) if e.may_pass() && OWN.contains(&group.as_str()) => return Err(e),
                _ => {}
            }
        }
        Ok(types)
    }

    fn add_aggregated(&mut self, list: APIGroupDiscoveryList) {
        for group in list.items {
            let name = group.metadata.and_then(|m| m.name).unwrap_or_default();
            self.groups.insert(name.clone());
            for version in group.versions {
                let Some(number) = version.version else { continue };
                let api_version = if name.is_empty() { number } else { format!("{name}/{number}") };
                for resource in version.resources {
                    let kind = resource.response_kind.and_then(|k| k.kind);
                    let (Some(plural), Some(kind)) = (resource.resource, kind) else { continue };
                    let namespaced = resource.scope.as_deref() == Some("Namespaced");
                    self.put(&name, kind, Resource { api_version: api_version.clone(), plural, namespaced });
                }
            }
        }
    }

    fn add(&mut self, group: &str, api_version: &str, list: &APIResourceList) {
        // `deployments/scale` is a part of an object.
        for resource in list.resources.iter().filter(|r| !r.name.contains('/')) {
            let (plural, namespaced) = (resource.name.clone(), resource.namespaced);
            self.put(
                group,
                resource.kind.clone(),
                Resource { api_version: api_version.to_owned(), plural, namespaced },
            );
        }
    }

    fn put(&mut self, group: &str, kind: String, resource: Resource) {
        let known = self.kinds.entry((group.to_owned(), kind)).or_default();
        if !known.iter().any(|k| k.api_version == resource.api_version) {
            known.push(resource);
        }
    }

    /// What the renderer may know of it.
    pub fn capabilities(&self) -> Capabilities {
        let types = self
            .kinds
            .iter()
            .flat_map(|((_, kind), all)| all.iter().map(move |resource| (resource.api_version.clone(), kind.clone())));
        Capabilities::new(types.collect(), self.groups.contains(MEASURES))
    }

    /// The type under the version that says most, where the server prefers another, or under the one that it prefers.
    pub fn find(&self, group: &str, kind: &str) -> Option<&Resource> {
        let all = self.kinds.get(&(group.to_owned(), kind.to_owned()))?;
        let full = FULL.iter().filter(|(k, _)| *k == kind).find_map(|(_, v)| all.iter().find(|r| r.api_version == *v));
        full.or_else(|| all.first())
    }

    /// Why a server takes no objects of this type, and never will as it is: the type is Kubernetes' own.
    pub fn never(&self, id: &ObjectId, api_version: &str) -> Option<String> {
        if !OWN.contains(&id.group.as_str()) || self.exact(id, api_version).is_some() {
            return None;
        }
        let others = self.kinds.get(&(id.group.clone(), id.kind.clone()));
        let others: Vec<&str> = others.into_iter().flatten().map(|r| r.api_version.as_str()).collect();
        let but = if others.is_empty() { String::new() } else { format!(", but of {}", others.join(" and ")) };
        let kind = &id.kind;
        Some(format!(
            "this Kubernetes takes no {kind} of {api_version}{but}: it takes a version of the application that says so"
        ))
    }

    /// The type of an object under the version `api_version`.
    pub fn exact(&self, id: &ObjectId, api_version: &str) -> Option<&Resource> {
        let all = self.kinds.get(&(id.group.clone(), id.kind.clone()))?;
        all.iter().find(|resource| resource.api_version == api_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn classic() -> Types {
        let mut types = Types::default();
        let list =
            |resources| from_value::<APIResourceList>(json!({"groupVersion": "x", "resources": resources})).unwrap();
        let deployments = json!([
            {"name": "deployments", "kind": "Deployment", "namespaced": true, "singularName": "", "verbs": ["get"]},
            {"name": "deployments/scale", "kind": "Scale", "namespaced": true, "singularName": "", "verbs": ["get"]},
        ]);
        types.add("apps", "apps/v1", &list(deployments));
        let nodes =
            json!([{"name": "nodes", "kind": "Node", "namespaced": false, "singularName": "", "verbs": ["get"]}]);
        types.add("", "v1", &list(nodes));
        types
    }

    #[test]
    fn both_ways_of_discovery_say_the_same() {
        let mut types = Types::default();
        let group = |name: &str, kind: &str, plural: &str, scope: &str| {
            json!({"items": [{"metadata": {"name": name}, "versions": [{"version": "v1", "resources": [
                {"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": scope}]}]}]})
        };
        types.add_aggregated(from_value(group("apps", "Deployment", "deployments", "Namespaced")).unwrap());
        types.add_aggregated(from_value(group("", "Node", "nodes", "Cluster")).unwrap());
        assert_eq!(types.kinds, classic().kinds);
    }

    #[test]
    fn a_scaling_rule_is_read_in_the_version_that_says_all_of_it() {
        let mut types = Types::default();
        let scalers = json!([{"name": "horizontalpodautoscalers", "kind": "HorizontalPodAutoscaler", "namespaced": true, "singularName": "", "verbs": ["get"]}]);
        let list = from_value::<APIResourceList>(json!({"groupVersion": "x", "resources": scalers})).unwrap();
        let found = |types: &Types| types.find("autoscaling", "HorizontalPodAutoscaler").unwrap().api_version.clone();
        for (version, best) in [("v1", "v1"), ("v2beta1", "v2beta1"), ("v2beta2", "v2beta2"), ("v2", "v2")] {
            types.add("autoscaling", &format!("autoscaling/{version}"), &list);
            assert_eq!(found(&types), format!("autoscaling/{best}"));
        }
    }

    /// What a server before 1.26 answers to a request.
    fn answer(mut stream: std::net::TcpStream, is_busy: impl Fn() -> bool) {
        use std::io::{BufRead as _, BufReader, Write as _};
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
        lines.find(String::is_empty);
        let group = |name: &str, version: &str| {
            let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
            json!({"name": name, "versions": [version], "preferredVersion": version})
        };
        let list = |version: &str, kind: &str, plural: &str| {
            json!({"groupVersion": version, "resources": [
                {"name": plural, "kind": kind, "namespaced": true, "singularName": "", "verbs": ["get"]}]})
        };
        let body = match path.as_str() {
            "/api" => Some(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
            "/apis" => Some(json!({"groups": [group("apps", "v1"), group(MEASURES, "v1beta1")]})),
            "/api/v1" => Some(list("v1", "Service", "services")),
            "/apis/apps/v1" if !is_busy() => Some(list("apps/v1", "Deployment", "deployments")),
            _ => None,
        };
        let busy = || json!({"kind": "Status", "code": 503, "message": "busy", "status": "Failure"});
        let (code, body) = body.map_or_else(|| ("503 Service Unavailable", busy()), |body| ("200 OK", body));
        let (body, close) = (body.to_string(), "connection: close\r\ncontent-length");
        let _ = write!(stream, "HTTP/1.1 {code}\r\n{close}: {}\r\n\r\n{body}", body.len());
    }

    /// A server before 1.26 of which `apps/v1` is busy for the first `refusals` requests, and whose metrics nobody serves.
    fn serve(refusals: usize) -> Session {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let left = std::sync::Arc::new(AtomicUsize::new(refusals));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let left = std::sync::Arc::clone(&left);
                let is_busy =
                    move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
                // Clients open connections that they then do not use.
                std::thread::spawn(move || answer(stream, is_busy));
            }
        });
        let mut config = kube::Config::new(format!("http://{address}/").parse().unwrap());
        config.default_retry = false;
        Session::new(|| async { Ok(super::super::session::client(config, 1 << 20).unwrap()) }).unwrap()
    }

    #[test]
    fn what_a_busy_server_should_know_itself_is_asked_again_and_what_another_serves_is_not() {
        let types = Types::discover(&serve(2)).unwrap();
        assert!(
            types.find("apps", "Deployment").is_some(),
            "objects of a type that is not known look as if they were gone"
        );
        assert!(types.find("", "Service").is_some() && types.find(MEASURES, "PodMetrics").is_none());
    }

    #[test]
    fn a_version_that_kubernetes_no_longer_has_is_told_and_one_that_may_come_is_not() {
        let types = classic();
        let id = |group: &str, kind: &str| ObjectId {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: "a".to_owned(),
        };
        let why = types.never(&id("apps", "Deployment"), "apps/v1beta2").unwrap();
        assert!(why.contains("no Deployment of apps/v1beta2, but of apps/v1"), "{why}");
        assert!(types.never(&id("extensions", "Ingress"), "extensions/v1beta1").is_some());
        assert_eq!(types.never(&id("apps", "Deployment"), "apps/v1"), None);
        assert_eq!(types.never(&id("gateway.networking.k8s.io", "Gateway"), "gateway.networking.k8s.io/v1"), None);
    }

    #[test]
    fn a_part_of_an_object_is_no_type() {
        let types = classic();
        assert!(types.capabilities().has("apps/v1", "Deployment"));
        assert!(!types.capabilities().has("apps/v1", "Scale"));
        assert!(!types.capabilities().measures());
    }

    #[test]
    fn a_path_is_made_of_checked_names_only() {
        let types = classic();
        let of = |group, kind, ns| types.find(group, kind).unwrap().collection(ns);
        assert_eq!(of("apps", "Deployment", Some("a")).unwrap(), "/apis/apps/v1/namespaces/a/deployments");
        assert_eq!(of("apps", "Deployment", None).unwrap(), "/apis/apps/v1/deployments");
        assert_eq!(of("", "Node", Some("a")).unwrap(), "/api/v1/nodes");
        assert!(of("apps", "Deployment", Some("a/../b")).is_err());
        for (name, good) in [
            ("a", true),
            ("system:a", true),
            ("a/b", false),
            ("..", false),
            ("a?b", false),
            ("", false),
            ("a%2f", false),
        ] {
            assert_eq!(check_name(name).is_ok(), good, "{name}");
        }
    }
}
