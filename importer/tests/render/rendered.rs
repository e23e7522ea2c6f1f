//! What charts and folders of kustomize became when the template was packed.

use crate::{Site, image, names, object, template};

const BODY: &str = "
images: [{name: 'tool:1'}]
components: [{name: c, image: 'nginx:1'}]
charts: [{name: a, chart: charts/a}, {name: b, chart: charts/b}]
kustomizations: [{name: k, folder: k}]
manifests: [m.yaml]
";

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

fn site(chart: &str) -> Site {
    Site::of(&template(BODY))
        .document("rendered/charts/a.yaml", chart)
        .document("rendered/charts/b.yaml", map("b"))
        .document("rendered/kustomizations/k.yaml", map("k"))
        .document("m.yaml", map("m"))
}

#[test]
fn they_come_after_the_components_and_before_the_manifests() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n";
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: d}\n";
    let chart = [&map("a"), account, definition].join("---\n");
    let files = site(&chart).render(&template(BODY)).unwrap();
    assert_eq!(
        names(&files)[1..],
        [
            "05-001-chart-a.yaml",
            "06-001-chart-a.yaml",
            "50-001-deployment-c.yaml",
            "80-001-chart-a.yaml",
            "80-002-chart-b.yaml",
            "80-003-kustomization-k.yaml",
            "90-001-m.yaml",
        ]
    );
}

#[test]
fn the_mark_for_the_namespace_becomes_the_namespace_wherever_it_stands() {
    let chart = "
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: sealift-release-namespace}
data: {host: db.sealift-release-namespace.svc, list: [sealift-release-namespace], sealift-release-namespace: 1}
spec: {containers: [{name: c, image: 'tool:1', args: ['--in=sealift-release-namespace,sealift-release-namespace']}]}
";
    for namespace in ["team-a", "1"] {
        let site = Site { namespace: namespace.parse().unwrap(), ..site(chart) };
        let files = site.render(&template(BODY)).unwrap();
        let pod = object(&files, "80-001-chart-a.yaml");
        assert_eq!(pod["metadata"]["namespace"], namespace);
        let host = format!("db.{namespace}.svc");
        assert_eq!(pod["data"], serde_json::json!({"host": host, "list": [namespace], namespace: 1}));
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["args"][0], format!("--in={namespace},{namespace}"));
        assert_eq!(container["image"], image(&"tool:1".parse().unwrap()));
    }
}

#[test]
fn hooks_of_helm_are_ordinary_objects_unless_their_moment_never_comes() {
    for (hook, there) in [
        ("pre-install", true),
        ("post-install,post-upgrade", true),
        ("'pre-install, pre-delete'", true),
        ("crd-install", true),
        ("test", false),
        ("test-success", false),
        ("'test-failure, test-success'", false),
        ("pre-delete", false),
        ("post-rollback", false),
    ] {
        let chart =
            format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p, annotations: {{helm.sh/hook: {hook}}}}}\n");
        let files = site(&chart).render(&template(BODY)).unwrap();
        assert_eq!(names(&files).contains(&"80-001-chart-a.yaml"), there, "{hook}");
    }
}

#[test]
fn what_was_not_rendered_is_named() {
    let template = template(BODY);
    let found = Site::of(&template).render(&template).unwrap_err().to_string();
    assert_eq!(found, "the chart a was not rendered when the template was packed: pack it again");
    let found = site("a: b").render(&template).unwrap_err().to_string();
    assert_eq!(found, "rendered/charts/a.yaml: object 1: `apiVersion` is missing");
}
