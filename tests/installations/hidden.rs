//! Values of Secrets that come with manifests, or from the site, are shown to nobody.

use std::fs;

use age::secrecy::ExposeSecret as _;

use crate::cloud::{Cloud, ON, decision};

const HIDDEN: [&str; 3] = ["of-the-vendor-once", "of-the-vendor-now", "of-the-site"];

/// The cloud shop with a Secret in its manifests, installed with a value of the site's.
fn with_secret() -> Cloud {
    let cloud = Cloud::new();
    for (version, token) in [("v2", HIDDEN[0]), ("v3", HIDDEN[1])] {
        let notice = cloud.path(&format!("{version}/k8s/notice.yaml"));
        let secret = format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: cloud-key }}\nstringData: {{ token: {token}, user: shop }}\n"
        );
        fs::write(&notice, fs::read_to_string(&notice).unwrap() + &secret).unwrap();
        _ = fs::remove_file(cloud.path(&format!("{version}.sealift")));
    }
    cloud.deliver("v2");
    fs::write(
        cloud.path("site.yaml"),
        format!("object/Secret/cloud-key: {{ stringData: {{ token: {} }} }}\n", HIDDEN[2]),
    )
    .unwrap();
    cloud
}

fn is_silent(what: &str, text: &str) {
    for value in HIDDEN {
        assert!(!text.contains(value), "{what} shows {value}: {text}");
    }
}

#[test]
fn plans_reports_and_status_show_the_keys_of_secrets_and_no_value() {
    let cloud = with_secret();
    for verb in ["plan cloud --to 2.0.0", "install cloud:2.0.0 --dry-run", "install cloud:2.0.0"] {
        let said = cloud.on(&format!("{verb} --values site.yaml"));
        is_silent(verb, &(said.stdout + &said.stderr));
    }
    assert!(cloud.contents().iter().any(|(_, text)| text.contains(HIDDEN[2])), "it is applied all the same");
    cloud.deliver("v3");
    let plan = cloud.json("plan cloud");
    is_silent("plan --json", &plan.to_string());
    let decided = decision(&plan, "object/Secret/cloud-key");
    let token = |field: &str| decided[field]["stringData"]["token"].clone();
    assert_eq!([token("old"), token("new"), token("site")], ["(hidden 1)", "(hidden 2)", "(hidden 3)"]);
    assert_eq!(decided["old"]["stringData"]["user"], "(hidden)");
    let said = cloud.on("plan cloud");
    assert!(said.stdout.contains("/stringData/token"), "that it differs is shown: {}", said.stdout);
    is_silent("plan", &(said.stdout + &said.stderr));
    let status = cloud.json("status cloud");
    is_silent("status --json", &status.to_string());
    let site = status["site"].as_array().unwrap();
    let value = site.iter().find(|v| v["path"] == "object/Secret/cloud-key").unwrap();
    assert_eq!(value["value"]["stringData"]["token"], "(hidden)", "{status:#}");
    for verb in ["status cloud", "upgrade cloud --json", "rollback cloud", "history cloud --json"] {
        let said = cloud.on(verb);
        is_silent(verb, &(said.stdout + &said.stderr));
    }
}

#[test]
fn an_export_carries_the_values_of_secrets_encrypted() {
    let cloud = with_secret();
    cloud.on("install cloud:2.0.0 --values site.yaml --set auth.env.LOG_LEVEL=trace");
    cloud.ok("keygen -q --no-passphrase -o here");
    let identity = age::x25519::Identity::generate();
    fs::write(cloud.path("identity.txt"), identity.to_string().expose_secret()).unwrap();
    let said = cloud.ok(&format!(
        "export-installation cloud {ON} -o cloud.installation --key here.pem --encrypt-to {} --json",
        identity.to_public()
    ));
    is_silent("the report", &(said.stdout.clone() + &said.stderr));
    let secrets = said.json()["secrets"].to_string();
    assert!(secrets.contains("object/Secret/cloud-key"), "{secrets}");
    is_silent("the file", &String::from_utf8_lossy(&fs::read(cloud.path("cloud.installation")).unwrap()));

    let import = "import-installation cloud.installation --key here.pub --identity identity.txt --site site -n guests --target dir:there";
    let said = cloud.ok(import);
    is_silent("the import", &(said.stdout + &said.stderr));
    let there: String = fs::read_dir(cloud.path("there"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert!(there.contains(HIDDEN[2]) && there.contains("trace"), "values of the site go along");
}
