//! What each client is given, against files that were read by people. `UPDATE=1 cargo test -p registry-lite --test mirrors` writes
//! them anew; that real clients take them is tested in `serve`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use registry_lite::mirrors::{
    CaCertificates, ClientKind, Configuration, Login, Mirror, Mode, Place, RegistryHost, configuration,
};

const CA: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBszCCAVmgAwIBAgIUAAAAAAAAAAAAAAAAAAAAAAAAAAAwCgYIKoZIzj0EAwIw\n\
    ETEPMA0GA1UEAwwGbWlycm9y\n\
    -----END CERTIFICATE-----\n";

/// All that has to be escaped somewhere.
const PASSWORD: &str = r#"p"\#: '{}"#;

fn registries(hosts: &[&str]) -> BTreeSet<RegistryHost> {
    hosts.iter().map(|host| host.parse().unwrap()).collect()
}

fn usual() -> BTreeSet<RegistryHost> {
    registries(&["docker.io", "quay.io", "localhost:5000"])
}

fn plain() -> Mirror {
    "http://10.0.0.5:5000".parse().unwrap()
}

/// A mirror with everything.
fn secured() -> Mirror {
    let mirror: Mirror = "https://mirror.site:5000".parse().unwrap();
    let ca = CaCertificates::from_pem(CA.as_bytes()).unwrap();
    mirror.trusting(ca).unwrap().as_user(Login::new("node", PASSWORD).unwrap())
}

fn shown(why: &str, configuration: &Configuration) -> String {
    let mut text = format!("######## {why}\n");
    for file in &configuration.files {
        text.push_str(&format!("==== {} {:04o}\n{}", file.place, file.mode.bits(), file.content));
    }
    for (what, lines) in [("step", &configuration.steps), ("note", &configuration.notes)] {
        for line in lines {
            text.push_str(&format!("{what}: {line}\n"));
        }
    }
    text
}

#[test]
fn every_client_is_given_what_was_read_before() {
    for client in ClientKind::ALL {
        let now = shown("plain http", &configuration(client, &plain(), &usual()))
            + "\n"
            + &shown("https, an authority of the site, a login", &configuration(client, &secured(), &usual()));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/mirrors/{client}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &now).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == now, "{} is not what is given now:\n{now}", path.display());
    }
}

/// The one file of a client whose name ends so.
fn file(client: ClientKind, mirror: &Mirror, end: &str) -> String {
    let files = configuration(client, mirror, &usual()).files;
    files.into_iter().find(|file| file.place.relative().ends_with(end)).unwrap().content
}

fn yaml(text: &str) -> serde_json::Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn what_is_yaml_says_what_is_meant() {
    for mirror in [plain(), secured()] {
        for (client, end, root) in [
            (ClientKind::K3s, "registries.yaml", ""),
            (ClientKind::Rke2, "registries.yaml", ""),
            (ClientKind::Talos, "talos-registries.yaml", "/machine/registries"),
        ] {
            let document = yaml(&file(client, &mirror, end));
            let registries = document.pointer(root).unwrap();
            let mirrors: Vec<&String> = registries["mirrors"].as_object().unwrap().keys().collect();
            let own = mirror.authority().to_owned();
            let mut expected = vec!["docker.io", "quay.io", "localhost:5000", &own];
            expected.sort_unstable();
            assert_eq!(mirrors, expected, "{client}: every registry, and no wildcard");
            let (endpoint, configs) = match client {
                ClientKind::Talos => ("endpoints", "config"),
                _ => ("endpoint", "configs"),
            };
            assert_eq!(registries["mirrors"]["localhost:5000"][endpoint][0], mirror.url(), "{client}");
            let auth = &registries[configs][mirror.authority()]["auth"];
            match mirror.login() {
                Some(_) => assert_eq!((&auth["username"], &auth["password"]), (&"node".into(), &PASSWORD.into())),
                None => assert!(registries.get(configs).is_none(), "{client}"),
            }
        }
    }
}

#[test]
fn what_is_json_says_what_is_meant() {
    let daemon: serde_json::Value =
        serde_json::from_str(&file(ClientKind::Docker, &plain(), "docker/daemon.json")).unwrap();
    let expected =
        serde_json::json!({"registry-mirrors": ["http://10.0.0.5:5000"], "insecure-registries": ["10.0.0.5:5000"]});
    assert_eq!(daemon, expected);
    for client in [ClientKind::Podman, ClientKind::Crio] {
        let auth: serde_json::Value = serde_json::from_str(&file(client, &secured(), "auth.json")).unwrap();
        assert_eq!(auth["auths"]["mirror.site:5000"]["auth"], "bm9kZTpwIlwjOiAne30=", "{client}: user:password");
    }
}

#[test]
fn docker_is_told_of_a_mirror_only_where_it_would_use_it() {
    let configuration = configuration(ClientKind::Docker, &secured(), &registries(&["quay.io"]));
    let paths: Vec<&str> = configuration.files.iter().map(|file| file.place.relative()).collect();
    assert_eq!(paths, ["etc/docker/certs.d/mirror.site:5000/ca.crt"]);
    assert!(configuration.notes.iter().any(|note| note.contains("quay.io")), "{configuration:?}");
}

#[test]
fn a_registry_that_is_the_mirror_itself_is_not_sent_into_a_folder_of_its_own() {
    let mirror: Mirror = "http://localhost:5000".parse().unwrap();
    for client in [ClientKind::Podman, ClientKind::Crio] {
        let files = configuration(client, &mirror, &usual()).files;
        assert!(!files[0].content.contains("localhost_5000"), "{}", files[0].content);
        assert_eq!(files[0].content.matches("prefix = \"localhost:5000\"").count(), 1, "{}", files[0].content);
    }
    let files = configuration(ClientKind::Containerd, &mirror, &usual()).files;
    let folders: BTreeSet<&str> = files.iter().map(|file| file.place.relative()).collect();
    assert_eq!(folders.len(), files.len(), "no file twice: {folders:?}");
}

#[test]
fn only_files_with_the_login_are_secret_and_all_of_those_are() {
    for client in ClientKind::ALL {
        for file in configuration(client, &secured(), &usual()).files {
            let has_login = ["bm9kZTpw", "username"].iter().any(|text| file.content.contains(text));
            assert_eq!(file.mode == Mode::Secret, has_login, "{client}: {}", file.place);
        }
        assert!(configuration(client, &plain(), &usual()).files.iter().all(|file| file.mode == Mode::Public));
    }
}

#[test]
fn no_host_leads_out_of_the_folder_that_files_are_written_to() {
    let hosts = registries(&["a.b", "a-b.c:1", "127.0.0.1:65535", "localhost"]);
    for client in ClientKind::ALL {
        for file in configuration(client, &secured(), &hosts).files {
            if let Place::Node(path) = &file.place {
                assert!(path.starts_with("/etc/") || path.starts_with("/root/"), "{path}");
            }
            let plain = |part: &str| !matches!(part, "" | "." | "..");
            assert!(file.place.relative().split('/').all(plain), "{client}: {}", file.place);
        }
    }
}
