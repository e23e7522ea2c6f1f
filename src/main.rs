//! The `sealift` command: arguments in, data on stdout, talk on stderr. What it does is in the library crates.

mod args;
mod clock;
mod failure;
mod files;
mod keys;
mod output;
mod progress;
mod report;
mod signals;
mod status_files;
mod verb;

use std::process::ExitCode;

use bundle_format::Code;
use clap::Parser;
use clap::error::ErrorKind;

use args::Args;
use failure::Failure;
use output::Output;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => return not_parsed(&e),
    };
    let out = Output::new(&args.global);
    match verb::run(args, &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.code.exit() as u8)
        }
    }
}

/// Help and versions, which are no failures, and what cannot be understood: that is a JSON document too, where one was
/// asked for.
fn not_parsed(e: &clap::Error) -> ExitCode {
    // Nobody reads: nothing is left to do but to end with the code.
    let _ = e.print();
    if e.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let text = e.render().to_string();
        let message = match e.kind() {
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                "a verb is missing".to_owned()
            }
            _ => {
                let first = text.split("\n\n").next().unwrap_or_default();
                first.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ")
            }
        };
        let _ =
            Output::of_usage().document(&Failure::new(Code::Usage, message).hint("`--help` shows what can be said"));
    }
    ExitCode::from(e.exit_code() as u8)
}
