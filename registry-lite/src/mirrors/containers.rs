//! podman, buildah, skopeo and CRI-O: one table for each registry (containers-registries.conf(5), containers-certs.d(5),
//! containers-auth.json(5)).

use bundle_format::reference::mirror_host;

use super::{ConfigFile, Mirror, Parts, RegistryHost, owned, public, quoted, with_login};

const CONF: &str = "/etc/containers/registries.conf.d/050-sealift.conf";
const PODMAN_LOGINS: &str = "/root/.config/containers/auth.json";
const CRIO_LOGINS: &str = "/etc/crio/sealift-auth.json";

pub(super) fn podman(mirror: &Mirror, registries: &[&RegistryHost]) -> Parts {
    let mut files = shared(mirror, registries);
    let mut notes = shared_notes();
    if mirror.login().is_some() {
        files.push(logins(mirror, PODMAN_LOGINS));
        notes.push(format!(
            "{PODMAN_LOGINS} is root's file of logins: add to it what it holds already; other users: podman login {}",
            mirror.authority()
        ));
    }
    (files, owned(&["podman, buildah and skopeo read these files at every run: nothing is to be restarted"]), notes)
}

pub(super) fn crio(mirror: &Mirror, registries: &[&RegistryHost]) -> Parts {
    let mut files = shared(mirror, registries);
    let mut steps = owned(&["systemctl reload crio"]);
    let mut notes = shared_notes();
    if mirror.login().is_some() {
        files.push(logins(mirror, CRIO_LOGINS));
        let conf = format!("[crio.image]\nglobal_auth_file = {}\n", quoted(CRIO_LOGINS));
        files.push(public("/etc/crio/crio.conf.d/50-sealift.conf".to_owned(), conf));
        steps = owned(&["systemctl restart crio"]);
        notes.push("global_auth_file replaces one that is set elsewhere: carry its logins over".to_owned());
    }
    (files, steps, notes)
}

fn shared_notes() -> Vec<String> {
    owned(&[
        "there is no fallback, and no wildcard for all registries: an image of any other registry still goes to that registry",
        "a [[registry]] table with the same prefix in another file decides if that file is read later (they are read in the order of \
         their names, registries.conf first)",
        "a registries.conf in the old format ([registries.search], version 1) must be converted first: the two do not go together",
    ])
}

/// `location` with the registry in its path and no table of mirrors: those would leave the original registry as the last
/// resort, and its name to be waited for.
fn shared(mirror: &Mirror, registries: &[&RegistryHost]) -> Vec<ConfigFile> {
    let insecure = if mirror.is_secure() { "" } else { "insecure = true\n" };
    let table = |prefix: &str, location: &str| {
        format!("\n[[registry]]\nprefix = {}\nlocation = {}\n{insecure}", quoted(prefix), quoted(location))
    };
    let mut text = format!("# Images of these registries are pulled from {}, and from nowhere else.\n", mirror.url());
    for host in registries {
        text.push_str(&table(host.as_str(), &format!("{}/{}", mirror.authority(), mirror_host(host.as_str()))));
    }
    if !mirror.is_secure() {
        text.push_str(&table(mirror.authority(), mirror.authority()));
    }
    let mut files = vec![public(CONF.to_owned(), text)];
    let ca = |ca: &super::CaCertificates| {
        public(format!("/etc/containers/certs.d/{}/ca.crt", mirror.authority()), ca.to_pem())
    };
    files.extend(mirror.ca().map(ca));
    files
}

fn logins(mirror: &Mirror, path: &str) -> ConfigFile {
    let basic = mirror.login().map(super::Login::basic).unwrap_or_default();
    let text = format!(
        "{{\n  \"auths\": {{\n    {}: {{ \"auth\": {} }}\n  }}\n}}\n",
        quoted(mirror.authority()),
        quoted(&basic)
    );
    with_login(path.to_owned(), text, mirror)
}
