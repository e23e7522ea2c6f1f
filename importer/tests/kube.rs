//! The target that is a cluster, on a real one: run where KUBECONFIG names one. Every test has a namespace of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "kube/apply.rs"]
mod apply;
#[path = "kube/connect.rs"]
mod connect;
#[path = "kube/lease.rs"]
mod lease;
#[path = "kube/node.rs"]
mod node;
#[path = "kube/records.rs"]
mod records;
#[path = "kube/remove.rs"]
mod remove;
#[path = "kube/rights.rs"]
mod rights;
#[path = "kube/wait.rs"]
mod wait;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bundle_format::ImageRef;
use bundle_format::template::Template;
use importer::plan::Leftovers;
use importer::render::{RenderInput, RenderedFile, render};
use importer::target::kube::{Cluster, KubeTarget};
use importer::target::{Event, ObjectId, Place, Target, TargetError, Watch};
use serde_json::Value;

/// For what is to become true: only a failure takes this long, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(240);

/// Says that a test is skipped, by its name. Where a cluster is required that is a failure.
fn skip(why: &str) {
    let required = env::var_os("CI").is_some_and(|v| v == "true")
        && env::var_os("SEALIFT_TEST_CLUSTER").is_some_and(|v| v == "required");
    assert!(!required, "this test must run here: {why}");
    eprintln!("SKIPPED {}: {why}", std::thread::current().name().unwrap_or_default());
}

/// A namespace for one test, removed at its end.
struct Site {
    cluster: Arc<Cluster>,
    place: Place,
}

impl Site {
    /// None, and a named skip, without a cluster.
    fn new() -> Option<Self> {
        if env::var_os("KUBECONFIG").is_none() {
            skip("KUBECONFIG names no cluster");
            return None;
        }
        let cluster = match Cluster::connect(None) {
            Ok(cluster) => cluster,
            Err(e) => {
                skip(&e.to_string());
                return None;
            }
        };
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("sealift-test-{}-{number}", std::process::id()).parse().unwrap();
        Some(Self { cluster, place: Place { namespace, name: "shop".parse().unwrap() } })
    }

    fn target(&self) -> KubeTarget {
        self.cluster.target(self.place.clone())
    }

    fn namespace(&self) -> &str {
        self.place.namespace.as_str()
    }

    /// kubectl in the namespace.
    fn kubectl(&self, arguments: &[&str], input: &str) -> String {
        let all: Vec<&str> = ["--namespace", self.namespace()].into_iter().chain(arguments.iter().copied()).collect();
        kubectl(&all, input)
    }

    fn make_namespace(&self) {
        kubectl(&["create", "namespace", self.namespace()], "");
    }

    /// One object as kubectl sees it.
    fn get(&self, kind: &str, name: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", kind, name, "-o", "json"], "")).unwrap()
    }

    fn id(&self, group: &str, kind: &str, name: &str) -> ObjectId {
        let namespace = Some(self.namespace().to_owned());
        ObjectId { group: group.to_owned(), kind: kind.to_owned(), namespace, name: name.to_owned() }
    }

    /// A file of manifests, rendered for this namespace.
    fn file(&self, yaml: &str) -> RenderedFile {
        self.files(yaml).pop().unwrap()
    }

    /// The namespace, and a file of manifests.
    fn files(&self, yaml: &str) -> Vec<RenderedFile> {
        let head =
            "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {name: shop, version: '1'}\nmanifests: [m.yaml]\n";
        let template = Template::parse(head.as_bytes()).unwrap();
        let documents = BTreeMap::from([("m.yaml".parse().unwrap(), yaml.as_bytes().to_vec())]);
        let target = self.target();
        let input = RenderInput {
            installation: &self.place.name,
            namespace: &self.place.namespace,
            image: &|image: &ImageRef| image.to_string(),
            documents: &documents,
            secrets: &BTreeMap::new(),
            enabled: &BTreeSet::new(),
            off: &BTreeSet::new(),
            capabilities: target.capabilities(),
            pull_secret: None,
        };
        render(&template, &input).unwrap()
    }

    /// Applies manifests in the namespace, which is made.
    fn apply(&self, yaml: &str) -> Result<(), TargetError> {
        let mut target = self.target();
        self.files(yaml).iter().try_for_each(|file| target.apply(file, &Leftovers::new(), PATIENCE, &()))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let arguments = ["delete", "namespace", self.namespace(), "--ignore-not-found", "--wait=false"];
        let _ = Command::new("kubectl").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// What kubectl prints.
fn kubectl(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("kubectl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("kubectl is installed");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Keeps what is told.
#[derive(Default)]
struct Told(RefCell<Vec<String>>);

impl Told {
    fn any(&self, start: &str, part: &str) -> bool {
        self.0.borrow().iter().any(|line| line.starts_with(start) && line.contains(part))
    }
}

impl Watch for Told {
    fn event(&self, event: &Event<'_>) {
        self.0.borrow_mut().push(match event {
            Event::Applied(id) => format!("applied {id}"),
            Event::Removed(id) => format!("removed {id}"),
            Event::Waiting { object, why, .. } => format!("waiting {object}: {why}"),
            Event::Said { object, line } => format!("said {object}: {line}"),
            Event::Ready(id) => format!("ready {id}"),
            Event::Retry { what, why } => format!("retry {what}: {why}"),
        });
    }
}
