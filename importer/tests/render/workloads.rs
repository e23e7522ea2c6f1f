//! What components become, in which order, and what changes it.

use bundle_format::template::Template;
use importer::render::{RenderedFile, SecretValues};

use crate::{Site, names, object, rendered, template};

#[test]
fn workloads_are_numbered_in_the_order_of_their_dependencies() {
    let files = rendered(
        "components:
  - {name: web, image: 'nginx:1', dependsOn: [api]}
  - {name: api, image: 'nginx:1', dependsOn: [job, db]}
  - {name: db, image: 'nginx:1', kind: StatefulSet}
  - {name: job, image: 'nginx:1', kind: Job, dependsOn: [db]}
  - {name: agent, image: 'nginx:1', kind: DaemonSet}
",
    );
    assert_eq!(
        names(&files),
        [
            "00-namespace.yaml",
            "40-service-db-headless.yaml",
            "50-001-statefulset-db.yaml",
            "50-002-job-job.yaml",
            "50-003-deployment-api.yaml",
            "50-004-deployment-web.yaml",
            "50-005-daemonset-agent.yaml",
        ]
    );
}

#[test]
fn a_new_version_alone_changes_no_pod_no_selector_and_no_claim() {
    let body = "components:
  - {name: a, image: 'nginx:1', volumes: [{name: v, path: /v, size: 1Gi}]}
  - {name: b, image: 'nginx:1', kind: StatefulSet, volumes: [{name: v, path: /v, size: 1Gi}]}
  - {name: c, image: 'nginx:1', kind: Job}
";
    let one = template(body);
    let mut two = one.clone();
    two.metadata.version = "2".parse().unwrap();
    let (one, two) = (Site::of(&one).render(&one).unwrap(), Site::of(&two).render(&two).unwrap());
    for (one, two) in one.iter().zip(&two).skip(1) {
        let (one, two) = (&one.objects()[0], &two.objects()[0]);
        assert_ne!(one["metadata"]["labels"], two["metadata"]["labels"]);
        assert_eq!(one["metadata"]["name"], two["metadata"]["name"]);
        assert_eq!(one["metadata"]["annotations"], two["metadata"]["annotations"]);
        assert_eq!(one["spec"], two["spec"]);
    }
}

#[test]
fn a_job_is_another_one_exactly_when_what_it_does_changed() {
    let name = |body: &str| object(&rendered(body), "job-j.yaml")["metadata"]["name"].as_str().unwrap().to_owned();
    let job = |rest: &str| format!("components: [{{name: j, kind: Job, {rest}}}]\n");
    let first = name(&job("image: 'nginx:1'"));
    assert!(first.starts_with("t-j-") && first.len() == "t-j-".len() + 8);
    assert_eq!(first, name(&job("image: 'docker.io/library/nginx:1', optional: false")));
    let config = |content: &str| job(&format!("image: 'nginx:1', config: [{{path: /c, content: {content}}}]"));
    assert_ne!(name(&config("a")), name(&config("b")), "a file's content is part of what it does");
    for other in ["image: 'nginx:2'", "image: 'nginx:1', args: [x]", "image: 'nginx:1', env: [{name: A, value: b}]"] {
        assert_ne!(first, name(&job(other)), "{other}");
    }
}

#[test]
fn what_is_switched_off_is_left_out_and_so_are_variables_that_name_it() {
    let template = template(
        "components:
  - name: web
    image: 'nginx:1'
    dependsOn: [search]
    env: [{name: HOST, service: {component: search}}, {name: ADDRESS, service: {component: search, port: http}}, {name: A, value: b}]
  - {name: search, image: 'nginx:1', optional: true, ports: [{name: http, port: 8080, servicePort: 80}]}
",
    );
    let env = |files: &[RenderedFile]| {
        object(files, "deployment-web.yaml")["spec"]["template"]["spec"]["containers"][0]["env"].clone()
    };
    let off = Site::of(&template).render(&template).unwrap();
    assert_eq!(names(&off), ["00-namespace.yaml", "50-001-deployment-web.yaml"]);
    assert_eq!(env(&off), serde_json::json!([{"name": "A", "value": "b"}]));
    let on = Site::of(&template).enable("search").render(&template).unwrap();
    assert_eq!(
        env(&on),
        serde_json::json!([
            {"name": "HOST", "value": "t-search"},
            {"name": "ADDRESS", "value": "t-search:80"},
            {"name": "A", "value": "b"},
        ])
    );
}

#[test]
fn what_is_missing_or_too_large_is_named() {
    let file = "components: [{name: c, image: 'nginx:1', config: [{path: /a, file: a}]}]\n";
    let secret = "secrets: [{name: s, keys: [k]}]\ncomponents: [{name: c, image: 'nginx:1'}]\n";
    let manifest = "manifests: [m.yaml]\n";
    let plain = |t: &Template| Site::of(t);
    for (body, site, error) in [
        (file, &plain as &dyn Fn(&Template) -> Site, "the document a is not there"),
        (manifest, &plain, "the document m.yaml is not there"),
        (manifest, &|t| Site::of(t).document("m.yaml", "a: b"), "m.yaml: object 1: `apiVersion` is missing"),
        (secret, &|t| Site { secrets: SecretValues::new(), ..Site::of(t) }, "the secret s has no value for its key k"),
        (secret, &|t| Site::of(t).enable("nothing"), "the template has no component nothing"),
        (
            file,
            &|t| Site::of(t).document("a", vec![b'x'; 1 << 20]),
            "the configuration of the component c has 1048577 bytes",
        ),
        (
            "components: [{name: a-name-of-twenty-characters-and-more, image: 'nginx:1'}]\n",
            &|t| Site { installation: "an-installation-with-a-long-name".parse().unwrap(), ..Site::of(t) },
            "an-installation-with-a-long-name-a-name-of-twenty-characters-and-more has more than 52 characters",
        ),
    ] {
        let template = template(body);
        let found = site(&template).render(&template).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found}");
    }
}
