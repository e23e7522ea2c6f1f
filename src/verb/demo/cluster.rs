//! What the demonstration needs on a cluster: images that run, kubectl, an address that nodes reach.

use std::fs;
use std::process::Command;

use bundle_format::Code;

use crate::failure::Failure;

/// The namespace that the demonstration works in.
pub const NAMESPACE: &str = "sealift-demo";

/// The cluster that the demonstration installs on.
pub struct Cluster {
    context: String,
    /// The address of the site's registry, as nodes reach it.
    pub registry: String,
    /// A static busybox, which the images run.
    pub busybox: Vec<u8>,
    /// The platform of this machine.
    pub platform: String,
}

impl Cluster {
    /// The cluster of `context`, or of the current one if that is empty.
    pub fn new(context: &str, registry: &str) -> Result<Self, Failure> {
        let platform = match std::env::consts::ARCH {
            "x86_64" => "linux/amd64".to_owned(),
            "aarch64" => "linux/arm64".to_owned(),
            other => format!("linux/{other}"),
        };
        let cluster =
            Self { context: context.to_owned(), registry: registry.to_owned(), busybox: busybox()?, platform };
        cluster.run(&["version", "--request-timeout=20s"])?;
        Ok(cluster)
    }

    /// As `--target` names it.
    pub fn target(&self) -> String {
        if self.context.is_empty() { "kube".to_owned() } else { format!("kube:{}", self.context) }
    }

    /// Where the registry listens: on loopback, if that is where nodes look for it.
    pub fn listen(&self) -> String {
        match self.registry.rsplit_once(':') {
            Some(("127.0.0.1" | "localhost", port)) => format!("127.0.0.1:{port}"),
            Some((_, port)) => format!("0.0.0.0:{port}"),
            None => self.registry.clone(),
        }
    }

    /// What kubectl prints in the demonstration's namespace.
    pub fn kubectl(&self, words: &[&str]) -> Result<String, Failure> {
        self.run(&[&["--namespace", NAMESPACE], words].concat())
    }

    fn run(&self, words: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new("kubectl");
        if !self.context.is_empty() {
            command.args(["--context", &self.context]);
        }
        let out = command.args(words).output().map_err(|e| {
            Failure::new(Code::Tool, format_args!("kubectl: {e}"))
                .hint("the demonstration changes a value with it, as a site would")
        })?;
        if !out.status.success() {
            let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
            return Err(Failure::new(Code::Cluster, format_args!("kubectl {}: {said}", words.join(" "))));
        }
        Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }
}

/// The first busybox of PATH that needs no library: the images have none.
fn busybox() -> Result<Vec<u8>, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path) {
        if let Ok(bytes) = fs::read(folder.join("busybox"))
            && is_static(&bytes)
        {
            return Ok(bytes);
        }
    }
    Err(Failure::new(Code::Tool, "there is no static busybox in PATH, which the images of the demonstration run")
        .hint("apt-get install busybox-static"))
}

/// Whether an ELF file names no program interpreter (System V ABI, program header `PT_INTERP`).
fn is_static(elf: &[u8]) -> bool {
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = elf.get(at..at.checked_add(length)?)?;
        bytes.iter().rev().try_fold(0_usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)))
    };
    // 64 bit, little endian: what this command is built for.
    if elf.get(..6) != Some(b"\x7fELF\x02\x01") {
        return false;
    }
    let (Some(table), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2)) else { return false };
    (0..count).all(|i| {
        let header = i.checked_mul(size).and_then(|n| n.checked_add(table));
        header.and_then(|at| number(at, 4)).is_some_and(|kind| kind != 3)
    })
}
