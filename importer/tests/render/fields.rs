//! What each field of the format becomes.

use bundle_format::template::{Env, ServiceRef, Template};
use serde_json::{Value, json};

use crate::{Site, object, rendered, template};

/// The body of a template with a component `web` that has `fields`, and the top-level fields `rest`.
fn web(fields: &str, rest: &str) -> String {
    format!("components:\n  - {{name: web, image: 'nginx:1'{fields}}}\n{rest}\n")
}

/// Renders each body and looks at a place of the object in the file that ends so.
fn check(cases: &[(&str, String, &str, &str, Value)]) {
    for (why, body, file, place, expected) in cases {
        let files = rendered(body);
        let found = object(&files, file).pointer(place).cloned().unwrap_or(Value::Null);
        assert_eq!(&found, expected, "{why}");
    }
}

#[test]
fn fields_of_a_component() {
    let deployment = "deployment-web.yaml";
    let container = "/spec/template/spec/containers/0";
    let at = |field: &str| format!("{container}/{field}");
    let ports = ", ports: [{name: http, port: 8080, servicePort: 80, appProtocol: grpc, protocol: SCTP}]";
    check(&[
        (
            "title",
            web(", title: The web", ""),
            deployment,
            "/metadata/annotations",
            json!({"sealift.dev/installation": "team-a/t", "sealift.dev/title": "The web"}),
        ),
        ("singleton", web(", singleton: true", ""), deployment, "/spec/strategy", json!({"type": "Recreate"})),
        (
            "no singleton: what Kubernetes would fill in is said, so that a singleton can take it away",
            web("", ""),
            deployment,
            "/spec/strategy",
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
        ),
        (
            "schedule",
            web(", kind: CronJob, schedule: '15 2 * * *'", ""),
            "cronjob-web.yaml",
            "/spec/schedule",
            json!("15 2 * * *"),
        ),
        (
            "pods that run to their end",
            web(", kind: CronJob, schedule: '15 2 * * *'", ""),
            "cronjob-web.yaml",
            "/spec/jobTemplate/spec/template/spec/restartPolicy",
            json!("OnFailure"),
        ),
        (
            "appProtocol, and the protocol that old servers insist on",
            web(ports, ""),
            "service-web.yaml",
            "/spec/ports/0",
            json!({"appProtocol": "grpc", "name": "http", "port": 80, "protocol": "SCTP", "targetPort": "http"}),
        ),
        (
            "a container's port",
            web(ports, ""),
            deployment,
            &at("ports/0"),
            json!({"containerPort": 8080, "name": "http", "protocol": "SCTP"}),
        ),
        (
            "mounts",
            web(
                ", mounts: [{component: b, volume: v, path: /b, readOnly: true}]",
                "  - {name: b, image: 'nginx:1', volumes: [{name: v, path: /v, size: 1Gi, accessModes: [ReadWriteMany]}]}",
            ),
            deployment,
            &at("volumeMounts"),
            json!([{"mountPath": "/b", "name": "sealift-mount-1", "readOnly": true}]),
        ),
    ]);
}

#[test]
fn scaling_rules() {
    let scaler = "60-autoscaler-web.yaml";
    let rule = |rule: &str| {
        web(&format!(", resources: {{requests: {{cpu: 1, memory: 1Gi}}}}, scaling: {{min: 2, max: 5{rule}}}"), "")
    };
    let used = |name: &str, per_cent: u8| json!({"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": per_cent}}});
    let step = json!({"policies": [{"type": "Pods", "value": 3, "periodSeconds": 60}]});
    check(&[
        (
            "what is scaled",
            rule(""),
            scaler,
            "/spec/scaleTargetRef",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "t-web"}),
        ),
        ("min", rule(""), scaler, "/spec/minReplicas", json!(2)),
        ("max", rule(""), scaler, "/spec/maxReplicas", json!(5)),
        ("by CPU unless something else is said", rule(""), scaler, "/spec/metrics", json!([used("cpu", 80)])),
        ("cpu", rule(", cpu: 50"), scaler, "/spec/metrics", json!([used("cpu", 50)])),
        ("memory alone", rule(", memory: 60"), scaler, "/spec/metrics", json!([used("memory", 60)])),
        ("both", rule(", cpu: 50, memory: 60"), scaler, "/spec/metrics", json!([used("cpu", 50), used("memory", 60)])),
        ("step", rule(", step: 3"), scaler, "/spec/behavior", json!({"scaleUp": step, "scaleDown": step})),
        ("no step", rule(""), scaler, "/spec/behavior", Value::Null),
        ("the autoscaler's decision is nobody else's", rule(""), "deployment-web.yaml", "/spec/replicas", Value::Null),
    ]);
}

#[test]
fn plugins() {
    let deployment = "deployment-web.yaml";
    let use_of =
        |fields: &str| format!(", volumes: [{{name: v, path: /v, emptyDir: {{}}}}], plugins: [{{name: p{fields}}}]");
    let plugin = |fields: &str| format!("plugins: [{{name: p, image: 'tool:1'{fields}}}]");
    let sidecar = "/spec/template/spec/containers/1";
    let at = |field: &str| format!("{sidecar}/{field}");
    let config = ", config: [{path: /etc/p, content: x}]";
    let env = ", env: [{name: A, value: a}, {name: B, value: b}]";
    check(&[
        ("a sidecar", web(&use_of(""), &plugin("")), deployment, &at("name"), json!("plugin-p")),
        (
            "before the component",
            web(&use_of(""), &plugin(", kind: Init")),
            deployment,
            "/spec/template/spec/initContainers/0/name",
            json!("plugin-p"),
        ),
        ("one before is none beside", web(&use_of(""), &plugin(", kind: Init")), deployment, sidecar, Value::Null),
        ("command", web(&use_of(""), &plugin(", command: [a]")), deployment, &at("command"), json!(["a"])),
        ("args", web(&use_of(""), &plugin(", args: [a]")), deployment, &at("args"), json!(["a"])),
        (
            "ports",
            web(&use_of(""), &plugin(", ports: [{name: x, port: 1}]")),
            deployment,
            &at("ports"),
            json!([{"containerPort": 1, "name": "x", "protocol": "TCP"}]),
        ),
        (
            "variables, and those of the use",
            web(&use_of(", env: [{name: A, value: c}, {name: D, value: d}]"), &plugin(env)),
            deployment,
            &at("env"),
            json!([{"name": "A", "value": "c"}, {"name": "B", "value": "b"}, {"name": "D", "value": "d"}]),
        ),
        (
            "resources",
            web(&use_of(""), &plugin(", resources: {limits: {memory: 1Gi}}")),
            deployment,
            &at("resources"),
            json!({"limits": {"memory": "1Gi"}}),
        ),
        ("files", web(&use_of(""), &plugin(config)), "20-plugin-p.yaml", "/data", json!({"etc_p": "x"})),
        ("their map", web(&use_of(""), &plugin(config)), "20-plugin-p.yaml", "/metadata/name", json!("t-plugin-p")),
        (
            "where they are mounted",
            web(&use_of(""), &plugin(config)),
            deployment,
            &at("volumeMounts"),
            json!([{"mountPath": "/etc/p", "name": "sealift-plugin-p", "readOnly": true, "subPath": "etc_p"}]),
        ),
        (
            "the component's volumes",
            web(&use_of(", volumes: true"), &plugin("")),
            deployment,
            &at("volumeMounts"),
            json!([{"mountPath": "/v", "name": "v"}]),
        ),
    ]);
    let restarts = |content: &str| {
        let files = rendered(&web(&use_of(""), &plugin(&config.replace('x', content))));
        object(&files, deployment)["spec"]["template"]["metadata"]["annotations"]["sealift.dev/plugins"].clone()
    };
    assert!(restarts("y").is_string());
    assert_ne!(restarts("y"), restarts("z"), "a file that changes restarts the pods");
}

#[test]
fn what_is_said_in_kubernetes_own_words() {
    for (said, place, expected) in [
        ("nodeSelector: {a: b}", "nodeSelector", json!({"a": "b"})),
        ("tolerations: [{key: k, new: x}]", "tolerations", json!([{"key": "k", "new": "x"}])),
        ("affinity: {nodeAffinity: {new: x}}", "affinity", json!({"nodeAffinity": {"new": "x"}})),
        ("topologySpreadConstraints: [{maxSkew: 1}]", "topologySpreadConstraints", json!([{"maxSkew": 1}])),
        ("serviceAccount: me", "serviceAccountName", json!("me")),
        ("serviceAccount: me", "automountServiceAccountToken", json!(true)),
        ("hostNetwork: false", "automountServiceAccountToken", json!(false)),
        ("podSecurityContext: {fsGroup: 1}", "securityContext", json!({"fsGroup": 1})),
        ("securityContext: {privileged: false}", "containers/0/securityContext", json!({"privileged": false})),
        ("priorityClass: high", "priorityClassName", json!("high")),
        ("runtimeClass: gvisor", "runtimeClassName", json!("gvisor")),
        ("hostNetwork: true", "hostNetwork", json!(true)),
        ("hostNetwork: false", "hostNetwork", Value::Null),
        ("dnsPolicy: Default", "dnsPolicy", json!("Default")),
        (
            "hostAliases: [{ip: 192.0.2.1, hostnames: [a]}]",
            "hostAliases",
            json!([{"ip": "192.0.2.1", "hostnames": ["a"]}]),
        ),
        ("terminationGracePeriodSeconds: 5", "terminationGracePeriodSeconds", json!(5)),
        (
            "lifecycle: {preStop: {sleep: {seconds: 1}}}",
            "containers/0/lifecycle",
            json!({"preStop": {"sleep": {"seconds": 1}}}),
        ),
    ] {
        for (kind, pods) in
            [("Deployment", "/spec/template"), ("CronJob, schedule: '1 1 1 1 1'", "/spec/jobTemplate/spec/template")]
        {
            let files = rendered(&web(&format!(", kind: {kind}, kubernetes: {{{said}}}"), ""));
            let found = object(&files, "-web.yaml").pointer(&format!("{pods}/spec/{place}")).cloned();
            assert_eq!(found.unwrap_or(Value::Null), expected, "{said}");
        }
    }
    let files = rendered(&web(", config: [{path: /c, content: x}], kubernetes: {annotations: {a: b}}", ""));
    let annotations = &object(&files, "deployment-web.yaml")["spec"]["template"]["metadata"]["annotations"];
    assert_eq!((&annotations["a"], annotations["sealift.dev/config"].is_string()), (&json!("b"), true));
}

#[test]
fn a_login_for_the_registry_is_every_pods() {
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "Job"] {
        let template = template(&web(&format!(", kind: {kind}"), ""));
        let files = Site { pull_secret: Some("login"), ..Site::of(&template) }.render(&template).unwrap();
        let pods = &object(&files, &format!("{}-web.yaml", kind.to_lowercase()))["spec"]["template"]["spec"];
        assert_eq!(pods["imagePullSecrets"], json!([{"name": "login"}]));
    }
}

#[test]
fn routes() {
    let ingress = "60-route-r.yaml";
    let route = |fields: &str| {
        web(", ports: [{name: http, port: 80}]", &format!("routes: [{{name: r, component: web, port: http{fields}}}]"))
    };
    let path = "/spec/rules/0/http/paths/0";
    let at = |field: &str| format!("{path}/{field}");
    let nginx = |name: &str| format!("/metadata/annotations/nginx.ingress.kubernetes.io~1{name}");
    check(&[
        ("name", route(""), ingress, "/metadata/name", json!("t-route-r")),
        (
            "everything that is not said",
            route(""),
            ingress,
            "/spec",
            json!({"rules": [{"http": {"paths": [{
                "backend": {"service": {"name": "t-web", "port": {"name": "http"}}}, "path": "/", "pathType": "Prefix"
            }]}}]}),
        ),
        ("host", route(", host: '*.example.org'"), ingress, "/spec/rules/0/host", json!("*.example.org")),
        ("path", route(", path: /a"), ingress, &at("path"), json!("/a")),
        ("exact", route(", path: /a, exact: true"), ingress, &at("pathType"), json!("Exact")),
        ("class", route(", class: c"), ingress, "/spec/ingressClassName", json!("c")),
        (
            "tls of a host",
            route(", host: a.example, tlsSecret: s"),
            ingress,
            "/spec/tls",
            json!([{"hosts": ["a.example"], "secretName": "s"}]),
        ),
        ("tls of any host", route(", tlsSecret: s"), ingress, "/spec/tls", json!([{"secretName": "s"}])),
        ("connect", route(", connectTimeoutSeconds: 5"), ingress, &nginx("proxy-connect-timeout"), json!("5")),
        ("read", route(", readTimeoutSeconds: 5"), ingress, &nginx("proxy-read-timeout"), json!("5")),
        ("send", route(", sendTimeoutSeconds: 5"), ingress, &nginx("proxy-send-timeout"), json!("5")),
        ("body", route(", maxBody: 20Mi"), ingress, &nginx("proxy-body-size"), json!("20971520")),
        ("buffering", route(", buffering: true"), ingress, &nginx("proxy-buffering"), json!("on")),
        ("no buffering", route(", buffering: false"), ingress, &nginx("proxy-buffering"), json!("off")),
        ("sticky", route(", sticky: true"), ingress, &nginx("affinity"), json!("cookie")),
        ("its cookie", route(", sticky: true"), ingress, &nginx("session-cookie-name"), json!("route-r")),
        (
            "headers",
            route(", requestHeaders: {X-A: b c, X-Q: 'a \"b\" \\'}"),
            ingress,
            &nginx("configuration-snippet"),
            json!("proxy_set_header X-A \"b c\";\nproxy_set_header X-Q \"a \\\"b\\\" \\\\\";\n"),
        ),
        ("the host's header", route(", requestHeaders: {Host: a.b}"), ingress, &nginx("upstream-vhost"), json!("a.b")),
        (
            "the host's header needs no snippet",
            route(", requestHeaders: {Host: a.b}"),
            ingress,
            &nginx("configuration-snippet"),
            Value::Null,
        ),
        ("rewrite", route(", path: /a.b/, rewrite: /c/"), ingress, &nginx("rewrite-target"), json!("/c/$2")),
        ("the path of a rewrite", route(", path: /a.b/, rewrite: /c/"), ingress, &at("path"), json!("/a\\.b(/|$)(.*)")),
        ("of everything", route(", rewrite: /c"), ingress, &at("path"), json!("/()(.*)")),
        ("its type", route(", path: /a, rewrite: /"), ingress, &at("pathType"), json!("ImplementationSpecific")),
        ("to the root", route(", path: /a, rewrite: /"), ingress, &nginx("rewrite-target"), json!("/$2")),
        ("exact", route(", path: /a, exact: true, rewrite: /b"), ingress, &nginx("rewrite-target"), json!("/b")),
        ("exact, the path", route(", path: /a, exact: true, rewrite: /b"), ingress, &at("path"), json!("/a")),
        (
            "what the template says itself goes before",
            route(", sticky: true, annotations: {nginx.ingress.kubernetes.io/affinity: none}"),
            ingress,
            &nginx("affinity"),
            json!("none"),
        ),
    ]);
}

#[test]
fn streams() {
    let service = "60-stream-s.yaml";
    let stream = |fields: &str| {
        let ports = ", ports: [{name: sip, port: 5060, protocol: UDP, service: false}]";
        web(ports, &format!("streams: [{{name: s, component: web, port: sip{fields}}}]"))
    };
    check(&[
        ("name", stream(""), service, "/metadata/name", json!("t-stream-s")),
        ("by the nodes", stream(""), service, "/spec/type", json!("NodePort")),
        (
            "a certain port",
            stream(", nodePort: 30600"),
            service,
            "/spec/ports",
            json!([{"name": "sip", "nodePort": 30600, "port": 5060, "protocol": "UDP", "targetPort": "sip"}]),
        ),
        ("by a load balancer", stream(", through: LoadBalancer"), service, "/spec/type", json!("LoadBalancer")),
        (
            "what it leads to",
            stream(""),
            service,
            "/spec/selector",
            json!({"app.kubernetes.io/instance": "t", "app.kubernetes.io/component": "web"}),
        ),
    ]);
}

#[test]
fn things_that_run_elsewhere() {
    let external = |fields: &str| {
        let mut template =
            template(&web("", &format!("externals: [{{name: e, ports: [{{name: p, port: 25}}], {fields}}}]")));
        let service = |port: Option<&str>| ServiceRef {
            component: "e".parse().unwrap(),
            port: port.map(|port| port.parse().unwrap()),
        };
        template.components[0].env = [("H", None), ("A", Some("p"))]
            .map(|(name, port)| Env {
                name: name.parse().unwrap(),
                value: None,
                secret: None,
                service: Some(service(port)),
            })
            .into();
        Site::of(&template).render(&template).unwrap()
    };
    let port = json!([{"name": "p", "port": 25, "protocol": "TCP", "targetPort": 25}]);
    for (fields, spec) in [
        ("host: e.example.org", json!({"externalName": "e.example.org", "ports": port, "type": "ExternalName"})),
        ("addresses: [192.0.2.1]", json!({"ports": port})),
    ] {
        let files = external(fields);
        assert_eq!(object(&files, "40-external-e.yaml")["spec"], spec);
        assert_eq!(
            object(&files, "deployment-web.yaml")["spec"]["template"]["spec"]["containers"][0]["env"],
            json!([{"name": "H", "value": "t-e"}, {"name": "A", "value": "t-e:25"}])
        );
    }
    let files = external("addresses: [192.0.2.1, 192.0.2.2]");
    let endpoints = &files.iter().find(|f| f.name() == "40-external-e.yaml").unwrap().objects()[1];
    assert_eq!((&endpoints["kind"], &endpoints["metadata"]["name"]), (&json!("Endpoints"), &json!("t-e")));
    assert_eq!(
        endpoints["subsets"],
        json!([{
            "addresses": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}],
            "ports": [{"name": "p", "port": 25, "protocol": "TCP"}],
        }])
    );
}

#[test]
fn names_that_meet_or_leave_no_room_are_refused() {
    let long = "a-name-of-forty-characters-and-no-more-x";
    let mut template = template(&web(
        ", ports: [{name: http, port: 80}]",
        "streams: [{name: s, component: web, port: http}]\nexternals: [{name: e, host: a.example}]",
    ));
    let refused = |template: &Template| {
        let installation = "installed-under-a-name-of-its-own".parse().unwrap();
        Site { installation, ..Site::of(template) }.render(template).unwrap_err().to_string()
    };
    let too_long = "has more than 63 characters: give the installation a shorter name";
    template.externals[0].name = long.parse().unwrap();
    assert_eq!(refused(&template), format!("installed-under-a-name-of-its-own-{long} {too_long}"));
    template.externals[0].name = "stream-s".parse().unwrap();
    assert_eq!(
        refused(&template),
        "two parts of the template both become the Service installed-under-a-name-of-its-own-stream-s: rename one of them"
    );
    template.streams[0].name = long.parse().unwrap();
    assert_eq!(refused(&template), format!("installed-under-a-name-of-its-own-stream-{long} {too_long}"));
}
