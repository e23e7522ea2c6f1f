//! Data goes to stdout, talk to stderr; with `--json`, data is one JSON document.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::args::Global;
use crate::failure::Failure;
use crate::progress::Bar;
use crate::report::ErrorReport;

/// Where the command speaks.
#[derive(Debug)]
pub struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    pub fn new(global: &Global) -> Self {
        Self { json: global.json, quiet: global.quiet }
    }

    /// The same without progress and commentary.
    #[cfg(feature = "demo")]
    pub fn silent(&self) -> Self {
        Self { json: self.json, quiet: true }
    }

    /// For arguments that cannot be understood, beyond that they ask for JSON.
    pub fn of_usage() -> Self {
        Self { json: true, quiet: false }
    }

    /// Whether stdout takes one JSON document.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Gives the verb's result: as JSON, or as the text that `human` writes.
    pub fn data<T: Serialize>(&self, data: &T, human: impl FnOnce(&mut String)) -> Result<(), Failure> {
        let mut text = String::new();
        if self.json {
            text = serde_json::to_string_pretty(data)
                .map_err(|e| Failure::new(bundle_format::Code::Internal, format_args!("the result is no JSON: {e}")))?;
            text.push('\n');
        } else {
            human(&mut text);
        }
        self.text(&text)
    }

    /// Gives text that is no result to be read by machines, also with `--json`: a script, a page.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        match io::stdout().lock().write_all(printable(text).as_bytes()) {
            // Whoever stopped reading, as `head` does, has what he wants.
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(bundle_format::Code::Io, format_args!("writing to stdout: {e}")))
            }
            _ => Ok(()),
        }
    }

    /// Tells a person what goes on.
    pub fn say(&self, line: impl Display) {
        if !self.quiet {
            talk(&line.to_string());
        }
    }

    /// Tells a person what should not be missed, also with `--quiet`.
    pub fn warn(&self, line: impl Display) {
        talk(&format!("warning: {line}"));
    }

    /// Shows how far a work over `total` bytes is.
    pub fn bar(&self, what: &'static str, total: u64) -> Bar {
        Bar::start(what, total, self.quiet, io::stderr().is_terminal())
    }

    pub fn failure(&self, failure: &Failure) {
        talk(&format!("error[{}]: {}", failure.code, failure.message));
        if let Some(hint) = &failure.hint {
            talk(&format!("hint: {hint}"));
        }
        if self.json {
            // stderr has said it already if this cannot be written.
            let _ = self.document(failure);
        }
    }

    /// Gives a failure as the JSON document that it is for machines.
    pub fn document(&self, failure: &Failure) -> Result<(), Failure> {
        self.data(&ErrorReport::of(failure), |_| {})
    }
}

/// Says a line on stderr.
pub fn talk(line: &str) {
    // Nobody is left to hear that stderr is closed.
    let _ = writeln!(io::stderr().lock(), "{}", printable(line));
}

/// Names from bundles and answers of registries end up on terminals: control and direction characters are shown, not obeyed.
fn printable(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match hidden(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
    out
}

/// Bytes as people read them: binary units, three digits.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (n, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (10 << 20, "10.0 MiB"),
            (100 << 20, "100 MiB"),
            (1 << 30, "1.00 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn terminals_are_not_commanded_by_names() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\n");
    }
}
