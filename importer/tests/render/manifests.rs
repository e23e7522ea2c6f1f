//! The template's own manifests.

use crate::{Site, image, names, template};

#[test]
fn manifests_get_the_namespace_and_the_pinned_images() {
    let template = template(
        "images: [{name: 'tool:1'}]\ncomponents: [{name: c, image: 'nginx:1'}]\nmanifests: [b.yaml, a.yaml]\n",
    );
    let pod = |name: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: c, image: '{image}'}}]}}\n"
        )
    };
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.example.com}\nspec: {group: example.com, scope: Cluster, names: {kind: Wide}}\n";
    let b = [
        pod("component-image", "docker.io/library/nginx:1"),
        pod("image-entry", "tool:1"),
        pod("not-packed", "other:1"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: elsewhere, namespace: other}\n".to_owned(),
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: role}\n".to_owned(),
        "apiVersion: example.com/v1\nkind: Wide\nmetadata: {name: wide}\n".to_owned(),
        "apiVersion: example.com/v1\nkind: Narrow\nmetadata: {name: narrow}\n".to_owned(),
    ];
    let site = Site::of(&template).document("b.yaml", b.join("---\n")).document("a.yaml", crd);
    let files = site.render(&template).unwrap();
    assert_eq!(names(&files)[2..], ["90-001-b.yaml", "90-002-a.yaml"], "in the order of the template");
    let found: Vec<_> = files[2]
        .objects()
        .iter()
        .map(|o| (o["metadata"]["name"].as_str().unwrap(), o["metadata"]["namespace"].as_str()))
        .collect();
    let team = Some("team-a");
    assert_eq!(
        found,
        [
            ("component-image", team),
            ("image-entry", team),
            ("not-packed", team),
            ("elsewhere", Some("other")),
            ("role", None),
            ("wide", None),
            ("narrow", team),
        ]
    );
    let images: Vec<_> =
        files[2].objects().iter().filter_map(|o| o["spec"]["containers"][0]["image"].as_str()).collect();
    assert_eq!(images, [image(&"nginx:1".parse().unwrap()), image(&"tool:1".parse().unwrap()), "other:1".to_owned()]);
}

#[test]
fn no_name_of_a_file_comes_from_an_unchecked_name() {
    for (path, name) in [
        ("k8s/EXTRA_1.yaml", "90-001-extra-1.yaml"),
        ("-rf *;$(x)", "90-001-rf-----x.yaml"),
        ("ünï.yml", "90-001-n.yaml"),
        ("...", "90-001-manifest.yaml"),
        (&"a".repeat(255), &format!("90-001-{}.yaml", "a".repeat(60))),
    ] {
        let template = template(&format!("manifests: [{path:?}]\n"));
        let files = Site::of(&template).document(path, "").render(&template).unwrap();
        assert_eq!(names(&files), ["00-namespace.yaml", name]);
    }
}
