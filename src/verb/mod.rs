//! One module for each verb: reads what was typed, calls the library, prints what came of it.

#[cfg(feature = "demo")]
mod demo;
mod diff;
mod import;
mod inspect;
mod installation;
mod keygen;
mod list;
mod mark;
mod meta;
#[cfg(feature = "packer")]
mod pack;
mod registry;
mod template;
mod verify;

use crate::args::{Args, Verb};
use crate::failure::Failure;
use crate::output::Output;

pub fn run(args: Args, out: &Output) -> Result<(), Failure> {
    match args.verb {
        Verb::Keygen(args) => keygen::run(&args, out),
        Verb::Template(verb) => template::run(&verb, out),
        #[cfg(feature = "packer")]
        Verb::Pack(args) => pack::run(&args, out),
        Verb::Inspect(args) => inspect::run(&args, out),
        Verb::Diff(args) => diff::run(&args, out),
        Verb::Verify(args) => verify::run(&args, out),
        Verb::Mark(args) => mark::run(&args, out),
        Verb::Import(args) => import::run(&args, out),
        Verb::List(args) => list::run(&args, out),
        Verb::Registry(verb) => registry::run(&verb, out),
        Verb::Plan(args) => installation::plan(&args, out),
        Verb::Install(args) => installation::install(&args, out),
        Verb::Upgrade(args) => installation::upgrade(&args, out),
        Verb::Rollback(args) => installation::rollback(&args, out),
        Verb::History(args) => installation::history(&args, out),
        Verb::Status(args) => installation::status(&args, out),
        Verb::Uninstall(args) => installation::uninstall(&args, out),
        Verb::ExportInstallation(args) => installation::export(&args, out),
        Verb::ImportInstallation(args) => installation::import(&args, out),
        #[cfg(feature = "demo")]
        Verb::Demo(args) => demo::run(&args, out),
        Verb::Errors => meta::errors(out),
        Verb::Completions { shell } => meta::completions(shell, out),
        Verb::Man => meta::man(out),
        Verb::OutputSchema => meta::output_schema(out),
    }
}
