//! What compose files say is carried or noted: one case for each way to say something.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has failed")]

use std::fs;
use std::path::Path;

use bundle_format::template::Template;
use packer::convert::{Naming, from_compose};

/// The template and the notes that become of the compose file in `folder`.
fn convert(folder: &Path) -> (Template, String, String) {
    let draft = from_compose(&folder.join("compose.yaml"), &Naming::default()).unwrap();
    let (yaml, notes) = draft.yaml("from-compose", "compose.yaml").unwrap();
    let line = |n: &packer::convert::Note| {
        format!("{}: {}: {}\n", n.kind.word(), n.component.as_deref().unwrap_or("-"), n.text)
    };
    let notes: String = notes.iter().map(line).collect();
    let template = Template::parse(yaml.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{yaml}"));
    let said = yaml.lines().filter(|l| !l.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    (template, said, notes)
}

fn text(compose: &str) -> (Template, String, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("compose.yaml"), format!("name: app\n{compose}")).unwrap();
    convert(dir.path())
}

#[test]
fn what_a_service_says_without_a_word_in_a_template_is_noted() {
    for (says, note) in [
        ("privileged: true", "look at: a: `privileged` is carried"),
        ("network_mode: host", "look at: a: `network_mode: host` is carried"),
        ("network_mode: 'service:b'", "not converted: a: `network_mode: service:b`"),
        ("network_mode: none", "not converted: a: `network_mode: none`"),
        ("init: true", "not converted: a: `init`"),
        ("group_add: ['999', docker]", "not converted: a: the group docker"),
        ("security_opt: ['seccomp:unconfined']", "not converted: a: `security_opt: seccomp:unconfined`"),
        ("stop_grace_period: forever", "not converted: a: `stop_grace_period: forever`"),
        ("mem_limit: much", "not converted: a: memory of \"much\""),
        ("deploy: {update_config: {order: start-first}}", "not converted: a: `deploy.update_config`"),
        ("deploy: {endpoint_mode: dnsrr}", "not converted: a: `deploy.endpoint_mode`"),
        ("deploy: {placement: {max_replicas_per_node: 1}}", "not converted: a: placement: say how replicas spread"),
        ("deploy: {resources: {limits: {pids: 100}}}", "not converted: a: `deploy.resources.limits.pids` 100"),
        ("deploy: {restart_policy: {condition: on-failure}}", "look at: a: it is not always restarted"),
        ("deploy: {mode: replicated-job, replicas: 3}", "not converted: a: 3 replicas"),
        ("deploy: {mode: replicated-job}\n    ports: ['80:80']", "not converted: a: `ports`: nothing reaches a Job"),
        ("deploy: {mode: replicated-job}\n    healthcheck: {test: ls}", "not converted: a: `healthcheck`: a Job"),
        ("healthcheck: {test: ls, start_interval: 1s}", "not converted: a: `healthcheck.start_interval`"),
        ("profiles: [x]", "look at: a: optional, because it belongs to the profiles x"),
        ("volumes: [{type: image, source: 'i:1', target: /x}]", "the volume i:1 at /x, of the type \"image\""),
        ("volumes: ['d:/x', 'd:/y']", "not converted: a: the volume d is mounted a second time, at /y"),
        ("volumes: [{type: volume, source: d, target: /x, volume: {subpath: p}}]", "/x was the folder p of its volume"),
        ("volumes: ['nfs:/x']", "where the volume nfs lies (type=nfs)"),
        ("configs: [{source: c, uid: '103'}]", "not converted: a: who owns /c"),
        ("expose: [none]", "not converted: a: the port \"none\""),
        ("tmpfs: [/]", "not converted: a: the memory at /"),
    ] {
        let (_, _, notes) = text(&format!(
            "services:\n  b: {{image: 'b:1'}}\n  a:\n    image: a:1\n    {says}\n\
             volumes: {{d: , nfs: {{driver_opts: {{type: nfs}}}}}}\nconfigs: {{c: {{content: x}}}}\n"
        ));
        assert!(notes.contains(note), "{says}: {note}\n{notes}");
    }
    let (_, _, notes) = text("services: {a: {image: 'a:1'}}\nmodels: {m: {model: x}}\nx-mine: 1\n");
    assert_eq!(notes, "not converted: -: `models` has no word in a template\n");
}

#[test]
fn a_job_has_neither_ports_nor_routes_nor_probes_wherever_they_come_from() {
    let (template, _, _) = text(
        "x-app: &app {image: 'a:1', ports: ['8080:8080'], healthcheck: {test: 'true'}}\n\
         services:\n  init: {<<: *app, command: migrate}\n  web: {<<: *app, depends_on: {init: {condition: service_completed_successfully}}}\n",
    );
    let routes: Vec<&str> = template.routes.iter().map(|r| r.component.as_str()).collect();
    assert_eq!(routes, ["web"]);
    assert!(template.components[0].ports.is_empty() && template.components[0].probes.is_empty());
}

#[test]
fn a_health_check_has_the_time_that_docker_gives_it() {
    for (times, seconds) in [("", 30), (", timeout: 5s", 5)] {
        let (template, ..) = text(&format!("services: {{a: {{image: 'a:1', healthcheck: {{test: slow{times}}}}}}}\n"));
        let probe = template.components[0].probes.readiness.as_ref().unwrap();
        assert_eq!(probe.timeout_seconds.unwrap().get(), seconds, "{times}");
    }
}

#[test]
fn one_port_that_is_published_twice_has_one_route() {
    let (template, ..) = text("services: {a: {image: 'a:1', ports: ['80:3000', '8080:3000']}}\n");
    assert_eq!(template.routes.len(), 1);
}

#[test]
fn what_a_service_extends_lies_under_it_to_the_last() {
    let (template, said, notes) = text(
        "services:\n  base:\n    image: a:1\n    command: [serve, --fast]\n    environment: ['A=1', 'B=2']\n    volumes: ['d:/d']\n    \
         deploy: {resources: {limits: {cpus: '1', memory: 64m}}}\n  \
         mid: {extends: base, environment: {B: '3', C: '4'}}\n  \
         top: {extends: {service: mid}, command: [work], volumes: ['e:/d'], deploy: {resources: {limits: {memory: 128m}}}}\n\
         volumes: {d: , e: }\n",
    );
    let top = template.components.iter().find(|c| c.name.as_str() == "top").unwrap();
    let env: Vec<(&str, &str)> = top.env.iter().map(|e| (e.name.as_str(), e.value.as_deref().unwrap())).collect();
    assert_eq!(env, [("A", "1"), ("B", "3"), ("C", "4")], "{said}");
    assert_eq!(top.args, ["work"]);
    assert_eq!(top.image.to_string(), "docker.io/library/a:1");
    assert_eq!(top.volumes.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["e"]);
    let limits: Vec<String> = top.resources.limits.iter().map(|(k, v)| format!("{k} {v}")).collect();
    assert_eq!(limits, ["cpu 1", "memory 128Mi"], "{notes}");
}

#[test]
fn circles_of_services_that_extend_each_other_end() {
    let (.., notes) = text("services: {a: {image: 'a:1', extends: b}, b: {image: 'b:1', extends: a}}\n");
    assert!(notes.contains("too many services extend each other"), "{notes}");
}

#[test]
fn the_source_of_an_application_is_not_carried_as_configuration() {
    let dir = tempfile::tempdir().unwrap();
    for (file, content) in
        [("compose.yaml", ""), (".env", "API_TOKEN=never-carried\n"), ("app.py", "x"), ("web/a.js", "y")]
    {
        fs::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
        fs::write(dir.path().join(file), content).unwrap();
    }
    for (service, place) in [
        ("{build: ., volumes: ['.:/code']}", ". at /code"),
        ("{build: {context: web}, volumes: ['./web:/w']}", "./web at /w"),
    ] {
        fs::write(dir.path().join("compose.yaml"), format!("services: {{a: {service}}}\n")).unwrap();
        let (template, said, notes) = convert(dir.path());
        assert!(template.components[0].config.is_empty(), "{said}");
        assert!(!said.contains("never-carried") && notes.contains(place), "{notes}");
    }
    fs::write(dir.path().join("compose.override.yaml"), "services: {}\n").unwrap();
    let (.., notes) = convert(dir.path());
    assert!(notes.contains("not converted: -: compose.override.yaml, which compose reads too"), "{notes}");
}

#[test]
fn configs_lie_where_compose_puts_them() {
    let (template, ..) = text(
        "services: {a: {image: 'a:1', configs: [{source: c, target: conf/app.conf, mode: 0555}, {source: c, target: /x, mode: '0444'}]}}\n\
         configs: {c: {content: x}}\n",
    );
    let files: Vec<(&str, bool)> =
        template.components[0].config.iter().map(|f| (f.path.as_str(), f.executable)).collect();
    assert_eq!(files, [("/conf/app.conf", true), ("/x", false)]);
}

#[test]
fn what_reads_the_file_of_a_secret_reads_its_variable() {
    let (template, _, notes) = text(
        "services:\n  db:\n    image: mariadb:10\n    secrets: [pw]\n    environment: [MYSQL_ROOT_PASSWORD_FILE=/run/secrets/pw]\n    \
         healthcheck: {test: 'mysqladmin ping --password=\"$$(cat /run/secrets/pw)\"'}\n    command: app --key /run/secrets/pw\n\
         secrets: {pw: {file: pw.txt}}\n",
    );
    let check = template.components[0].probes.readiness.as_ref().unwrap().exec.as_ref().unwrap();
    assert_eq!(check.command[2], "mysqladmin ping --password=\"${MYSQL_ROOT_PASSWORD}\"");
    assert!(notes.contains("the arguments names the file /run/secrets/pw"), "{notes}");
}

#[test]
fn a_password_is_generated_everywhere_or_nowhere() {
    let service = |more: &str| {
        text(&format!(
            "services:\n  redis: {{image: redis:7, {more}}}\n  web: {{image: 'w:1', environment: {{REDIS_PASSWORD: hunter2x}}}}\n\
             configs: {{c: {{content: \"requirepass hunter2x\\n\"}}}}\n"
        ))
    };
    for more in [
        "command: redis-server --requirepass hunter2x",
        "healthcheck: {test: [CMD, redis-cli, -a, hunter2x, ping]}",
        "environment: {URL: 'redis://:hunter2x@x', REDIS_PASSWORD: other-1234}",
    ] {
        let (template, said, notes) = service(more);
        assert!(!said.contains("hunter2x") && !notes.contains("hunter2x"), "{more}: {said}\n{notes}");
        assert!(template.components[0].env.iter().any(|e| e.secret.is_some()), "{said}");
    }
    let (template, said, notes) = service("command: redis-server --requirepass hunter2x");
    assert_eq!(template.components[0].args, ["redis-server", "--requirepass", "$(REDIS_PASSWORD)"], "{said}");
    assert!(notes.contains("for redis, web"), "{notes}");
    let (_, said, notes) = service("configs: [c]");
    assert!(said.contains("REDIS_PASSWORD, value: hunter2x"), "{said}");
    assert!(notes.contains("also stands in the file /c of redis"), "{notes}");
}

#[test]
fn hosts_that_cannot_be_replaced_are_named() {
    for (services, note) in [
        (
            "kafka: {image: 'kafka:3', environment: {LISTENERS: 'PLAINTEXT://kafka:9092'}}",
            "kafka: LISTENERS names the component's own host `kafka`",
        ),
        (
            "kafka: {image: 'kafka:3', healthcheck: {test: 'topics --server kafka:9092'}}",
            "kafka: the health check names the host `kafka`",
        ),
        (
            "api: {image: 'corp/api:1'}\n  web: {image: 'w:1', environment: {API_HOST: api}}",
            "web: API_HOST names the host `api`, and no port of `api` is known",
        ),
    ] {
        let (.., notes) = text(&format!("services:\n  {services}\n"));
        assert!(notes.contains(note), "{services}: {notes}");
    }
    let (template, said, _) = text(
        "services:\n  kafka: {image: 'kafka:3', ports: ['9092:9092']}\n  app: {image: 'a:1', links: ['kafka:broker'], environment: {BROKER: 'broker:9092'}}\n",
    );
    let app = &template.components[1];
    assert!(app.env[0].service.is_some(), "{said}");
}

#[test]
fn an_image_whose_variable_is_missing_says_which() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("compose.yaml"), "services: {db: {image: 'postgres:${PG_VERSION}'}}\n").unwrap();
    let error = from_compose(&dir.path().join("compose.yaml"), &Naming::default()).unwrap_err().to_string();
    assert!(error.contains("no value is known of PG_VERSION"), "{error}");
}
