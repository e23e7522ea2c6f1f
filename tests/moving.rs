//! Moving an installation from one site to another (spec/installation.md), through the real command, on folders of manifests. What
//! claims hold is moved on a cluster: `tests/cluster/moved.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::process::Command;

use age::secrecy::ExposeSecret as _;
use common::Shop;

/// A shop with the site `site`, on which it is installed with values of its own; the other site, which holds it too; keys.
fn moved() -> (Shop, String) {
    let shop = Shop::packed();
    shop.sealift("import shop.sealift --key vendor.pub --site site").ok();
    shop.sealift("import shop.sealift --key vendor.pub --site other").ok();
    shop.sealift("keygen -q --no-passphrase -o here").ok();
    shop.sealift(
        "install shop --site site -n team --target dir:out --with report --set web.replicas=5 --set api.env.LOG_LEVEL=trace",
    )
    .ok();
    let identity = age::x25519::Identity::generate();
    shop.write("identity.txt", format!("# of the other site\n{}\n", identity.to_string().expose_secret()).as_bytes());
    let export = format!(
        "export-installation shop --site site -n team -o shop.installation --key here.pem --encrypt-to {}",
        identity.to_public()
    );
    (shop, export)
}

const IMPORT: &str = "import-installation shop.installation --site other -n guests --target dir:there --key here.pub --identity identity.txt";

/// Every object of a folder of manifests, as text, of which the namespace is another.
fn manifests(shop: &Shop, folder: &str, namespace: &str) -> Vec<(String, String)> {
    let mut all: Vec<_> = fs::read_dir(shop.path(folder))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "yaml"))
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text.replace(namespace, "NAMESPACE"))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn values_modules_and_secrets_are_the_same_at_the_other_site() {
    let (shop, export) = moved();
    let said = shop.sealift(&format!("{export} --json")).ok().json();
    assert_eq!(
        (&said["name"], &said["modules"]["report"], &said["namespace"]),
        (&"shop".into(), &true.into(), &"team".into())
    );
    let values: Vec<_> = said["values"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    assert!(values.contains(&"web.replicas") && values.contains(&"api.env.LOG_LEVEL"), "{values:?}");

    let said = shop.sealift(&format!("{IMPORT} --json")).ok().json();
    assert_eq!((&said["fromNamespace"], &said["plan"]["record"]["number"]), (&"team".into(), &1.into()));
    let (here, there) = (manifests(&shop, "out", "team"), manifests(&shop, "there", "guests"));
    assert!(here.iter().any(|(_, text)| text.contains("kind: Secret")), "the shop has secrets");
    assert_eq!(here, there);

    // It goes on as any installation does: nothing is left to do, and the values are the site's.
    let plan = shop.sealift("plan shop --site other -n guests --json").ok().json();
    assert_eq!(plan["empty"], true, "{plan:#}");
}

#[test]
fn the_other_site_may_decide_otherwise() {
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    shop.sealift(&format!("{IMPORT} --set web.replicas=1 --without report --registry registry.there:5000")).ok();
    let there: String = manifests(&shop, "there", "guests").into_iter().map(|(_, text)| text).collect();
    assert!(there.contains("registry.there:5000/") && there.contains("trace") && !there.contains("replicas: 5"));
}

#[test]
fn a_dry_run_shows_the_plan_and_does_nothing() {
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    let plan = shop.sealift(&format!("{IMPORT} --dry-run")).ok().stdout;
    assert!(plan.contains("web"), "{plan}");
    assert!(!shop.path("there").exists());
}

#[test]
fn secrets_are_nowhere_in_clear() {
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    let manifests: String = manifests(&shop, "out", "team").into_iter().map(|(_, text)| text).collect();
    let values: Vec<&str> = manifests
        .split("kind: Secret")
        .skip(1)
        .flat_map(|secret| secret.lines())
        .take_while(|line| *line != "---")
        .filter_map(|line| line.trim().split_once(": ").map(|(_, value)| value.trim_matches('"')))
        .filter(|value| value.len() >= 24)
        .collect();
    assert!(!values.is_empty(), "{manifests}");
    let file = String::from_utf8_lossy(&shop.read("shop.installation")).into_owned();
    for value in values {
        assert!(!file.contains(value), "{value}");
    }
    // Tools that people own list it, and read the values.
    let listed = String::from_utf8(shop.run("tar -tf shop.installation")).unwrap();
    assert_eq!(listed, "installation.dsse.json\ninstallation.json\nsecrets.age\n");
    let document = shop.run("tar -xOf shop.installation installation.json");
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["values"]["web.replicas"], 5);
    assert_eq!(document["modules"]["report"], true);
}

#[test]
fn the_tool_age_opens_the_secrets() {
    if Command::new("age").arg("--version").output().is_err() {
        return common::skip("age is not installed");
    }
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    fs::write(shop.path("secrets.age"), shop.run("tar -xOf shop.installation secrets.age")).unwrap();
    let secrets: serde_json::Value = serde_json::from_slice(&shop.run("age -d -i identity.txt secrets.age")).unwrap();
    assert!(secrets.as_object().is_some_and(|s| !s.is_empty()), "{secrets}");
}

#[test]
fn whoever_cannot_prove_or_open_it_imports_nothing() {
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    shop.sealift("keygen -q --no-passphrase -o wrong").ok();
    shop.write("wrong.txt", age::x25519::Identity::generate().to_string().expose_secret().as_bytes());
    shop.refuses(&IMPORT.replace("here.pub", "wrong.pub"), 3, "E-UNTRUSTED", &["shop.installation"]);
    shop.refuses(&IMPORT.replace("--key here.pub", ""), 3, "E-NO-KEY", &["--key"]);
    shop.refuses(&IMPORT.replace("identity.txt", "wrong.txt"), 3, "E-DECRYPT", &["secrets.age", "--identity"]);
    shop.refuses(&IMPORT.replace("identity.txt", "here.pub"), 3, "E-KEY", &["here.pub"]);
    shop.refuses(&IMPORT.replace("shop.installation", "shop.sealift"), 4, "E-MEMBER", &["sealift import"]);
    shop.refuses("import shop.installation --key here.pub --site other", 4, "E-MEMBER", &["installation.dsse.json"]);
}

#[test]
fn every_changed_byte_and_every_cut_is_refused() {
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    let good = shop.read("shop.installation");
    // Every header, something of every content, every padding, the end.
    let places: Vec<usize> = (0..good.len()).step_by(311).chain([good.len() - 1, good.len() - 1024]).collect();
    for at in places {
        let mut bad = good.clone();
        bad[at] ^= 1;
        shop.write("bad.installation", &bad);
        let ran = shop.sealift(&IMPORT.replace("shop.installation", "bad.installation"));
        assert!(matches!(ran.exit, Some(3 | 4)), "byte {at}: {ran:#?}");
    }
    for end in [0, 1, 511, 512, 700, good.len() / 2, good.len() - 1024, good.len() - 1] {
        shop.write("bad.installation", &good[..end]);
        let ran = shop.sealift(&IMPORT.replace("shop.installation", "bad.installation"));
        assert!(matches!(ran.exit, Some(4)), "cut to {end}: {ran:#?}");
    }
    shop.write("bad.installation", &[good.as_slice(), b"x"].concat());
    shop.sealift(&IMPORT.replace("shop.installation", "bad.installation")).refused(4, "E-TRAILING", &[]);
    assert!(!shop.path("there").exists());
}

#[test]
fn the_version_must_be_there_by_its_digest() {
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    fs::remove_dir_all(shop.path("other")).unwrap();
    // A site that holds another version alone.
    shop.edit("1.0.0", "2.0.0");
    shop.sealift("pack sealift.yaml -o two.sealift --key vendor.pem").ok();
    shop.sealift("import two.sealift --key vendor.pub --site other").ok();
    shop.refuses(IMPORT, 6, "E-NOT-FOUND", &["shop:1.0.0", "sha256:", "sealift import"]);
    shop.sealift("import shop.sealift --key vendor.pub --site other").ok();
    shop.sealift(IMPORT).ok();
}

#[test]
fn an_installation_that_is_there_is_not_written_over() {
    let (shop, export) = moved();
    shop.sealift(&export).ok();
    shop.refuses(&export, 6, "E-EXISTS", &["shop.installation"]);
    shop.sealift(IMPORT).ok();
    shop.refuses(IMPORT, 6, "E-EXISTS", &["1.0.0", "guests"]);
    shop.sealift("uninstall shop --site other -n guests --keep-data").ok();
    shop.sealift(IMPORT).ok();
    assert_eq!(manifests(&shop, "out", "team"), manifests(&shop, "there", "guests"));
}

#[test]
fn what_cannot_be_exported_is_refused_before_anything_is_written() {
    let (shop, export) = moved();
    shop.refuses(&export.replace("-n team", "-n nobody --target dir:out2"), 6, "E-NOT-INSTALLED", &["nobody"]);
    shop.refuses(&format!("{export} --data --helper-image x"), 2, "E-USAGE", &["folder of manifests"]);
    let (before, _) = export.split_once(" --encrypt-to").unwrap();
    shop.refuses(&format!("{before} --encrypt-to age1nobody"), 2, "E-USAGE", &["age1nobody", "age-keygen"]);
    assert!(!shop.path("shop.installation").exists());
}
