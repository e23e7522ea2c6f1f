//! Versions as attributes, and back.

use serde_json::json;

use super::*;

#[test]
fn a_version_says_what_its_template_says() {
    let vendor = vendor();
    for (text, value) in [
        ("web.image", json!("registry.example/web:1")),
        ("web.kind", json!("Deployment")),
        ("web.replicas", json!(1)),
        ("web.env.LOG_LEVEL", json!("info")),
        ("web.env.PASSWORD", json!({"secret": {"name": "db", "key": "password"}})),
        ("web.config./etc/app.conf", json!("a = 1\n")),
        ("web.config./etc/logo.bin", json!({"base64": "/wA="})),
        ("web.configMode./etc/logo.bin", json!("0755")),
        ("web.configMode./etc/app.conf", json!("0644")),
        ("web.dependsOn.db", json!(true)),
        ("web.resources.requests.cpu", json!("0.5")),
        ("web.kubernetes.hostNetwork", json!(false)),
        ("web.groups.common", json!(true)),
        ("web.volumes.data", json!({"path": "/data", "size": "10Gi", "readOnly": false})),
        ("web.plugins.mesh", json!({"env": [{"name": "LEVEL", "value": "a"}], "volumes": false})),
        ("db.connection.DB_NAME", json!("shop")),
        ("plugin/mesh.kind", json!("Sidecar")),
        ("plugin/mesh.config./m", json!("m")),
        ("group/common.TZ", json!("UTC")),
        ("route/main.path", json!("/")),
        ("route/main.host", json!("shop.example")),
        ("stream/sql.through", json!("NodePort")),
        ("external/mail.host", json!("mail.example")),
        (
            "object/ConfigMap/more",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}, "data": {"a": "1", "b": "2"}}),
        ),
    ] {
        assert_eq!(vendor.get(&path(text)), Some(&value), "{text}");
    }
    assert!(vendor.get(&path("object/Secret/more@other")).is_some());
    assert!(vendor.get(&path("object/Deployment/extra")).is_some());
    assert_eq!(vendor.get(&path("db.groups.common")), None);
}

#[test]
fn a_document_that_is_missing_or_no_manifest_is_refused() {
    let mut documents = documents();
    documents.insert("k8s/more.yaml".parse().unwrap(), b"kind: x".to_vec());
    assert!(matches!(Attributes::of(&template(), &documents), Err(AttributesError::Manifest { .. })));
    documents.remove(&"k8s/more.yaml".parse::<RelativePath>().unwrap());
    assert!(matches!(Attributes::of(&template(), &documents), Err(AttributesError::MissingDocument { .. })));
    let twice =
        "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: a}}";
    documents.insert("k8s/more.yaml".parse().unwrap(), twice.as_bytes().to_vec());
    assert!(matches!(Attributes::of(&template(), &documents), Err(AttributesError::Twice { .. })));
}

fn put(edits: &[(&str, Value)]) -> Attributes {
    let mut values = vendor();
    for (text, value) in edits {
        values.put(path(text), (!value.is_null()).then(|| value.clone()));
    }
    values
}

fn in_force(edits: &[(&str, Value)]) -> Result<Effective, EffectiveError> {
    effective(&template(), &documents(), &put(edits))
}

#[test]
fn the_vendors_own_values_leave_the_template_as_it_is() {
    let found = in_force(&[]).unwrap();
    assert_eq!((found.template, found.documents), (template(), documents()));
}

#[test]
fn values_in_force_are_read_back_as_they_are() {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}, "data": {"a": "9\u{7f}\u{feff}"}});
    let mine = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mine"}});
    for edits in [
        vec![("web.replicas", json!(3)), ("db.replicas", json!(2))],
        vec![("web.env.LOG_LEVEL", json!("debug")), ("web.env.MINE", json!("1")), ("web.env.URL", json!(null))],
        vec![("web.config./etc/app.conf", json!("b")), ("web.config./etc/logo.bin", json!("text"))],
        vec![("web.config./etc/app.conf", json!({"base64": "/wA="})), ("plugin/mesh.config./m", json!("n"))],
        vec![("web.config./new", json!("n")), ("web.configMode./new", json!("0755"))],
        vec![("web.config./etc/logo.bin", json!(null)), ("web.configMode./etc/logo.bin", json!(null))],
        vec![("web.resources.requests.cpu", json!(null)), ("web.resources.limits.cpu", json!("2"))],
        vec![("web.scaling.min", json!(null)), ("web.scaling.max", json!(null))],
        vec![("web.kubernetes.nodeSelector", json!(null)), ("web.labels.team", json!("a"))],
        vec![("web.probes.readiness", json!(null)), ("web.dependsOn.db", json!(null))],
        vec![("route/main.host", json!(null)), ("route/main.path", json!("/shop"))],
        vec![
            ("stream/sql.component", json!(null)),
            ("stream/sql.port", json!(null)),
            ("stream/sql.through", json!(null)),
        ],
        vec![
            ("object/ConfigMap/more", object),
            ("object/Deployment/extra", json!(null)),
            ("object/Service/mine", mine),
        ],
        vec![("group/common.TZ", json!("CET")), ("group/common.MINE", json!("1")), ("db.groups.common", json!(true))],
        vec![("web.volumes.data", json!({"path": "/data", "size": "20Gi", "readOnly": true}))],
        vec![("plugin/mesh.env.LEVEL", json!("z")), ("web.plugins.mesh", json!(null))],
        vec![("chart/extra.replicas", json!(4)), ("chart/extra.main.level", json!("9"))],
    ] {
        let found = in_force(&edits).unwrap_or_else(|e| panic!("{edits:?}: {e}"));
        assert_eq!(Attributes::of(&found.template, &found.documents).unwrap(), put(&edits), "{edits:?}");
    }
}

#[test]
fn what_a_version_no_longer_has_is_there_as_long_as_it_is_in_force() {
    let all = vendor();
    let mut older = template();
    older.config_groups.clear();
    older.routes.clear();
    older.streams.clear();
    older.externals.clear();
    let found = effective(&older, &documents(), &all).unwrap().template;
    let whole = template();
    assert_eq!((found.routes, found.streams, found.externals), (whole.routes, whole.streams, whole.externals));
    assert_eq!(found.config_groups, whole.config_groups);
}

#[test]
fn components_are_not_invented() {
    let found = in_force(&[("ghost.image", json!("a:1")), ("ghost.env.A", json!("1"))]).unwrap();
    assert_eq!(found.template, template());
}

#[test]
fn variables_stand_before_those_that_refer_to_them() {
    let edits = [
        ("web.env.URL", json!("$(MINE)/$(PASSWORD)")),
        ("web.env.MINE", json!("$(YOURS)")),
        ("web.env.YOURS", json!("1")),
    ];
    let template = in_force(&edits).unwrap().template;
    let names: Vec<&str> = template.components[0].env.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["LOG_LEVEL", "PASSWORD", "YOURS", "MINE", "URL"]);
    let circle = [("web.env.A", json!("$(B)")), ("web.env.B", json!("$(A)"))];
    assert_eq!(in_force(&circle).unwrap().template.components[0].env.len(), 5);
}

#[test]
fn values_that_do_not_fit_are_refused_by_name() {
    for (text, value, why) in [
        ("web.replicas", json!("3"), "web.replicas: a whole number"),
        ("web.scaling.maxx", json!(3), "did you mean `max`?"),
        ("route/main.hots", json!("a"), "did you mean `host`?"),
        ("web.resources.limits.cpu", json!("a lot"), "web.resources.limits.cpu: "),
        ("web.config./etc/app.conf", json!(3), "web.config./etc/app.conf: the content of a file is a text"),
        ("object/ConfigMap/more", json!({"kind": "Pod"}), "an object with that kind and name belongs here"),
        ("web.nothing", json!(3), "there is no such attribute"),
        ("web.volumes.data", json!({"size": "1Gi"}), "the field `path` is missing"),
    ] {
        let found = in_force(&[(text, value)]).unwrap_err().to_string();
        assert!(found.contains(why), "{text}: {found}");
    }
}

#[test]
fn what_is_decided_of_gone_components_and_plugins_follows_them() {
    let mut new = Attributes::default();
    for (path, value) in vendor().iter().filter(|(p, _)| p.scope() != "db" && p.scope() != "plugin/mesh") {
        new.set(path.clone(), value.clone());
    }
    let decided = decisions(&vendor(), &new, &vendor(), &Accept::default());
    assert!(decided.iter().all(|d| d.path.scope() == "plugin/mesh" && d.value.is_none()), "{decided:?}");
    assert!(decided.len() > 4);
    assert_eq!(crate::plan::in_force(&new, &decided), new);
}

#[test]
fn an_acceptance_that_nothing_needs_is_a_slip() {
    let (mut old, new) = (vendor(), vendor());
    old.set(path("web.env.LOG_LEVEL"), json!("warn"));
    let accept = |text: &str| Accept { paths: [path(text)].into(), ..Accept::default() };
    let decided = decisions(&old, &new, &old, &accept("web.env.LOG_LEVEL"));
    assert_eq!((decided.len(), decided[0].accepted), (1, true));
    assert_eq!(accept("web.env.LOG_LEVEL").unused(&decided), []);
    let unused = accept("web.env.LOGLEVEL").unused(&decided);
    assert_eq!(unused[0].hint.as_deref(), Some("did you mean `web.env.LOG_LEVEL`?"));
    assert_eq!(unused[0].to_string(), "nothing is to be decided about web.env.LOGLEVEL");
}

#[test]
fn a_class_takes_what_is_the_vendors_and_leaves_what_is_the_sites_own() {
    let (mut old, new) = (vendor(), vendor());
    old.set(path("web.env.LOG_LEVEL"), json!("warn"));
    old.set(path("group/common.TZ"), json!("CET"));
    let mut site = old.clone();
    site.set(path("web.env.MINE"), json!("1"));
    let accept = Accept { classes: ["env".parse().unwrap()].into(), ..Accept::default() };
    let after = crate::plan::in_force(&new, &decisions(&old, &new, &site, &accept));
    assert_eq!(after.get(&path("web.env.LOG_LEVEL")), Some(&json!("info")));
    assert_eq!(after.get(&path("web.env.MINE")), Some(&json!("1")));
    assert_eq!(after.get(&path("group/common.TZ")), Some(&json!("CET")), "another class");
    assert!("envs".parse::<Class>().is_err());
}

#[test]
fn a_rollback_keeps_what_the_site_changed_since_unless_it_is_exact() {
    let (state, mut left) = (vendor(), vendor());
    for (text, value) in [("web.image", "web:2"), ("web.env.LOG_LEVEL", "debug"), ("web.env.URL", "new")] {
        left.set(path(text), json!(value));
    }
    left.set(path("later.image"), json!("later:1"));
    let mut live = left.clone();
    live.set(path("web.env.URL"), json!("the site's"));
    live.set(path("web.image"), json!("drift:1"));
    live.set(path("web.volumes.data"), json!({"path": "/data", "size": "30Gi", "readOnly": false}));
    for (exact, url) in [(false, json!("the site's")), (true, json!("x$(PASSWORD)"))] {
        let decided = rollback(&state, &left, &live, exact);
        let after = crate::plan::in_force(&state, &decided);
        assert_eq!(after.get(&path("web.env.LOG_LEVEL")), Some(&json!("info")));
        assert_eq!(after.get(&path("web.image")), state.get(&path("web.image")), "drift");
        assert_eq!(after.get(&path("web.env.URL")), Some(&url));
        assert_eq!(after.get(&path("web.volumes.data")).unwrap()["size"], "30Gi");
        assert!(decided.iter().all(|d| d.path.scope() != "later"), "what came later stays");
    }
}
