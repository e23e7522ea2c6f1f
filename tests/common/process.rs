//! Processes: run to their end, or in the background.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A run of `sealift`.
#[derive(Debug)]
pub struct Ran {
    pub line: String,
    /// The exit code; none after a signal.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let watch = Watch::start(child.id());
        let out = child.wait_with_output().unwrap();
        watch.end();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ran = Self {
            line: format!("{command:?}"),
            exit: out.status.code(),
            stdout: text(out.stdout),
            stderr: text(out.stderr),
        };
        assert!(!ran.stderr.contains("panicked"), "{ran:#?}");
        ran
    }

    pub fn ok(self) -> Self {
        assert_eq!(self.exit, Some(0), "{self:#?}");
        self
    }

    /// The code in brackets, the exit code, and what the message must name.
    pub fn refused(self, exit: i32, code: &str, names: &[&str]) -> Self {
        let first = format!("error[{code}]: ");
        assert!(self.stderr.lines().any(|line| line.starts_with(&first)), "{code} expected: {self:#?}");
        assert_eq!(self.exit, Some(exit), "{self:#?}");
        for name in names {
            assert!(self.stderr.contains(name), "{name:?} is not named: {self:#?}");
        }
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}

/// Kills a run that takes longer than any does: a test that waits for ever says nothing.
struct Watch {
    done: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Watch {
    fn start(id: u32) -> Self {
        let (done, wait) = mpsc::channel();
        let thread = thread::spawn(move || {
            if wait.recv_timeout(Duration::from_secs(60)).is_err() {
                eprintln!("killed after a minute: process {id}");
                output(Command::new("kill").args(["-s", "KILL", &id.to_string()]));
            }
        });
        Self { done, thread }
    }

    fn end(self) {
        // The thread has gone if it had to kill: the run's exit code then shows it.
        let _ = self.done.send(());
        let _ = self.thread.join();
    }
}

/// Runs another program to its end; returns what it prints.
pub fn output(command: &mut Command) -> Vec<u8> {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// A process that runs beside the test; killed when the value goes.
pub struct Background {
    child: Child,
}

impl Background {
    pub fn start(command: &mut Command) -> Self {
        Self { child: command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap() }
    }

    /// With a standard input that the test writes to.
    pub fn fed(command: &mut Command) -> Self {
        Self::start(command.stdin(Stdio::piped()))
    }

    /// Gives bytes to its standard input. Returns when all but what a pipe holds are read.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.child.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// The same, where the process may end before it has taken all.
    pub fn feed_what_is_taken(&mut self, bytes: &[u8]) {
        let _ = self.child.stdin.as_mut().unwrap().write_all(bytes);
    }

    /// Ends its standard input and waits.
    pub fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ran { line: "in the background".to_owned(), exit: self.child.wait().unwrap().code(), stdout, stderr }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        output(Command::new("kill").args(["-s", name, &self.id().to_string()]));
    }

    /// The next line of its standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line
    }

    /// The address that `sealift registry serve` says it listens on.
    pub fn address(&mut self) -> String {
        let line = self.line();
        line.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{line:?}")).1.to_owned()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` holds.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
