//! The check that asks as clients do: it sends what they send, is content with the server, and sees what a proxy breaks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use registry_lite::client::check::{Depth, Manner, Wanted};
use registry_lite::client::{ClientOptions, CredentialSource, Registry, Scheme};
use registry_lite::mirrors::{ClientKind, configuration};
use tempfile::TempDir;
use testdata::Image;

use crate::clients::{have, run, skip};
use crate::containerd::Containerd;
use crate::nginx::{Front, LOGIN, Nginx};
use crate::site::Usual;

const MANNERS: [Manner; 3] = [Manner::Namespace, Manner::Path, Manner::Hub];

fn connect(host: &str, options: ClientOptions) -> Registry {
    Registry::connect(host, &options).unwrap()
}

fn anonymous(host: &str) -> Registry {
    let credentials = CredentialSource::Anonymous;
    connect(host, ClientOptions { scheme: Scheme::Http, credentials, ..ClientOptions::default() })
}

fn wanted(name: &str, image: Option<&Image>) -> Wanted {
    Wanted { image: name.parse().unwrap(), digest: image.map(|image| image.root().digest) }
}

fn all(usual: &Usual) -> Vec<Wanted> {
    let by_digest = format!("quay.io/plain/app@{}", usual.plain.root().digest);
    vec![
        wanted("docker.io/library/nginx:1.25", Some(&usual.nginx)),
        wanted("quay.io/plain/app:1", Some(&usual.plain)),
        wanted("localhost:5000/shop/web:2", Some(&usual.port)),
        wanted("ghcr.io/sparse/tool:3", Some(&usual.sparse)),
        wanted(&by_digest, None),
    ]
}

#[test]
fn nothing_is_wrong_with_the_server() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let registry = anonymous(&server.address.to_string());
    registry.answers().unwrap();
    for manner in MANNERS {
        for wanted in all(&usual) {
            for depth in [Depth::Part, Depth::Full] {
                let passed = registry.check(manner, &wanted, depth).unwrap_or_else(|e| panic!("{manner:?} {e}"));
                assert!(passed.requests >= 7 && passed.bytes > 1000, "{manner:?} {wanted:?}: {passed:?}");
            }
        }
    }
    assert!(server.events().is_empty(), "{:?}", server.events());
}

#[test]
fn a_name_that_stands_for_something_else_than_was_delivered_is_wrong() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let registry = anonymous(&server.address.to_string());
    let other = wanted("quay.io/plain/app:1", Some(&usual.nginx));
    let absent = wanted("quay.io/plain/app:2", None);
    for manner in MANNERS {
        let problem = registry.check(manner, &other, Depth::Part).unwrap_err().to_string();
        assert!(problem.contains(&usual.plain.root().digest.to_string()), "{problem}");
        let problem = registry.check(manner, &absent, Depth::Part).unwrap_err().to_string();
        assert!(problem.contains("manifests/2") && problem.contains("404"), "{problem}");
    }
}

#[test]
fn what_nginx_may_do_and_what_it_may_not_is_told_apart() {
    if !have(&["nginx", "openssl"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let compress = "gzip on; gzip_min_length 0; gzip_proxied any; gzip_types *;";
    for (why, directives, fault) in [
        ("it passes on", "", None),
        ("it compresses", compress, Some("Content-Encoding: gzip")),
        (
            "it takes ranges away",
            "max_ranges 0; proxy_set_header Range '';",
            Some("status 206 was expected, not status 200"),
        ),
        (
            "it has its own page for what is not there",
            "error_page 404 =200 /v2/;",
            Some("status 404 was expected, not status 200"),
        ),
        ("it makes 404 a 502", "error_page 404 =502 /v2/;", Some("status 404 was expected, not status 502")),
        (
            "it changes the type",
            "proxy_hide_header Content-Type; add_header Content-Type text/html;",
            Some("Content-Type is \"text/html\""),
        ),
    ] {
        // `error_page` takes over only what nginx is told to look at.
        let directives: &'static str = format!("{directives} proxy_intercept_errors on;").leak();
        let nginx = Nginx::start(&server, &Front { directives, ..Front::default() });
        let registry = anonymous(&nginx.host());
        for manner in MANNERS {
            let outcome = registry.check(manner, &wanted("docker.io/library/nginx:1.25", None), Depth::Part);
            match (outcome, fault) {
                (Ok(_), None) => {}
                (Err(problem), Some(fault)) => {
                    assert!(problem.to_string().contains(fault), "{why}, {manner:?}: {problem}");
                    assert!(!problem.fault.meaning().is_empty());
                }
                (outcome, _) => panic!("{why}, {manner:?}: {outcome:?}"),
            }
        }
    }
}

#[test]
fn a_login_over_tls_is_checked_as_the_clients_log_in() {
    if !have(&["nginx", "openssl"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let nginx = Nginx::start(&server, &Front { secured: true, ..Front::default() });
    let mirror = format!("https://{}", nginx.host()).parse::<registry_lite::mirrors::Mirror>().unwrap();
    let mirror = mirror.as_user(registry_lite::mirrors::Login::new(LOGIN.0, LOGIN.1).unwrap());
    let files = configuration(ClientKind::Podman, &mirror, &BTreeSet::new()).files;
    let logins = nginx.path("auth.json");
    fs::write(&logins, &files.last().unwrap().content).unwrap();
    let options = ClientOptions {
        scheme: Scheme::Https,
        ca: vec![nginx.path("ca.pem")],
        credentials: CredentialSource::AuthFile(logins),
        ..ClientOptions::default()
    };
    let registry = connect(&nginx.host(), options.clone());
    for manner in MANNERS {
        registry.check(manner, &wanted("quay.io/plain/app:1", None), Depth::Full).unwrap();
    }
    let stranger = ClientOptions { credentials: CredentialSource::Anonymous, ..options };
    let refused = connect(&nginx.host(), stranger).answers().unwrap_err().to_string();
    assert!(refused.contains("401"), "{refused}");
}

/// What goes over the wire, without ranges, and without the TLS that skopeo tries first.
fn wire(nginx: &Nginx) -> BTreeSet<String> {
    nginx.requests().into_iter().filter(|line| line.ends_with("|-") && !line.starts_with("- ")).collect()
}

/// Runs the check, and gives what it sends.
fn checked(nginx: &Nginx, manner: Manner, name: &str) -> BTreeSet<String> {
    nginx.requests();
    anonymous(&nginx.host()).check(manner, &wanted(name, None), Depth::Full).unwrap();
    wire(nginx)
}

#[test]
fn the_check_sends_what_containerd_sends() {
    if !have(&["containerd", "ctr", "nginx"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let nginx = Nginx::start(&server, &Front::default());
    let mirror = format!("http://{}", nginx.host()).parse().unwrap();
    let registries = ["docker.io", "localhost:5000"].iter().map(|host| host.parse().unwrap()).collect();
    let write = |folder: &Path| {
        for file in configuration(ClientKind::Containerd, &mirror, &registries).files {
            let path = folder.join(file.place.relative().trim_start_matches("etc/containerd/certs.d/"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file.content).unwrap();
        }
    };
    let containerd = match Containerd::with_hosts(write) {
        Ok(containerd) => containerd,
        Err(why) => return skip(&format!("containerd cannot be started here: {why}")),
    };
    for name in ["docker.io/library/nginx:1.25", "localhost:5000/shop/web:2"] {
        nginx.requests();
        run(&mut containerd.fetch(name));
        let sent = wire(&nginx);
        let ours = checked(&nginx, Manner::Namespace, name);
        assert!(sent.len() >= 5 && sent.is_subset(&ours), "containerd sends {sent:#?}\nwe send {ours:#?}");
    }
}

#[test]
fn the_check_sends_what_skopeo_sends() {
    if !have(&["skopeo", "nginx"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let nginx = Nginx::start(&server, &Front::default());
    let mirror = format!("http://{}", nginx.host()).parse().unwrap();
    let registries = ["docker.io", "localhost:5000"].iter().map(|host| host.parse().unwrap()).collect();
    let dir = TempDir::new().unwrap();
    let conf = dir.path().join("registries.conf");
    fs::write(&conf, &configuration(ClientKind::Podman, &mirror, &registries).files[0].content).unwrap();
    for name in ["docker.io/library/nginx:1.25", "localhost:5000/shop/web:2"] {
        let to = TempDir::new().unwrap();
        nginx.requests();
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--insecure-policy", "--override-os=linux", "--override-arch=amd64"]);
        skopeo.arg("--registries-conf").arg(&conf).args(["copy", "-q"]);
        run(skopeo.arg(format!("docker://{name}")).arg(format!("dir:{}", to.path().join("copy").display())));
        let sent = wire(&nginx);
        let ours = checked(&nginx, Manner::Path, name);
        assert!(sent.len() >= 5 && sent.is_subset(&ours), "skopeo sends {sent:#?}\nwe send {ours:#?}");
    }
}
