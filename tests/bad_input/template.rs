//! Templates that pack refuses, and `template check` explains.

use std::fs;

use super::common::{PACK, Shop};

#[test]
fn a_template_must_be_acceptable() {
    for (why, from, to, names) in [
        ("an unknown field", "    replicas: 2\n", "    replica: 2\n", ["replica", "unknown"]),
        ("a component twice", "  - name: migrate\n", "  - name: api\n", ["api", "stands already"]),
        ("a dependency on nothing", "dependsOn: [api]", "dependsOn: [cache]", ["cache", "component"]),
        (
            "a dependency in a circle",
            "  - name: db\n    image",
            "  - name: db\n    dependsOn: [web]\n    image",
            ["db", "web"],
        ),
        ("no version", "  version: \"1.0.0\"\n", "", ["version", "missing"]),
        ("another format", "sealift.dev/v1\n", "sealift.dev/v9\n", ["sealift.dev/v9", "apiVersion"]),
        ("a path that leads out", "icon: icon.png", "icon: ../icon.png", ["../icon.png", "path"]),
        ("a secret that is not declared", "secret: { name: db,", "secret: { name: dbx,", ["dbx", "secret"]),
    ] {
        eprintln!("{why}");
        let shop = Shop::new();
        shop.edit(from, to);
        shop.refuses(PACK, 5, "E-TEMPLATE", &["sealift.yaml", "template check"]);
        let check = shop.refuses("template check sealift.yaml", 5, "E-TEMPLATE", &["sealift.yaml", "error"]);
        for name in names {
            assert!(check.stdout.contains(name), "{why}: {name} is not named: {}", check.stdout);
        }
        assert!(check.stdout.starts_with("sealift.yaml:"), "file, line and column come first: {}", check.stdout);
    }
}

#[test]
fn a_file_that_the_template_names_must_be_there() {
    for (why, name) in [
        ("an icon", "icon.png"),
        ("a configuration file", "config/api.toml"),
        ("a manifest", "k8s/extra.yaml"),
        ("a file", "docs/README.md"),
    ] {
        eprintln!("{why}");
        let shop = Shop::new();
        fs::remove_file(shop.path(name)).unwrap();
        shop.refuses(PACK, 5, "E-FILE", &[name, "which the template names", "No such file"]);
        let check = shop.refuses("template check sealift.yaml", 5, "E-TEMPLATE", &["sealift.yaml"]);
        assert!(check.stdout.contains(&format!("error[missing-file]: {name}")), "{}", check.stdout);
        fs::create_dir(shop.path(name)).unwrap();
        shop.refuses(PACK, 5, "E-FILE", &[name, "not a regular file"]);
    }
}

#[test]
fn a_named_pipe_or_a_device_is_no_file() {
    let shop = Shop::new();
    fs::remove_file(shop.path("icon.png")).unwrap();
    shop.run("mkfifo icon.png");
    shop.refuses(PACK, 5, "E-FILE", &["icon.png", "not a regular file"]);
}

#[test]
fn the_template_s_file_must_be_there_and_be_one() {
    let shop = Shop::new();
    shop.write("large.yaml", &[b'#'; (4 << 20) + 1]);
    shop.write("empty.yaml", b"");
    shop.write("binary.yaml", &[0xff, 0xfe, 0x00]);
    for (template, code, exit, names) in [
        ("gone.yaml", "E-FILE", 5, ["gone.yaml", "No such file"]),
        ("docs", "E-FILE", 5, ["docs", "directory"]),
        ("large.yaml", "E-FILE", 5, ["large.yaml", "more than 4194304 bytes"]),
        ("empty.yaml", "E-TEMPLATE", 5, ["empty.yaml", "template check"]),
        ("binary.yaml", "E-TEMPLATE", 5, ["binary.yaml", "template check"]),
    ] {
        shop.refuses(&format!("pack {template} -o shop.sealift --key vendor.pem"), exit, code, &names);
    }
    shop.refuses("template check gone.yaml", 1, "E-IO", &["gone.yaml"]);
    shop.refuses("template init sealift.yaml", 6, "E-EXISTS", &["sealift.yaml"]);
}
