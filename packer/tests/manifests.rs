//! What Kubernetes objects say is carried or noted: one case for each way to say something.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has failed")]

use bundle_format::template::{Manifest, Template};
use packer::convert::{Naming, from_objects};

/// The template, its text without comments, and the notes that become of objects.
fn convert(yaml: &str) -> (Template, String, String) {
    let objects = Manifest::parse(yaml.as_bytes()).unwrap().into_objects();
    let naming = Naming { name: Some("shop".parse().unwrap()), version: None };
    let draft = from_objects(objects, &naming).unwrap();
    let (yaml, notes) = draft.yaml("from-manifests", "shop.yaml").unwrap();
    let line = |n: &packer::convert::Note| {
        format!("{}: {}: {}\n", n.kind.word(), n.component.as_deref().unwrap_or("-"), n.text)
    };
    let template = Template::parse(yaml.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{yaml}"));
    let said = yaml.lines().filter(|l| !l.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    (template, said, notes.iter().map(line).collect())
}

/// A Deployment `web` whose spec, pods and container say more.
fn web(spec: &str, pods: &str, container: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  {spec}\n  \
         template:\n    metadata: {{labels: {{app: web, app.kubernetes.io/name: web}}}}\n    spec:\n      {pods}\n      containers:\n      - name: web\n        \
         image: r.example/web:1\n        {container}\n"
    )
}

fn object(kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
}

#[test]
fn what_a_workload_says_without_a_word_in_a_template_is_noted() {
    for (spec, pods, container, note) in [
        ("minReadySeconds: 10", "", "", "of Deployment web, `minReadySeconds`"),
        ("strategy: {rollingUpdate: {maxUnavailable: 0}}", "", "", "of Deployment web, `strategy`"),
        ("", "schedulerName: mine", "", "of the pods of Deployment web, `schedulerName`"),
        ("", "shareProcessNamespace: true", "", "`shareProcessNamespace`"),
        ("", "{serviceAccountName: web, automountServiceAccountToken: false", "", "`automountServiceAccountToken`"),
        ("", "", "stdin: true", "of the container web, `stdin`"),
        ("", "", "ports: [{containerPort: 80, hostPort: 80}]", "`hostPort` of the port 80"),
        (
            "",
            "",
            "livenessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 5}",
            "of a probe, `terminationGrace",
        ),
        (
            "",
            "volumes: [{name: v, emptyDir: {}}]",
            "volumeMounts: [{name: v, mountPath: /a, subPath: x}]",
            "/a was the folder x",
        ),
        (
            "",
            "volumes: [{name: v, emptyDir: {}}]",
            "volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]",
            "the folder v is mounted a second time, at /b",
        ),
        (
            "",
            "volumes: [{name: v, configMap: {name: env, defaultMode: 256}}]",
            "volumeMounts: [{name: v, mountPath: /a}]",
            "the mode 400 of files of the ConfigMap env",
        ),
        (
            "",
            "volumes: [{name: v, configMap: {name: env}}]",
            "volumeMounts: [{name: v, mountPath: /a.yml, subPath: gone.yml}]",
            "the ConfigMap env has no file gone.yml",
        ),
        ("", "", "envFrom: [{configMapRef: {name: env}}]", "the variable \"a.b\" of the ConfigMap env"),
    ] {
        let pods = match pods.strip_prefix('{') {
            Some(two) => two.replace(", ", "\n      "),
            None => pods.to_owned(),
        };
        let (.., notes) =
            convert(&format!("{}{}", web(spec, &pods, container), object("ConfigMap", "env", "data: {a.b: x, C: y}")));
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

#[test]
fn what_a_server_fills_in_is_not_noted() {
    let (.., notes) = convert(&web(
        "revisionHistoryLimit: 10\n  progressDeadlineSeconds: 600\n  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}",
        "schedulerName: default-scheduler\n      restartPolicy: Always\n      securityContext: {}\n      terminationGracePeriodSeconds: 30",
        "imagePullPolicy: IfNotPresent\n        terminationMessagePath: /dev/termination-log\n        terminationMessagePolicy: File",
    ));
    assert_eq!(notes, "");
}

#[test]
fn containers_beside_the_component_keep_their_variables_and_are_reached() {
    let env = "envFrom: [{configMapRef: {name: env}}]";
    let mut objects = web(
        "",
        &format!("initContainers: [{{name: migrate, image: 'r.example/web:1', {env}}}]"),
        &format!(
            "{env}\n      - {{name: proxy, image: 'r.example/proxy:1', ports: [{{name: auth, containerPort: 4180}}]}}"
        ),
    );
    objects += &objects.replace("name: web", "name: two").replace("app: web", "app: two");
    objects += &object("ConfigMap", "env", "data: {LEVEL: info}");
    objects += &object("Service", "web", "spec: {selector: {app: web}, ports: [{port: 80, targetPort: auth}]}");
    let (template, said, _) = convert(&objects);
    let migrate = template.plugins.iter().find(|p| p.name.as_str() == "web-migrate").unwrap();
    assert_eq!(migrate.env.len(), 1, "{said}");
    assert_eq!(template.config_groups[0].components.len(), 2);
    let ports: Vec<(u16, Option<u16>)> =
        template.components[0].ports.iter().map(|p| (p.port.get(), p.service_port.map(|p| p.get()))).collect();
    assert_eq!(ports, [(4180, Some(80))], "{said}");
}

#[test]
fn a_service_leads_to_a_port_that_no_container_declares() {
    let service = object("Service", "web", "spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}");
    let (template, _, notes) = convert(&format!("{}{service}", web("", "", "")));
    let port = &template.components[0].ports[0];
    assert_eq!((port.port.get(), port.service_port.map(|p| p.get())), (8080, Some(80)), "{notes}");
    assert_eq!(notes, "");
}

#[test]
fn shared_variables_that_are_hosts_become_references_of_each_component() {
    let env = "envFrom: [{configMapRef: {name: env}}]";
    let mut objects = web("", "", env);
    objects += &objects.replace("name: web", "name: two").replace("app: web", "app: two");
    objects += &object("ConfigMap", "env", "data: {LEVEL: info, LEGACY_HOST: legacy, WEB_URL: 'http://web:80/x'}");
    objects += &object("Service", "web", "spec: {selector: {app: web}, ports: [{port: 80}]}");
    objects += &object("Service", "legacy", "spec: {type: ExternalName, externalName: legacy.corp.example}");
    let (template, said, _) = convert(&objects);
    assert_eq!(template.config_groups[0].items.len(), 1, "{said}");
    let two = template.components.iter().find(|c| c.name.as_str() == "two").unwrap();
    let service = |name: &str| {
        let env = two.env.iter().find(|e| e.name.as_str() == name)?;
        Some(env.service.as_ref()?.component.to_string())
    };
    assert_eq!(service("LEGACY_HOST").as_deref(), Some("legacy"), "{said}");
    assert_eq!(service("WEB_SERVICE_ADDRESS").as_deref(), Some("web"), "{said}");
}

#[test]
fn hosts_in_variables_that_nothing_replaces_are_named() {
    let env = "env: [{name: PEERS, value: 'db-0.db:5432,db-1.db:5432'}, {name: API, value: 'http://db.team.svc.cluster.local:5432/'}]";
    let db = web("", "", "")
        .replace("name: web", "name: db")
        .replace("app: web", "app: db")
        .replace("Deployment", "StatefulSet");
    let service = object("Service", "db", "spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}");
    let (.., notes) = convert(&format!("{}{db}{service}", web("", "", env)));
    assert!(notes.contains("web: PEERS names the pod `db-0.db`"), "{notes}");
    assert!(notes.contains("web: API names the host `db`"), "{notes}");
    assert!(!notes.contains("addresses of all pods"), "{notes}");
}

#[test]
fn an_object_that_stays_and_speaks_of_one_that_does_not_is_noted() {
    for (kind, rest, note) in [
        ("Ingress", "spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}", "it names the Service web"),
        (
            "VerticalPodAutoscaler",
            "spec: {targetRef: {kind: Deployment, name: web}}",
            "it names the Deployment of `web`",
        ),
        (
            "PodDisruptionBudget",
            "spec: {selector: {matchLabels: {app.kubernetes.io/name: web}}}",
            "it selects by app.kub",
        ),
        ("NetworkPolicy", "spec: {podSelector: {matchLabels: {app.kubernetes.io/name: web}}}", "it selects by app.kub"),
        (
            "RoleBinding",
            "subjects: [{kind: ServiceAccount, name: web, namespace: team-a}]",
            "it names the namespace team-a",
        ),
    ] {
        let service = object("Service", "web", "spec: {selector: {app: web}, ports: [{port: 80}]}");
        let (template, _, notes) = convert(&format!("{}{service}{}", web("", "", ""), object(kind, "x", rest)));
        assert_eq!(template.manifests.len(), 1);
        assert!(notes.contains(&format!("look at: -: {kind} x stays as it is, and {note}")), "{kind}: {notes}");
    }
    let policy = object(
        "NetworkPolicy",
        "x",
        "spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}}]}]}",
    );
    let (.., notes) = convert(&format!("{}{policy}", web("", "", "")));
    assert!(!notes.contains("look at"), "{notes}");
}

#[test]
fn what_a_service_says_beside_its_ports_is_noted() {
    for (spec, note) in [
        (
            "type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8]",
            "of the Service web, `loadBalancerSourceRanges`",
        ),
        ("type: LoadBalancer, externalTrafficPolicy: Local", "of the Service web, `externalTrafficPolicy`"),
        ("publishNotReadyAddresses: true", "of the Service web, `publishNotReadyAddresses`"),
        ("clusterIP: None", "the Service web gave the addresses of all pods"),
    ] {
        let service =
            object("Service", "web", &format!("spec: {{selector: {{app: web}}, ports: [{{port: 80}}], {spec}}}"));
        let (.., notes) = convert(&format!("{}{service}", web("", "", "")));
        assert!(notes.contains(note), "{note}: {notes}");
    }
    let service = object("Service", "web", "spec: {selector: {app: web}, ports: [{port: 80, targetPort: gone}]}");
    let (.., notes) = convert(&format!("{}{service}", web("", "", "")));
    assert!(notes.contains("the port gone of the Service web: no container has it"), "{notes}");
}

#[test]
fn addresses_that_somebody_wrote_stay_and_those_of_controllers_go() {
    let slice = |labels: &str| {
        format!(
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: db-1, labels: {{kubernetes.io/service-name: db{labels}}}}}\naddressType: IPv4\n"
        )
    };
    let service = object("Service", "db", "spec: {ports: [{port: 5432}]}");
    let (template, ..) = convert(&format!("{}{service}{}", web("", "", ""), slice("")));
    assert_eq!(template.manifests.len(), 2);
    let made = slice(", endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io");
    let (template, ..) = convert(&format!("{}{service}{made}", web("", "", "")));
    assert_eq!(template.manifests.len(), 1);
}

#[test]
fn an_expression_of_ingress_nginx_is_a_rewrite_or_stays_as_it_is() {
    let ingress = |target: &str, path: &str, kind: &str| {
        let service = object("Service", "web", "spec: {selector: {app: web}, ports: [{port: 80}]}");
        let ingress = format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations: {{nginx.ingress.kubernetes.io/rewrite-target: '{target}', \
             nginx.ingress.kubernetes.io/use-regex: 'true'}}\nspec: {{rules: [{{http: {{paths: [{{path: '{path}', pathType: {kind}, backend: {{service: {{name: web, \
             port: {{number: 80}}}}}}}}]}}}}]}}\n"
        );
        convert(&format!("{}{service}{ingress}", web("", "", ""))).0
    };
    for (target, path, route) in [
        ("/$2", "/api(/|$)(.*)", Some(("/api", "/"))),
        ("/v1/$2", "/api(/|$)(.*)", Some(("/api", "/v1"))),
        ("/$1", "/api/(.*)", Some(("/api", "/"))),
        ("/$2", "/api/[a-z]+(/|$)(.*)", None),
        ("/$1", "/api(/|$)(.*)", None),
        ("/$2", "/api", None),
    ] {
        let template = ingress(target, path, "ImplementationSpecific");
        let made = template.routes.first().map(|r| (r.path.as_str(), r.rewrite.as_deref().unwrap()));
        assert_eq!(made, route, "{path} {target}");
        assert_eq!(template.manifests.len(), usize::from(route.is_none()), "{path} {target}");
    }
    // Everything below /shop goes to one place there, which no `rewrite` says.
    let template = ingress("/", "/shop", "Prefix");
    assert_eq!(template.routes[0].rewrite, None);
    assert!(template.routes[0].annotations.contains_key("nginx.ingress.kubernetes.io/rewrite-target"));
    assert_eq!(ingress("/", "/shop", "Exact").routes[0].rewrite.as_deref(), Some("/"));
}

#[test]
fn more_than_all_that_is_requested_is_all_of_it() {
    let scaler = object(
        "HorizontalPodAutoscaler",
        "web",
        "spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 3, metrics: [{resource: {name: cpu, target: {averageUtilization: 300}}}]}",
    );
    let (template, _, notes) = convert(&format!("{}{scaler}", web("", "", "resources: {requests: {cpu: 1}}")));
    assert_eq!(template.components[0].scaling.as_ref().unwrap().cpu.unwrap().get(), 100);
    assert!(notes.contains("more than all that is requested became 100 per cent"), "{notes}");
}
