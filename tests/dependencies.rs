//! Dependencies point one way: sealift -> {packer, importer} -> registry-lite -> bundle-format (the seams of the house).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, VecDeque};
use std::process::Command;

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand, Package, PackageId};

/// Who uses whom, as cargo resolves it for this machine.
struct Graph {
    packages: BTreeMap<PackageId, Package>,
    /// Without dependencies of tests.
    uses: BTreeMap<PackageId, Vec<PackageId>>,
}

impl Graph {
    fn resolve(features: Option<CargoOpt>) -> Self {
        let rustc = Command::new("rustc").arg("-vV").output().unwrap();
        let rustc = String::from_utf8(rustc.stdout).unwrap();
        let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let mut command = MetadataCommand::new();
        command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        command.other_options(["--locked".to_owned(), "--filter-platform".to_owned(), host.to_owned()]);
        if let Some(features) = features {
            command.features(features);
        }
        let metadata = command.exec().unwrap();
        let shipped = |kind: DependencyKind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
        let resolve = metadata.resolve.unwrap();
        let uses = resolve.nodes.into_iter().map(|node| {
            let deps = node.deps.into_iter().filter(|dep| dep.dep_kinds.iter().any(|k| shipped(k.kind)));
            (node.id, deps.map(|dep| dep.pkg).collect())
        });
        let uses = uses.collect();
        Self { packages: metadata.packages.into_iter().map(|p| (p.id.clone(), p)).collect(), uses }
    }

    fn name(&self, id: &PackageId) -> &str {
        self.packages[id].name.as_str()
    }

    /// The shortest way from one package to another, by names.
    fn path(&self, from: &str, to: &str) -> Option<String> {
        let start = self.uses.keys().find(|id| self.name(id) == from).unwrap_or_else(|| panic!("no package {from}"));
        let mut came_from = BTreeMap::from([(start, None)]);
        let mut queue = VecDeque::from([start]);
        while let Some(id) = queue.pop_front() {
            if id != start && self.name(id) == to {
                let ancestors = std::iter::successors(Some(id), |id| came_from[id]);
                let mut names: Vec<_> = ancestors.map(|id| self.name(id)).collect();
                names.reverse();
                return Some(names.join(" -> "));
            }
            for next in &self.uses[id] {
                if !came_from.contains_key(next) {
                    came_from.insert(next, Some(id));
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

#[test]
fn dependencies_point_one_way() {
    let graph = Graph::resolve(None);
    for (from, to) in [
        ("sealift", "packer"),
        ("sealift", "importer"),
        ("packer", "registry-lite"),
        ("importer", "registry-lite"),
        ("registry-lite", "bundle-format"),
    ] {
        assert!(graph.path(from, to).is_some(), "{from} is built on {to}");
    }
    let ours = ["bundle-format", "registry-lite", "packer", "importer"];
    let network = ["tokio", "ureq", "hyper", "rustls"];
    let cluster = ["k8s-openapi", "kube"];
    let terminal = ["clap", "indicatif", "rpassword"];
    let cases: [(&str, &str, &[&[&str]]); 9] = [
        ("bundle-format", "knows nothing of the others", &[&["registry-lite", "packer", "importer", "sealift"]]),
        ("bundle-format", "has no network, no cluster, no terminal", &[&network, &cluster, &terminal]),
        ("registry-lite", "knows neither half", &[&["packer", "importer", "sealift"]]),
        ("registry-lite", "has no cluster and no terminal", &[&cluster, &terminal]),
        ("packer", "knows nothing of importing and of clusters", &[&["importer", "sealift"], &cluster]),
        ("packer", "has no terminal", &[&terminal]),
        ("importer", "knows nothing of packing", &[&["packer", "sealift"]]),
        ("importer", "has no terminal", &[&terminal]),
        ("testdata", "is built on the format alone", &[&ours[1..], &network, &cluster, &terminal]),
    ];
    for (from, why, forbidden) in cases {
        for to in forbidden.iter().copied().flatten() {
            assert_eq!(graph.path(from, to), None, "{from} {why}");
        }
    }
}

#[test]
fn testdata_is_for_tests_and_for_the_demonstration() {
    let graph = Graph::resolve(None);
    for from in ["bundle-format", "registry-lite", "packer", "importer"] {
        assert_eq!(graph.path(from, "testdata"), None, "{from} ships no test data");
    }
    let packed = Graph::resolve(Some(CargoOpt::NoDefaultFeatures));
    assert_eq!(packed.path("sealift", "testdata"), None, "only the feature `demo` ships it");
}

#[test]
fn a_site_builds_the_command_without_the_packer() {
    let graph = Graph::resolve(Some(CargoOpt::NoDefaultFeatures));
    for to in ["packer", "testdata"] {
        assert_eq!(graph.path("sealift", to), None, "--no-default-features leaves {to} out");
    }
    assert!(graph.path("sealift", "importer").is_some());
}
