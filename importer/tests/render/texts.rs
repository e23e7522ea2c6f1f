//! Contents of files and other texts arrive as they were.

use std::collections::BTreeMap;

use bundle_format::template::ConfigFile;
use serde_json::Value;

use crate::{Site, assert_kubectl_reads, object, template};

#[test]
fn every_text_survives_two_readers_of_yaml() {
    let texts = [
        "",
        " ",
        "yes",
        "on",
        "0644",
        "0x10",
        "1_000",
        "12:30:45",
        "1e3",
        ".inf",
        "null",
        "~",
        "2026-01-31",
        "- a",
        "a: b",
        "# no comment",
        "'\"'",
        "\\",
        "---",
        "--- a\n...\n",
        "%YAML",
        "a\nb",
        "a\nb\n",
        "a\n\n\n",
        "\n",
        "\n\na",
        "  a\n b",
        "a  \nb\t\n",
        "\ta",
        "a\r\nb\r\n",
        "\r",
        "\u{1}\u{7f}",
        "\u{85}\u{2028}\u{feff}",
        "😀é",
        "@a",
        "`a`",
        "{{ x }}",
        "a #b",
        "a:\n  - b",
        "=",
        "<<",
        "!tag",
        "&a",
        "*a",
        "?",
        "|",
        ">",
        "y",
        "n",
        "NO",
        "1.0",
        "+1",
        "0o7",
        "0b1",
    ];
    let long = format!("{} {}", "word ".repeat(100), "x".repeat(5000));
    let all: BTreeMap<String, String> =
        texts.iter().map(|t| (*t).to_owned()).chain([long]).enumerate().map(|(i, t)| (format!("k{i}"), t)).collect();
    let mut template = template("components: [{name: c, image: 'nginx:1', config: [{path: /k, content: ''}]}]\n");
    let component = &mut template.components[0];
    component.args = all.values().cloned().collect();
    let file = component.config.remove(0);
    let with = |(key, text): (&String, &String)| ConfigFile {
        path: format!("/{key}").parse().unwrap(),
        content: Some(text.clone()),
        ..file.clone()
    };
    component.config = all.iter().map(with).collect();
    let files = Site::of(&template).render(&template).unwrap();
    assert_eq!(object(&files, "configmap-c.yaml")["data"], serde_json::json!(all));
    for file in &files {
        let read: Value = serde_saphyr::from_str(file.content()).unwrap();
        assert_eq!(&read, &file.objects()[0], "{}", file.name());
    }
    assert_kubectl_reads(&files);
}

#[test]
fn binary_and_executable_files_are_mounted_as_such() {
    let template = template(
        "components: [{name: c, image: 'nginx:1', config: [{path: /a.png, file: a.png}, {path: /bin/x, content: x, executable: true}]}]\n",
    );
    let files = Site::of(&template).document("a.png", b"\x89PNG\0").render(&template).unwrap();
    let map = object(&files, "configmap-c.yaml");
    assert_eq!((&map["binaryData"]["a.png"], &map["data"]["bin_x"]), (&"iVBORwA=".into(), &"x".into()));
    let volume = &object(&files, "deployment-c.yaml")["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(
        volume["configMap"]["items"],
        serde_json::json!([{"key": "a.png", "path": "a.png"}, {"key": "bin_x", "mode": 0o755, "path": "bin_x"}])
    );
}
