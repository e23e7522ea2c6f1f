//! Talos: a patch of the machine configuration (`machine.registries`). Talos 1.12 has documents of their own for this
//! (`RegistryMirrorConfig`), which older versions do not know; it still takes the patch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ConfigFile, Mirror, Mode, Parts, Place, RegistryHost, owned, quoted};

const PATCH: &str = "talos-registries.yaml";

pub(super) fn files(mirror: &Mirror, registries: &[&RegistryHost]) -> Parts {
    let mut text = format!("# Images of these registries are pulled from {}, and from nowhere else.\n", mirror.url());
    text.push_str("machine:\n  registries:\n    mirrors:\n");
    for name in registries.iter().map(|host| host.as_str()).chain([mirror.authority()]) {
        text.push_str(&format!("      {}:\n        endpoints:\n          - {}\n", quoted(name), quoted(&mirror.url())));
        text.push_str("        skipFallback: true\n");
    }
    if mirror.ca().is_some() || mirror.login().is_some() {
        text.push_str(&format!("    config:\n      {}:\n", quoted(mirror.authority())));
    }
    if let Some(login) = mirror.login() {
        let (user, password) = (quoted(login.user()), quoted(login.password()));
        text.push_str(&format!("        auth:\n          username: {user}\n          password: {password}\n"));
    }
    if let Some(ca) = mirror.ca() {
        text.push_str(&format!("        tls:\n          ca: {}\n", quoted(&STANDARD.encode(ca.to_pem()))));
    }
    let mode = if mirror.login().is_some() { Mode::Secret } else { Mode::Public };
    let files = vec![ConfigFile { place: Place::Tool(PATCH.to_owned()), content: text, mode }];
    let mut steps = vec![
        format!(
            "talosctl patch machineconfig --nodes NODE,… --patch @{PATCH}; new nodes: talosctl gen config … --config-patch @{PATCH}"
        ),
        "Talos applies it without a reboot".to_owned(),
    ];
    if mirror.login().is_some() {
        steps.push("the login alone is taken up at the next start of a node: talosctl reboot --nodes NODE".to_owned());
    }
    let mut notes = owned(&[
        "skipFallback is known to Talos 1.9 and later: delete those lines for an older one, which then tries the original registries last",
        "Talos 1.12 and later have documents of kind RegistryMirrorConfig for the same; they still take this patch, as every older version does",
    ]);
    if !mirror.is_secure() {
        notes.push("the installer's own image is pulled over https only: serve it over TLS, or upgrade from an image that has it".to_owned());
    }
    (files, steps, notes)
}
