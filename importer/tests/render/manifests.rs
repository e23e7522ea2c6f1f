//! The template's own manifests.

use importer::render::RenderError;

use crate::{Site, image, names, template};

const EMPTY: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

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
    assert_eq!(
        names(&files)[1..],
        ["05-002-a.yaml", "06-001-b.yaml", "50-001-deployment-c.yaml", "90-001-b.yaml"],
        "types and rights before components, the rest after them; numbers in the order of the template"
    );
    let found: Vec<_> = files[4]
        .objects()
        .iter()
        .chain(files[2].objects())
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
            ("wide", None),
            ("narrow", team),
            ("role", None),
        ]
    );
    let images: Vec<_> =
        files[4].objects().iter().filter_map(|o| o["spec"]["containers"][0]["image"].as_str()).collect();
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
        let files = Site::of(&template).document(path, EMPTY).render(&template).unwrap();
        assert_eq!(names(&files), ["00-namespace.yaml", name]);
    }
}

#[test]
fn an_object_says_whose_it_is_and_is_otherwise_as_the_vendor_wrote_it() {
    let template = template("manifests: [a.yaml]\n");
    for (written, annotations) in [
        ("{name: a}", serde_json::json!({"sealift.dev/installation": "team-a/t"})),
        ("{name: a, annotations: null}", serde_json::json!({"sealift.dev/installation": "team-a/t"})),
        ("{name: a, annotations: {x: z}}", serde_json::json!({"sealift.dev/installation": "team-a/t", "x": "z"})),
    ] {
        let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {written}\n");
        let files = Site::of(&template).document("a.yaml", map).render(&template).unwrap();
        let metadata = &files[1].objects()[0]["metadata"];
        assert_eq!(metadata["annotations"], annotations);
        assert!(metadata.get("labels").is_none(), "a selector of the vendor's may rely on them");
    }
}

#[test]
fn what_components_may_need_is_applied_before_them() {
    let template = template("manifests: [a.yaml]\ncomponents: [{name: c, image: 'nginx:1'}]\n");
    for (version, kind, first) in [
        ("v1", "Namespace", "05"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "05"),
        ("v1", "ServiceAccount", "06"),
        ("v1", "PersistentVolume", "06"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "06"),
        ("scheduling.k8s.io/v1", "PriorityClass", "06"),
        ("node.k8s.io/v1", "RuntimeClass", "06"),
        ("storage.k8s.io/v1", "StorageClass", "06"),
        ("policy/v1beta1", "PodSecurityPolicy", "06"),
        ("v1", "ConfigMap", "90"),
        ("example.com/v1", "Role", "90"),
        ("apps/v1", "Deployment", "90"),
    ] {
        let object = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n");
        let files = Site::of(&template).document("a.yaml", object).render(&template).unwrap();
        assert!(names(&files).contains(&format!("{first}-001-a.yaml").as_str()), "{kind}: {:?}", names(&files));
    }
}

#[test]
fn a_file_with_a_secret_says_so_wherever_it_comes_from() {
    let template =
        template("manifests: [a.yaml]\ncomponents: [{name: c, image: 'nginx:1'}]\nsecrets: [{name: s, keys: [k]}]\n");
    for (kind, secret) in [("Secret", true), ("ConfigMap", false)] {
        let object = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: b}}\n");
        let files = Site::of(&template).document("a.yaml", format!("{EMPTY}---\n{object}")).render(&template).unwrap();
        let secrets: Vec<&str> = files.iter().filter(|f| f.is_secret()).map(|f| f.name()).collect();
        let expected: &[&str] = if secret { &["10-secret-s.yaml", "90-001-a.yaml"] } else { &["10-secret-s.yaml"] };
        assert_eq!(secrets, expected);
    }
}

#[test]
fn a_raw_object_does_not_take_the_name_of_one_that_is_rendered() {
    let template = template(
        "secrets: [{name: db, keys: [password]}]\ncomponents: [{name: c, image: 'nginx:1', ports: [{name: http, port: 80}]}]\n\
         manifests: [a.yaml]\n",
    );
    let object = |version: &str, kind: &str, metadata: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{{metadata}}}\n")
    };
    for (raw, clash) in [
        (object("v1", "Secret", "name: t-db"), Some("Secret t-db")),
        (object("v1", "Secret", "name: t-db, namespace: team-a"), Some("Secret t-db")),
        (object("apps/v1", "Deployment", "name: t-c"), Some("Deployment t-c")),
        (object("apps/v1beta1", "Deployment", "name: t-c"), Some("Deployment t-c")),
        (object("v1", "Service", "name: t-c"), Some("Service t-c")),
        ([EMPTY, EMPTY].join("---\n"), Some("ConfigMap a")),
        (object("v1", "Secret", "name: t-db, namespace: other"), None),
        (object("v1", "Secret", "name: t-other"), None),
        // The namespace is made if it is not there, whoever says it.
        (object("v1", "Namespace", "name: team-a"), None),
    ] {
        match (Site::of(&template).document("a.yaml", raw.as_str()).render(&template), clash) {
            (Err(RenderError::SameName { object }), Some(clash)) => assert_eq!(object, clash, "{raw}"),
            (Ok(_), None) => {}
            (other, _) => panic!("{raw}: {other:?}"),
        }
    }
}

#[test]
fn a_template_brings_no_records_of_installations() {
    let template = template("manifests: [a.yaml]\n");
    for (raw, refused) in [
        ("{apiVersion: v1, kind: Secret, metadata: {name: a}, type: sealift.dev/record.v1}", true),
        ("{apiVersion: v1, kind: Secret, metadata: {name: sealift.t.v7}}", true),
        ("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: sealift.t}}", true),
        ("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: leader}}", false),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: sealift.t.v7}}", false),
    ] {
        let rendered = Site::of(&template).document("a.yaml", raw).render(&template);
        assert_eq!(matches!(rendered, Err(RenderError::Reserved { .. })), refused, "{raw}");
    }
}

#[test]
fn pods_that_run_our_images_name_the_sites_login_behind_their_own() {
    let template = template("images: [{name: 'tool:1'}]\nmanifests: [a.yaml]\n");
    let pod = |spec: &str| format!("{{containers: [{{name: c, image: 'tool:1'}}]{spec}}}");
    let login = serde_json::json!([{"name": "login"}]);
    let both = serde_json::json!([{"name": "own"}, {"name": "login"}]);
    let no = serde_json::Value::Null;
    let deployment = format!("{{template: {{spec: {}}}}}", pod(""));
    let job =
        format!("{{jobTemplate: {{spec: {{template: {{spec: {}}}}}}}}}", pod(", imagePullSecrets: [{name: own}]"));
    for (why, kind, namespace, spec, place, expected) in [
        ("a pod", "Pod", "", pod(""), "/spec", &login),
        ("one with a name of its own", "Pod", "", pod(", imagePullSecrets: [{name: own}]"), "/spec", &both),
        ("one that names it already", "Pod", "", pod(", imagePullSecrets: [{name: login}]"), "/spec", &login),
        ("one that says nothing", "Pod", "", pod(", imagePullSecrets: null"), "/spec", &login),
        ("a workload", "Deployment", "", deployment.clone(), "/spec/template/spec", &login),
        ("what runs them later", "CronJob", ", namespace: team-a", job, "/spec/jobTemplate/spec/template/spec", &both),
        ("a kind of somebody's own", "Rollout", "", deployment.clone(), "/spec/template/spec", &login),
        (
            "an image volume",
            "Pod",
            "",
            "{volumes: [{name: v, image: {reference: 'tool:1'}}]}".to_owned(),
            "/spec",
            &login,
        ),
        ("only before the others", "Pod", "", pod("").replace("containers", "initContainers"), "/spec", &login),
        ("another's image", "Pod", "", pod("").replace("tool", "other"), "/spec", &no),
        ("where the Secret is not", "Deployment", ", namespace: other", deployment, "/spec/template/spec", &no),
        ("no pods", "Pod", "", "{image: 'tool:1'}".to_owned(), "/spec", &no),
    ] {
        let text = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: a{namespace}}}\nspec: {spec}\n");
        let found = |pull_secret| {
            let site = Site { pull_secret, ..Site::of(&template).document("a.yaml", text.clone()) };
            let files = site.render(&template).unwrap();
            files[1].objects()[0].pointer(place).unwrap().get("imagePullSecrets").cloned().unwrap_or_default()
        };
        assert_eq!(found(Some("login")), *expected, "{why}");
        assert_eq!(found(None).to_string().contains("login"), why.contains("already"), "{why}: nobody's login");
    }
}
