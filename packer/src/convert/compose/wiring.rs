//! What services are to each other: dependencies, hosts, ports that nobody declared.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use bundle_format::template::{ComponentName, Protocol, WorkloadKind};

use super::super::ConvertError;
use super::super::connect::Hosts;
use super::super::draft::{Draft, NoteKind, port_of};
use super::super::tree::Tree;
use super::Project;

/// The ports that well-known images listen on.
const KNOWN: [(&str, u16); 24] = [
    ("postgres", 5432),
    ("postgis", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("percona", 3306),
    ("redis", 6379),
    ("valkey", 6379),
    ("mongo", 27017),
    ("rabbitmq", 5672),
    ("memcached", 11211),
    ("elasticsearch", 9200),
    ("opensearch", 9200),
    ("nginx", 80),
    ("httpd", 80),
    ("caddy", 80),
    ("nats", 4222),
    ("zookeeper", 2181),
    ("kafka", 9092),
    ("minio", 9000),
    ("etcd", 2379),
    ("nacos-server", 8848),
    ("eclipse-mosquitto", 1883),
    ("influxdb", 8086),
    ("clickhouse-server", 8123),
];

/// Images whose replicas have a name and volumes of their own.
const DATABASES: [&str; 16] = [
    "postgres",
    "postgis",
    "mysql",
    "mariadb",
    "percona",
    "mongo",
    "redis",
    "valkey",
    "rabbitmq",
    "elasticsearch",
    "opensearch",
    "zookeeper",
    "kafka",
    "etcd",
    "influxdb",
    "clickhouse-server",
];

/// Services that others wait for to end.
pub(super) fn jobs(services: &[(String, Tree)]) -> BTreeSet<String> {
    let conditions = services.iter().flat_map(|(_, s)| s.get("depends_on").map(Tree::fields).unwrap_or_default());
    conditions
        .filter(|(_, c)| c.text_of("condition").as_deref() == Some("service_completed_successfully"))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The last part of an image's repository.
fn short_name(component: &bundle_format::template::Component) -> &str {
    component.image.repository().rsplit('/').next().unwrap_or_default()
}

impl Project {
    /// Dependencies, ports that others use, and kinds that follow from what a service is.
    pub(super) fn wire(&self, draft: &mut Draft, services: &[(String, Tree)]) -> Result<(), ConvertError> {
        let mut components = std::mem::take(&mut draft.template.components);
        for (component, (name, service)) in components.iter_mut().zip(services) {
            let mut on: Vec<String> = match service.get("depends_on") {
                Some(Tree::Map(fields)) => fields.iter().map(|(k, _)| k.clone()).collect(),
                Some(list) => list.texts(),
                None => Vec::new(),
            };
            let links = service.get("links").map(Tree::texts).unwrap_or_default();
            on.extend(links.iter().map(|l| l.split(':').next().unwrap_or_default().to_owned()));
            for other in on {
                match self.services.get(&other) {
                    Some(id) if !component.depends_on.contains(id) => component.depends_on.push(id.clone()),
                    Some(_) => {}
                    None => draft.note(
                        NoteKind::Left,
                        Some(&component.name),
                        format!("it depends on {other:?}, which is not there"),
                    ),
                }
            }
            if component.ports.is_empty()
                && component.kind != WorkloadKind::Job
                && self.is_reached(name, services)
                && let Some(number) = self.guess(name, short_name(component), services)
            {
                port_of(component, number, Protocol::Tcp, None)?;
                let text =
                    format!("port {number} is not declared; others need it, and the image or an address says so");
                draft.note(NoteKind::Look, Some(&component.name), text);
            }
            if component.volumes.iter().any(|v| v.size.is_some()) && component.kind == WorkloadKind::Deployment {
                let shared = self.volumes.iter().any(|(_, (owner, _))| *owner == component.name)
                    && self.lends(&component.name, services);
                match DATABASES.contains(&short_name(component)) && !shared {
                    true => component.kind = WorkloadKind::StatefulSet,
                    false => component.singleton = component.replicas.is_none(),
                }
            }
        }
        draft.template.components = components;
        Ok(())
    }

    /// Whether another service mounts a volume of `owner`.
    fn lends(&self, owner: &ComponentName, services: &[(String, Tree)]) -> bool {
        let names: BTreeSet<&String> = self.volumes.iter().filter(|(_, (o, _))| o == owner).map(|(n, _)| n).collect();
        let mounts = |service: &Tree| {
            service
                .get("volumes")
                .map(Tree::elements)
                .unwrap_or_default()
                .iter()
                .filter_map(super::mounts::source)
                .collect::<Vec<_>>()
        };
        services
            .iter()
            .filter(|(n, _)| self.services.get(n) != Some(owner))
            .any(|(_, s)| mounts(s).iter().any(|m| names.contains(m)))
    }

    fn is_reached(&self, name: &str, services: &[(String, Tree)]) -> bool {
        services.iter().any(|(other, service)| {
            let on = service.get("depends_on");
            other != name
                && (on
                    .is_some_and(|d| d.texts().iter().any(|t| t == name) || d.fields().iter().any(|(k, _)| k == name))
                    || self.addressed(name, service).is_some())
        })
    }

    /// The port of an address `NAME:PORT` in a service's variables; 0 for a host alone.
    fn addressed(&self, name: &str, service: &Tree) -> Option<u16> {
        let mut found = None;
        for (_, value) in service.get("environment").map(Tree::pairs).unwrap_or_default() {
            let value = value.unwrap_or_default();
            if value == name {
                found = found.or(Some(0));
            }
            let needle = format!("{name}:");
            if let Some(at) = value.find(&needle) {
                let before = value.get(..at).unwrap_or_default();
                let digits: String = value
                    .get(at + needle.len()..)
                    .unwrap_or_default()
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .collect();
                if !before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                    && let Ok(port) = digits.parse()
                {
                    return Some(port);
                }
            }
        }
        found
    }

    fn guess(&self, name: &str, image: &str, services: &[(String, Tree)]) -> Option<NonZeroU16> {
        let addressed = services.iter().filter_map(|(_, s)| self.addressed(name, s)).find_map(NonZeroU16::new);
        addressed
            .or_else(|| KNOWN.iter().find(|(known, _)| *known == image).and_then(|(_, port)| NonZeroU16::new(*port)))
    }

    /// The hosts by which services reach each other: names, container names, aliases.
    pub(super) fn hosts(&self, services: &[(String, Tree)]) -> Hosts {
        let mut hosts = Hosts::new();
        for (name, service) in services {
            let Some(id) = self.services.get(name) else { continue };
            let mut names = vec![name.clone()];
            names.extend(service.text_of("container_name"));
            names.extend(service.text_of("hostname"));
            let networks = service.get("networks").map(Tree::fields).unwrap_or_default();
            names.extend(networks.iter().flat_map(|(_, n)| n.get("aliases").map(Tree::texts).unwrap_or_default()));
            for name in names.into_iter().filter(|n| !n.is_empty()) {
                hosts.entry(name).or_insert_with(|| id.clone());
            }
        }
        // `links: [db:mysql]` gives a service another name, after all that have one of their own.
        for link in services.iter().flat_map(|(_, s)| s.get("links").map(Tree::texts).unwrap_or_default()) {
            if let Some((name, alias)) = link.split_once(':')
                && let Some(id) = self.services.get(name)
            {
                hosts.entry(alias.to_owned()).or_insert_with(|| id.clone());
            }
        }
        hosts
    }
}
