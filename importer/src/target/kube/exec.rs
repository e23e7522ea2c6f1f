//! Commands in containers, with what they read and write streamed.

use std::io::{Read, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::failure::{Failure, plain};
use super::patience::NOTICES;
use super::session::Session;
use crate::target::{Interrupted, Watch};

/// Bytes that are on their way at once.
const BUFFER: usize = 1 << 20;

/// How long a command may neither read nor write.
const STALL: Duration = Duration::from_secs(600);

/// Characters of what a command complains about that are repeated.
const COMPLAINT: usize = 500;

impl Session {
    /// Runs `command` in the only container of a pod, and gives what it prints to `out`. Returns how much that was. A command that fails, or
    /// whose end nobody told, is an error.
    pub fn exec_read(
        &self,
        (namespace, pod): (&str, &str),
        command: &[&str],
        out: &mut dyn Write,
        watch: &dyn Watch,
    ) -> Result<u64, Failure> {
        self.stream(async |client| {
            let params = AttachParams::default().stdout(true).stderr(true).max_stdout_buf_size(BUFFER);
            let pods = Api::<Pod>::namespaced(client, namespace);
            let mut process = within(watch, pods.exec(pod, command.to_vec(), &params)).await??;
            let Some(mut stdout) = process.stdout() else { return Err(lacks("output")) };
            let complaint = complaint(&mut process);
            let (mut buffer, mut count) = (vec![0; BUFFER], 0_u64);
            loop {
                match within(watch, stdout.read(&mut buffer)).await? {
                    Ok(0) => break,
                    Ok(n) => {
                        let failed = |e| Failure::Nonsense(format!("what it prints cannot be kept: {e}"));
                        out.write_all(buffer.get(..n).unwrap_or_default()).map_err(failed)?;
                        count = count.saturating_add(n as u64);
                    }
                    Err(e) => return Err(Failure::Silence(e.to_string())),
                }
            }
            ended(process, complaint, watch).await?;
            Ok(count)
        })
    }

    /// Runs `command` in the only container of a pod, which reads all of `input`.
    pub fn exec_write(
        &self,
        (namespace, pod): (&str, &str),
        command: &[&str],
        input: &mut dyn Read,
        watch: &dyn Watch,
    ) -> Result<(), Failure> {
        self.stream(async |client| {
            let params = AttachParams::default().stdin(true).stdout(false).stderr(true).max_stdin_buf_size(BUFFER);
            let pods = Api::<Pod>::namespaced(client, namespace);
            let mut process = within(watch, pods.exec(pod, command.to_vec(), &params)).await??;
            let Some(mut stdin) = process.stdin() else { return Err(lacks("input")) };
            let complaint = complaint(&mut process);
            let mut buffer = vec![0; BUFFER / 8];
            loop {
                let failed = |e: std::io::Error| Failure::Nonsense(format!("what it is to read: {e}"));
                let n = input.read(&mut buffer).map_err(failed)?;
                if n == 0 {
                    break;
                }
                // If that fails, the command has ended: its status says why.
                if within(watch, stdin.write_all(buffer.get(..n).unwrap_or_default())).await?.is_err() {
                    break;
                }
            }
            // Nothing is shut down here: servers before 1.30 take that for the end of everything. The command counts.
            let _ = within(watch, stdin.flush()).await?;
            let done = ended(process, complaint, watch).await;
            drop(stdin);
            done
        })
    }
}

fn lacks(what: &str) -> Failure {
    Failure::Nonsense(format!("the command's {what} is not connected"))
}

/// What `work` gives, if it does not stall and does not have to end before.
async fn within<T>(watch: &dyn Watch, work: impl Future<Output = T>) -> Result<T, Failure> {
    let (mut work, start) = (pin!(work), Instant::now());
    loop {
        Interrupted::check(watch)?;
        match timeout(NOTICES, &mut work).await {
            Ok(done) => return Ok(done),
            Err(_) if start.elapsed() >= STALL => {
                return Err(Failure::Silence(format!("nothing moved for {} s", STALL.as_secs())));
            }
            Err(_) => {}
        }
    }
}

/// Collects the beginning of what a command complains about, and reads on so that it is not held up.
fn complaint(process: &mut AttachedProcess) -> tokio::task::JoinHandle<String> {
    let stderr = process.stderr();
    tokio::spawn(async move {
        let (mut kept, mut buffer) = (Vec::new(), vec![0; 4096]);
        let Some(mut stderr) = stderr else { return String::new() };
        while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
            if kept.len() < 4 * COMPLAINT {
                kept.extend_from_slice(buffer.get(..n).unwrap_or_default());
            }
        }
        plain(String::from_utf8_lossy(&kept).trim(), COMPLAINT)
    })
}

/// Waits for the command's end, which must be a good one.
async fn ended(
    mut process: AttachedProcess,
    complaint: tokio::task::JoinHandle<String>,
    watch: &dyn Watch,
) -> Result<(), Failure> {
    let Some(status) = process.take_status() else { return Err(lacks("status")) };
    let status = within(watch, status).await?;
    let said = timeout(Duration::from_secs(5), complaint).await;
    let said = said.ok().and_then(Result::ok).filter(|s| !s.is_empty());
    match status {
        Some(status) if status.status.as_deref() == Some("Success") => Ok(()),
        Some(status) => Err(Failure::Nonsense(said.or(status.message).unwrap_or_else(|| "it failed".to_owned()))),
        None => Err(Failure::Silence("the connection ended before the command did".to_owned())),
    }
}
