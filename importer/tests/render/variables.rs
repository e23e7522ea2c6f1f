//! Which variables containers get, and in which order.

use importer::render::RenderedFile;
use serde_json::Value;

use crate::{Site, object, template};

const CONNECTED: &str = "
secrets: [{name: db, keys: [password]}]
components:
  - name: web
    image: 'nginx:1'
    dependsOn: [db, search]
    env: OWN
  - name: db
    image: 'nginx:1'
    ports: [{name: pg, port: 5432}]
    connection:
      - {name: HOST, service: {component: db}}
      - {name: NAME, value: shop}
      - {name: PASSWORD, secret: {name: db, key: password}}
      - {name: URL, value: '$(PASSWORD)@$(HOST)/$(NAME)'}
  - {name: search, image: 'nginx:1', optional: true, ports: [{name: http, port: 80}], connection: [{name: NAME, value: search}, {name: INDEX, value: all}]}
configGroups:
  - {name: g, components: [web], items: [{name: LANG, value: C}, {name: NAME, value: of-the-group}]}
  - {name: other, components: [db], items: [{name: OTHER, value: x}]}
";

fn env(files: &[RenderedFile], component: &str) -> Vec<String> {
    let container =
        &object(files, &format!("deployment-{component}.yaml"))["spec"]["template"]["spec"]["containers"][0];
    let text = |var: &Value| match (&var["value"], &var["valueFrom"]) {
        (Value::String(value), _) => value.clone(),
        (_, from) if from.get("configMapKeyRef").is_some() => {
            let from = &from["configMapKeyRef"];
            format!("{}/{}", from["name"].as_str().unwrap(), from["key"].as_str().unwrap())
        }
        (_, from) => format!("secret {}", from["secretKeyRef"]["name"].as_str().unwrap()),
    };
    let vars = container["env"].as_array().unwrap();
    vars.iter().map(|var| format!("{}={}", var["name"].as_str().unwrap(), text(var))).collect()
}

#[test]
fn a_component_gets_those_of_groups_then_those_of_dependencies_then_its_own() {
    let url = "URL=$(PASSWORD)@$(HOST)/$(NAME)";
    for (why, own, search, expected) in [
        (
            "each name once; the later word wins",
            "[{name: A, value: b}]",
            false,
            vec!["LANG=t-group-g/LANG", "NAME=shop", "HOST=t-db", "PASSWORD=secret t-db", url, "A=b"],
        ),
        (
            "what is its own wins, and stands where it can be referred to",
            "[{name: PASSWORD, value: mine}, {name: LANG, value: de}]",
            false,
            vec!["LANG=de", "NAME=shop", "HOST=t-db", "PASSWORD=mine", url],
        ),
        (
            "what refers to others stands after them",
            "[{name: A, value: b}, {name: HOST, value: 'x.$(A)'}]",
            false,
            vec!["LANG=t-group-g/LANG", "NAME=shop", "PASSWORD=secret t-db", url, "A=b", "HOST=x.$(A)"],
        ),
        (
            "of a dependency that is switched on, too",
            "[]",
            true,
            vec!["LANG=t-group-g/LANG", "NAME=search", "HOST=t-db", "PASSWORD=secret t-db", url, "INDEX=all"],
        ),
        (
            "its own that names what is switched off hides the others, and is left out",
            "[{name: HOST, service: {component: search}}]",
            false,
            vec!["LANG=t-group-g/LANG", "NAME=shop", "PASSWORD=secret t-db", url],
        ),
    ] {
        let template = template(&CONNECTED.replace("OWN", own));
        let site = Site::of(&template);
        let site = if search { site.enable("search") } else { site };
        assert_eq!(env(&site.render(&template).unwrap(), "web"), expected, "{why}");
    }
}

#[test]
fn a_group_restarts_the_pods_that_get_it_when_it_changes() {
    let digest = |value: &str, component: &str| {
        let template = template(&CONNECTED.replace("OWN", "[]").replace("value: C", &format!("value: {value}")));
        let files = Site::of(&template).render(&template).unwrap();
        let pods = &object(&files, &format!("deployment-{component}.yaml"))["spec"]["template"];
        pods["metadata"]["annotations"]["sealift.dev/groups"].clone()
    };
    assert_ne!(digest("C", "web"), digest("D", "web"));
    assert_eq!(digest("C", "db"), digest("D", "db"), "another group is another's");
}

#[test]
fn values_of_groups_are_in_their_map() {
    let template = template(&CONNECTED.replace("OWN", "[]"));
    let files = Site::of(&template).render(&template).unwrap();
    let map = object(&files, "20-group-g.yaml");
    assert_eq!(map["metadata"]["name"], "t-group-g");
    assert_eq!(map["data"], serde_json::json!({"LANG": "C", "NAME": "of-the-group"}));
}

#[test]
fn more_variables_than_an_object_can_say_are_refused() {
    let items: Vec<String> = (0..900).map(|n| format!("{{name: V{n}, value: ''}}")).collect();
    let groups: Vec<String> = (0..5)
        .map(|g| {
            format!("  - {{name: g{g}, items: [{}]}}", items.join(", ").replace("name: V", &format!("name: V{g}_")))
        })
        .collect();
    let template =
        template(&format!("components: [{{name: c, image: 'nginx:1'}}]\nconfigGroups:\n{}\n", groups.join("\n")));
    let found = Site::of(&template).render(&template).unwrap_err().to_string();
    assert_eq!(found, "the component c has a container with 4500 variables, and at most 4096 can be set");
}
