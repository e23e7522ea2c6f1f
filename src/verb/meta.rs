//! What the command says of itself.

use bundle_format::{Code, Exit};
use clap::CommandFactory;
use serde::Serialize;

use crate::args::Args;
use crate::failure::Failure;
use crate::output::Output;
use crate::report::Outputs;

/// A line of the table of errors.
#[derive(Serialize)]
struct Row {
    code: &'static str,
    exit: u8,
    meaning: &'static str,
}

pub fn errors(out: &Output) -> Result<(), Failure> {
    let rows: Vec<_> =
        Code::ALL.iter().map(|c| Row { code: c.text(), exit: c.exit() as u8, meaning: c.meaning() }).collect();
    out.data(&rows, |text| {
        let mut last: Option<Exit> = None;
        for code in Code::ALL {
            if last != Some(code.exit()) {
                let gap = if last.is_some() { "\n" } else { "" };
                text.push_str(&format!("{gap}exit code {}: {}\n", code.exit() as u8, code.exit().meaning()));
                last = Some(code.exit());
            }
            text.push_str(&format!("  {:18} {}\n", code.text(), code.meaning()));
        }
    })
}

pub fn completions(shell: clap_complete::Shell, out: &Output) -> Result<(), Failure> {
    // Into memory first: the generator panics where it cannot write, as when the reader of a pipe has gone.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "sealift", &mut script);
    out.text(&String::from_utf8_lossy(&script))
}

pub fn man(out: &Output) -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command())
        .render(&mut page)
        .map_err(|e| Failure::new(Code::Internal, format_args!("the page cannot be made: {e}")))?;
    out.text(&String::from_utf8_lossy(&page))
}

/// The schema of every verb's `--json`, in one document: a definition for each type, and the verb that gives it.
pub fn output_schema(out: &Output) -> Result<(), Failure> {
    let schema = schemars::schema_for!(Outputs);
    out.data(&schema, |text| {
        text.push_str(&serde_json::to_string_pretty(&schema).unwrap_or_default());
        text.push('\n');
    })
}
