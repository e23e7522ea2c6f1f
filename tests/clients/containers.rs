//! The tools of containers/image: skopeo, podman, buildah.

use std::fs;
use std::process::Command;

use crate::common::{have, output, skip};
use crate::transcript::Transcript;
use crate::{Served, digest_of_layout, version};

/// A line of `tool` that keeps its storage in the shop's folder `storage`.
fn stored(served: &Served, tool: &str, line: &str) -> Command {
    let mut command = Command::new(tool);
    served.shop.prepare(&mut command);
    let folder = |name: &str| served.shop.path("storage").join(name);
    command.arg("--root").arg(folder("root")).arg("--runroot").arg(folder("run")).arg("--storage-driver=vfs");
    if tool == "podman" {
        command.args(["--cgroup-manager=cgroupfs", "--events-backend=file"]);
    }
    command.env("CONTAINERS_REGISTRIES_CONF", served.shop.path("registries.conf"));
    command.args(line.split_whitespace());
    command
}

fn configured() -> Served {
    let served = Served::new();
    served.shop.write("registries.conf", b"unqualified-search-registries = []\n");
    served.shop.write("policy.json", br#"{"default":[{"type":"insecureAcceptAnything"}]}"#);
    served
}

#[test]
fn skopeo_pushes_pulls_lists_and_deletes() {
    if !have(&["skopeo"]) {
        return;
    }
    let served = configured();
    let (image, host) = (served.layout(), served.host());
    let mut transcript = Transcript::new(&[version("skopeo")], &host);
    let mut step = |what: &str, line: String| {
        let printed = served.shop.run(&line);
        transcript.add(what, &served.proxy.take(), false);
        printed
    };
    let to = format!("docker://{host}/team/app:1");
    let copy = "skopeo copy -q --insecure-policy --preserve-digests";
    step("push", format!("{copy} --dest-tls-verify=false oci:layout:it {to}"));
    step("push again", format!("{copy} --dest-tls-verify=false oci:layout:it {to}"));
    let elsewhere = format!("docker://{host}/docker.io/team/copy:1");
    let both = "--src-tls-verify=false --dest-tls-verify=false";
    step("copy within the registry", format!("{copy} {both} {to} {elsewhere}"));
    step("pull", format!("{copy} --src-tls-verify=false {to} oci:back:it"));
    assert_eq!(digest_of_layout(&served.shop.path("back")), image.root().digest.to_string());
    let tags = step("list", format!("skopeo list-tags --tls-verify=false docker://{host}/team/app"));
    assert!(String::from_utf8(tags).unwrap().contains("\"1\""));
    step("delete", format!("skopeo delete --tls-verify=false {to}"));
    transcript.check("skopeo.txt");
}

#[test]
fn podman_pulls_pushes_and_pulls_back() {
    if !have(&["podman", "skopeo"]) {
        return;
    }
    let served = configured();
    if let Err(why) = works(&mut stored(&served, "podman", "info")) {
        return skip(&format!("podman does not work here: {why}"));
    }
    served.layout();
    let host = served.host();
    let to = format!("docker://{host}/team/app:1");
    served.shop.run(&format!("skopeo copy -q --insecure-policy --dest-tls-verify=false oci:layout:it {to}"));
    served.proxy.take();
    let mut transcript = Transcript::new(&[version("podman")], &host);
    let policy = served.shop.path("policy.json").display().to_string();
    let mut step = |what: &str, line: &str| {
        output(&mut stored(&served, "podman", line));
        transcript.add(what, &served.proxy.take(), false);
    };
    let arguments = format!("--quiet --tls-verify=false --signature-policy={policy}");
    step("pull", &format!("pull {arguments} {host}/team/app:1"));
    step("push", &format!("push {arguments} --digestfile pushed {host}/team/app:1 {host}/team/app:2"));
    output(&mut stored(&served, "podman", "rmi --all --force"));
    step("pull back", &format!("pull {arguments} {host}/team/app:2"));
    let pushed = fs::read_to_string(served.shop.path("pushed")).unwrap();
    let inspect = format!("image inspect --format={{{{.Digest}}}} {host}/team/app:2");
    let pulled = output(&mut stored(&served, "podman", &inspect));
    assert_eq!(String::from_utf8(pulled).unwrap().trim(), pushed.trim());
    transcript.check("podman.txt");
}

#[test]
fn buildah_commits_pushes_and_pulls_back() {
    if !have(&["buildah"]) {
        return;
    }
    let served = configured();
    let host = served.host();
    let policy = served.shop.path("policy.json").display().to_string();
    if let Err(why) = works(&mut stored(&served, "buildah", "from --name work scratch")) {
        return skip(&format!("buildah does not work here: {why}"));
    }
    output(&mut stored(&served, "buildah", "config --label org.example=made --author us work"));
    output(&mut stored(&served, "buildah", &format!("commit --quiet --signature-policy={policy} work made")));
    let mut transcript = Transcript::new(&[version("buildah")], &host);
    let mut step = |what: &str, line: &str| {
        output(&mut stored(&served, "buildah", line));
        transcript.add(what, &served.proxy.take(), false);
    };
    let arguments = format!("--quiet --tls-verify=false --signature-policy={policy}");
    step("push", &format!("push {arguments} --digestfile pushed made docker://{host}/team/made:1"));
    output(&mut stored(&served, "buildah", "rm --all"));
    output(&mut stored(&served, "buildah", "rmi --all --force"));
    step("pull back", &format!("pull {arguments} docker://{host}/team/made:1"));
    let pushed = fs::read_to_string(served.shop.path("pushed")).unwrap();
    let images = output(&mut stored(&served, "buildah", "images --digests --format={{.Digest}}"));
    assert_eq!(String::from_utf8(images).unwrap().trim(), pushed.trim());
    transcript.check("buildah.txt");
}

fn works(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(e) => Err(e.to_string()),
    }
}
