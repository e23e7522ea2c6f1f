//! Docker's engine: it mirrors Docker Hub and nothing else ("only the central Hub can be mirrored").

use super::{Mirror, Parts, RegistryHost, public, quoted};

pub(super) fn files(mirror: &Mirror, registries: &[&RegistryHost]) -> Parts {
    let authority = mirror.authority();
    let hub = registries.iter().any(|host| host.as_str() == "docker.io");
    let mut members = Vec::new();
    if hub {
        members.push(format!("  \"registry-mirrors\": [{}]", quoted(&mirror.url())));
    }
    if !mirror.is_secure() {
        members.push(format!("  \"insecure-registries\": [{}]", quoted(authority)));
    }
    let (mut files, mut steps, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    if !members.is_empty() {
        files.push(public("/etc/docker/daemon.json".to_owned(), format!("{{\n{}\n}}\n", members.join(",\n"))));
        steps.push("systemctl restart docker".to_owned());
        notes.push("a daemon.json that is there already must be merged by hand: it is one file".to_owned());
    }
    files.extend(mirror.ca().map(|ca| public(format!("/etc/docker/certs.d/{authority}/ca.crt"), ca.to_pem())));
    if hub {
        notes.push("docker tries Docker Hub itself after the mirror, and that cannot be switched off".to_owned());
    }
    if mirror.login().is_some() {
        steps.push(format!("docker login {authority}, as every user who pulls: docker keeps logins for itself"));
        if hub {
            notes.push(
                "docker sends no login to a mirror of Docker Hub: with a login, pull images of docker.io by path too"
                    .to_owned(),
            );
        }
    }
    let others: Vec<&str> = registries.iter().map(|host| host.as_str()).filter(|host| *host != "docker.io").collect();
    if !others.is_empty() {
        notes.push(format!(
            "docker has mirrors for docker.io only; for {}: docker pull {authority}/HOST/NAME:TAG (a port's colon is an underscore: \
             localhost_5000/…), then docker tag to the original name",
            others.join(", ")
        ));
    }
    (files, steps, notes)
}
