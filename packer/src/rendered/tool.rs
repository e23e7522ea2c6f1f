//! Runs helm, kubectl or kustomize: without a network, settings or plugins, for a limited time, with limited output.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::RenderError;

/// How long a tool may take.
pub(super) const SECONDS: u64 = 120;
/// Bytes of a tool's complaint that are shown.
const SAID: u64 = 4096;

/// A tool, and the words that come before its arguments.
pub(super) struct Tool {
    name: &'static str,
    program: PathBuf,
    words: &'static [&'static str],
}

impl Tool {
    /// The first of `tools` that is installed.
    pub fn find(what: &str, tools: &[(&'static str, &'static [&'static str])]) -> Result<Self, RenderError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        for &(name, words) in tools {
            let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file());
            if let Some(program) = found {
                return Ok(Self { name, program, words });
            }
        }
        let tool = tools.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ");
        Err(RenderError::NoTool { what: what.to_owned(), tool })
    }

    /// What the tool prints: at most `limit` bytes.
    pub fn run(&self, what: &str, arguments: &[PathBuf], limit: u64) -> Result<Vec<u8>, RenderError> {
        let (what, tool) = (what.to_owned(), self.name.to_owned());
        let failed = |source| RenderError::Run { what: what.clone(), tool: tool.clone(), source };
        let home = tempfile::tempdir().map_err(failed)?;
        let mut out = tempfile::tempfile().map_err(failed)?;
        let mut err = tempfile::tempfile().map_err(failed)?;
        let mut running = self.start(arguments, home.path(), &out, &err).map_err(failed)?;
        let end = Instant::now() + Duration::from_secs(SECONDS);
        let status = loop {
            if let Some(status) = running.0.try_wait().map_err(failed)? {
                break status;
            }
            if out.metadata().map_err(failed)?.len() > limit {
                return Err(RenderError::TooLong { what, limit });
            }
            if Instant::now() > end {
                return Err(RenderError::Slow { what, tool });
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        if !status.success() {
            let said = last_words(&mut err).map_err(failed)?;
            return Err(RenderError::Refused { what, tool, said });
        }
        out.rewind().map_err(failed)?;
        let mut bytes = Vec::new();
        out.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        match bytes.len() as u64 > limit {
            true => Err(RenderError::TooLong { what, limit }),
            false => Ok(bytes),
        }
    }

    fn start(&self, arguments: &[PathBuf], home: &Path, out: &File, err: &File) -> io::Result<Running> {
        // Files rather than pipes: nobody has to read while the tool runs, and nothing that it leaves behind is waited for.
        let nowhere = "http://127.0.0.1:9";
        let mut command = Command::new(&self.program);
        command
            .args(self.words)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("TMPDIR", home)
            .env("HELM_CACHE_HOME", home)
            .env("HELM_CONFIG_HOME", home)
            .env("HELM_DATA_HOME", home)
            .env("HELM_PLUGINS", home.join("plugins"))
            .env("KUBECONFIG", home.join("kubeconfig"))
            // What the tools would fetch, they ask a proxy for that is not there.
            .envs(
                ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
                    .map(|v| (v, nowhere)),
            )
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(err.try_clone()?)
            .process_group(0);
        command.spawn().map(Running)
    }
}

/// A tool that runs, with whatever it started: gone when this is.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Before it is waited for: until then nobody else has its number.
        if let (Ok(None), Some(group)) = (self.0.try_wait(), Pid::from_raw(self.0.id().cast_signed())) {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

/// The end of a complaint, on one line.
fn last_words(err: &mut File) -> io::Result<String> {
    let len = err.metadata()?.len();
    err.seek(io::SeekFrom::Start(len.saturating_sub(SAID)))?;
    let mut bytes = Vec::new();
    err.take(SAID).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(if lines.is_empty() { "nothing".to_owned() } else { lines.join(" / ") })
}
