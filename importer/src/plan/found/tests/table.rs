//! Edits of every kind, and how each is found again.

use super::*;

/// What is done, where in the template, the value there; and the path and value by which it is found again.
pub(super) type Edit = (&'static str, &'static str, Value, &'static str, Value);

pub(super) fn edits() -> Vec<Edit> {
    let db = "/components/0";
    assert_eq!(template().components[0].name.as_str(), db.replace("/components/0", "db"));
    vec![
        ("a variable changes", "/components/1/env/0/value", json!("debug"), "web.env.LEVEL", json!("debug")),
        ("an empty one", "/components/1/env/1/value", json!("x"), "web.env.EMPTY", json!("x")),
        ("a new one", "/components/1/env/-", json!({"name": "NEW", "value": ""}), "web.env.NEW", json!("")),
        (
            "an address",
            "/components/1/env/2",
            json!({"name": "DB_HOST", "value": "db2"}),
            "web.env.DB_HOST",
            json!("db2"),
        ),
        (
            "a secret's key",
            "/components/0/env/0/secret/key",
            json!("other"),
            "db.env.PASSWORD",
            json!({"secret": {"name": "db", "key": "other"}}),
        ),
        ("an item of a group", "/configGroups/0/items/0/value", json!("CET"), "group/common.TZ", json!("CET")),
        ("a file", "/components/1/config/0/content", json!("a = 2\n"), "web.config./etc/web.conf", json!("a = 2\n")),
        ("an empty file", "/components/1/config/1/content", json!("b"), "web.config./etc/other.conf", json!("b")),
        ("replicas", "/components/1/replicas", json!(5), "web.replicas", json!(5)),
        ("replicas that are not said", "/components/0/replicas", json!(3), "db.replicas", json!(3)),
        ("the fewest replicas", "/components/2/scaling/min", json!(2), "worker.scaling.min", json!(2)),
        ("the most replicas", "/components/2/scaling/max", json!(9), "worker.scaling.max", json!(9)),
        ("the load", "/components/2/scaling/cpu", json!(50), "worker.scaling.cpu", json!(50)),
        ("a request", "/components/1/resources/requests/cpu", json!("0.2"), "web.resources.requests.cpu", json!("0.2")),
        (
            "a limit goes",
            "/components/1/resources/limits/memory",
            json!(null),
            "web.resources.limits.memory",
            json!(null),
        ),
        (
            "a probe's path",
            "/components/1/probes/readiness/http/path",
            json!("/r"),
            "web.probes.readiness",
            json!({"http": {"path": "/r", "port": "http", "scheme": "HTTP"}}),
        ),
        (
            "a probe's port",
            "/components/1/probes/liveness/tcp/port",
            json!("http"),
            "web.probes.liveness",
            json!({"tcp": {"port": "http"}, "periodSeconds": 7}),
        ),
        (
            "a new probe",
            "/components/0/probes",
            json!({"readiness": {"exec": {"command": ["true"]}}}),
            "db.probes.readiness",
            json!({"exec": {"command": ["true"]}}),
        ),
        ("a label", "/components/1/labels/tier", json!("back"), "web.labels.tier", json!("back")),
        ("another label", "/components/1/labels/team", json!("x"), "web.labels.team", json!("x")),
        (
            "a selector of nodes",
            "/components/1/kubernetes/nodeSelector/disk",
            json!("hdd"),
            "web.kubernetes.nodeSelector",
            json!({"disk": "hdd"}),
        ),
        (
            "rights",
            "/components/1/kubernetes/securityContext",
            json!({}),
            "web.kubernetes.securityContext",
            json!(null),
        ),
        (
            "tolerations",
            "/components/0/kubernetes",
            json!({"tolerations": [{"operator": "Exists"}]}),
            "db.kubernetes.tolerations",
            json!([{"operator": "Exists"}]),
        ),
        ("annotations", "/components/1/kubernetes/annotations/example.org~1note", json!("y"), "", json!(null)),
        (
            "the node's network",
            "/components/1/kubernetes/hostNetwork",
            json!(true),
            "web.kubernetes.hostNetwork",
            json!(true),
        ),
        ("a command", "/components/1/command", json!(["web2"]), "web.command", json!(["web2"])),
        ("arguments", "/components/1/args", json!([]), "web.args", json!(null)),
        (
            "a claim",
            "/components/1/volumes/0/size",
            json!("2Gi"),
            "web.volumes.files",
            json!({"path": "/files", "size": "2Gi", "readOnly": false}),
        ),
        ("a host", "/routes/0/host", json!("b.example.org"), "route/main.host", json!("b.example.org")),
        ("a path", "/routes/0/path", json!("/shop"), "route/main.path", json!("/shop")),
        ("a class", "/routes/0/class", json!("nginx"), "route/main.class", json!("nginx")),
        ("TLS", "/routes/0/tlsSecret", json!("cert"), "route/main.tlsSecret", json!("cert")),
        ("a port of the nodes", "/streams/0/nodePort", json!(30002), "stream/raw.nodePort", json!(30002)),
        ("a balancer", "/streams/0/through", json!("LoadBalancer"), "stream/raw.through", json!("LoadBalancer")),
        (
            "a name elsewhere",
            "/externals/0/host",
            json!("m2.example.org"),
            "external/mail.host",
            json!("m2.example.org"),
        ),
        (
            "addresses elsewhere",
            "/externals/1/addresses",
            json!(["192.0.2.2"]),
            "external/bank.addresses",
            json!(["192.0.2.2"]),
        ),
        ("a plugin's variable", "/plugins/0/env/0/value", json!("warn"), "plugin/mesh.env.LEVEL", json!("warn")),
        (
            "a plugin's file",
            "/plugins/0/config/0/content",
            json!("off\n"),
            "plugin/mesh.config./etc/mesh.conf",
            json!("off\n"),
        ),
        (
            "a plugin in one component",
            "/components/2/plugins/0/env/0/value",
            json!("b"),
            "worker.plugins.mesh",
            json!({"env": [{"name": "MODE", "value": "b"}], "volumes": false}),
        ),
    ]
    .into_iter()
    .filter(|edit: &Edit| !edit.3.is_empty())
    .collect()
}
