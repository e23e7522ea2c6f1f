//! Outside tools that tests need.

use std::process::Command;

/// Whether one of `tools` is not there. Says so, and in CI fails instead.
pub fn missing(tools: &[&str]) -> bool {
    for tool in tools {
        if Command::new(tool).arg("--version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
            eprintln!("skipped: {tool} is missing");
            return true;
        }
    }
    false
}
