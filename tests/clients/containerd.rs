//! containerd, by original names through `hosts.toml`, and pushing by the registry's own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{API, api, have, output, skip};
use crate::transcript::Transcript;
use crate::{Served, version};

/// A containerd that ends with the test.
struct Containerd<'a> {
    served: &'a Served,
    process: Child,
}

impl<'a> Containerd<'a> {
    fn start(served: &'a Served) -> Result<Self, String> {
        let at = |name: &str| served.shop.path(name).display().to_string();
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \
             \"io.containerd.internal.v1.opt\"]\n[grpc]\naddress = {:?}\n",
            at("containerd/root"),
            at("containerd/state"),
            at("containerd/sock")
        );
        let url = format!("http://{}", served.host());
        let hosts = format!("server = {url:?}\n[host.{url:?}]\ncapabilities = [\"pull\", \"resolve\", \"push\"]\n");
        served.shop.write("containerd/config.toml", config.as_bytes());
        served.shop.write("containerd/certs.d/_default/hosts.toml", hosts.as_bytes());
        let mut command = Command::new("containerd");
        command.args(["--config", &at("containerd/config.toml")]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(|e| e.to_string())?;
        let mut containerd = Self { served, process };
        let begun = Instant::now();
        while !containerd.ctr("version").output().is_ok_and(|output| output.status.success()) {
            let ended = containerd.process.try_wait().map_err(|e| e.to_string())?;
            if ended.is_some() || begun.elapsed() > Duration::from_secs(20) {
                return Err("it does not answer".to_owned());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(containerd)
    }

    fn ctr(&self, line: &str) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.served.shop.path("containerd/sock")).args(line.split_whitespace());
        command
    }
}

impl Drop for Containerd<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn containerd_pulls_original_names_and_pushes_what_it_pulled() {
    if !have(&["containerd", "ctr"]) {
        return;
    }
    let served = Served::new();
    let containerd = match Containerd::start(&served) {
        Ok(containerd) => containerd,
        Err(why) => return skip(&format!("containerd cannot be started here: {why}")),
    };
    let host = served.host();
    let mut transcript = Transcript::new(&[version("containerd"), version("ctr")], &host);
    let hosts = format!("--hosts-dir {}", served.shop.path("containerd/certs.d").display());
    let mut step = |what: &str, line: &str| {
        output(&mut containerd.ctr(line));
        transcript.add(what, &served.proxy.take(), true);
    };
    // Fetching does not unpack, which would need the right to mount.
    step("fetch by the original name", &format!("content fetch --platform=linux/amd64 {hosts} {API}"));
    step("push", &format!("images push --platform=linux/amd64 --plain-http {host}/team/api:2 {API}"));
    step("fetch back", &format!("content fetch --platform=linux/amd64 --plain-http {host}/team/api:2"));
    let listed = String::from_utf8(output(&mut containerd.ctr("images ls"))).unwrap();
    let line = listed.lines().find(|line| line.contains("/team/api:2")).unwrap();
    assert!(line.contains(&api().root().digest.to_string()), "{line}");
    transcript.check("containerd.txt");
}
