//! The `sealift` command: arguments in, data on stdout, talk on stderr. What it does is in the library crates.

mod args;
mod failure;
mod files;
mod keys;
mod output;
mod progress;
mod report;
mod verb;

use std::process::ExitCode;

use clap::Parser;

use args::Args;
use output::Output;

fn main() -> ExitCode {
    let args = Args::parse();
    let out = Output::new(&args.global);
    match verb::run(args, &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.code.exit() as u8)
        }
    }
}
