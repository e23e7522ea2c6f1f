//! k3s and RKE2: `registries.yaml` (their documentation, "Private Registry Configuration").

use super::{Mirror, Parts, RegistryHost, owned, public, quoted, with_login};

/// What differs between the two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flavour {
    name: &'static str,
    /// What serves the two kinds of nodes.
    services: [&'static str; 2],
    /// The first versions that can leave the original registries out.
    since: &'static str,
}

impl Flavour {
    pub(super) const K3S: Self = Self {
        name: "k3s",
        services: ["k3s", "k3s-agent"],
        since: "k3s of January 2024 and later: 1.26.13, 1.27.10, 1.28.6, 1.29.1",
    };
    pub(super) const RKE2: Self =
        Self { name: "rke2", services: ["rke2-server", "rke2-agent"], since: "RKE2 of 2024 and later" };
}

pub(super) fn files(flavour: Flavour, mirror: &Mirror, registries: &[&RegistryHost]) -> Parts {
    let folder = format!("/etc/rancher/{}", flavour.name);
    let ca_file = format!("{folder}/sealift-mirror-ca.crt");
    let mut text = format!("# Images of these registries are pulled from {}.\nmirrors:\n", mirror.url());
    for name in registries.iter().map(|host| host.as_str()).chain([mirror.authority()]) {
        text.push_str(&format!("  {}:\n    endpoint:\n      - {}\n", quoted(name), quoted(&mirror.url())));
    }
    if mirror.ca().is_some() || mirror.login().is_some() {
        text.push_str(&format!("configs:\n  {}:\n", quoted(mirror.authority())));
    }
    if let Some(login) = mirror.login() {
        let (user, password) = (quoted(login.user()), quoted(login.password()));
        text.push_str(&format!("    auth:\n      username: {user}\n      password: {password}\n"));
    }
    if mirror.ca().is_some() {
        text.push_str(&format!("    tls:\n      ca_file: {}\n", quoted(&ca_file)));
    }
    let mut files = vec![with_login(format!("{folder}/registries.yaml"), text, mirror)];
    files.extend(mirror.ca().map(|ca| public(ca_file, ca.to_pem())));
    let [server, agent] = flavour.services;
    let steps = vec![format!(
        "on every node, servers and agents alike: systemctl restart {server} (or {agent}); the file is read at the start only"
    )];
    let mut notes = vec![format!(
        "the original registries are tried last, and the events of a pod name only that last try; to leave them out: \
         `disable-default-registry-endpoint: true` in {folder}/config.yaml ({}; an older one does not know it)",
        flavour.since
    )];
    notes.extend(owned(&["a registries.yaml that is there already must be merged by hand: it is one file"]));
    (files, steps, notes)
}
