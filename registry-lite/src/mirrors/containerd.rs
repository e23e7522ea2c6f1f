//! containerd: one folder for each registry below the `config_path` (containerd's hosts.md).

use bundle_format::reference::mirror_host;

use super::{ConfigFile, Mirror, Parts, RegistryHost, owned, public, quoted, with_login};

/// Where `config_path` usually points.
const FOLDER: &str = "/etc/containerd/certs.d";

pub(super) fn files(mirror: &Mirror, registries: &[&RegistryHost]) -> Parts {
    let names = registries.iter().map(|host| host.as_str()).chain([mirror.authority()]);
    let files = names.flat_map(|name| folder(mirror, name)).collect();
    let steps = owned(&[
        "containerd reads these files at every pull: no restart",
        "if config_path is not set yet, set it in /etc/containerd/config.toml to \"/etc/containerd/certs.d\" and restart containerd; \
         containerd 1.x: [plugins.\"io.containerd.grpc.v1.cri\".registry], 2.x: [plugins.\"io.containerd.cri.v1.images\".registry]",
    ]);
    let notes = owned(&[
        "mirrors that stand in config.toml itself (registry.mirrors, registry.configs) do not go together with config_path: remove them",
        "config_path must be this one folder: containerd 2 ignores a list of folders parted by colons when the transfer service pulls",
        "ctr reads no config.toml: ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d NAME",
        "an image of any other registry still goes to that registry",
    ]);
    (files, steps, notes)
}

/// The folder of the registry `name`. A port is spelled `host_5000_`, which every version finds and every file system takes.
fn folder(mirror: &Mirror, name: &str) -> Vec<ConfigFile> {
    let folder = match name.contains(':') {
        true => format!("{FOLDER}/{}_", mirror_host(name)),
        false => format!("{FOLDER}/{name}"),
    };
    let url = quoted(&mirror.url());
    let ca = mirror.ca().map(|_| "ca = \"ca.crt\"\n").unwrap_or_default();
    let authorization = mirror.login().map(|login| quoted(&format!("Basic {}", login.basic())));
    // Both: containerd 1.6 takes no notice of `server` alone, and without `server` what is missing here is asked for at the
    // original registry. Both need what it takes to be let in: a missing image is asked for at both.
    let mut text = format!("# Images of {name} are pulled from {}, and from nowhere else.\n", mirror.url());
    text.push_str(&format!("server = {url}\n{ca}"));
    if let Some(authorization) = &authorization {
        text.push_str(&format!("\n[header]\n  Authorization = {authorization}\n"));
    }
    text.push_str(&format!("\n[host.{url}]\n  capabilities = [\"pull\", \"resolve\"]\n  dial_timeout = \"1s\"\n"));
    if !ca.is_empty() {
        text.push_str(&format!("  {ca}"));
    }
    if let Some(authorization) = &authorization {
        text.push_str(&format!("  [host.{url}.header]\n    Authorization = {authorization}\n"));
    }
    let mut files = vec![with_login(format!("{folder}/hosts.toml"), text, mirror)];
    files.extend(mirror.ca().map(|ca| public(format!("{folder}/ca.crt"), ca.to_pem())));
    files
}
