//! Real tools.

use std::process::{Command, Stdio};

/// Whether every one of `tools` is installed. A missing one is a named skip, but a failure where the environment says CI.
pub fn have(tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> =
        tools.iter().filter(|tool| !std::env::split_paths(&path).any(|dir| dir.join(tool).exists())).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "not installed: {missing:?}");
    eprintln!("SKIPPED: not installed: {missing:?}");
    false
}

/// Runs a tool; returns what it prints.
pub fn run(command: &mut Command) -> String {
    let (success, stdout, stderr) = attempt(command);
    assert!(success, "{command:?}: {stderr}");
    stdout
}

/// Runs a tool: whether it succeeds, and what it prints to both sides.
pub fn attempt(command: &mut Command) -> (bool, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}
