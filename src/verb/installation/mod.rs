//! The verbs of installations: what was typed becomes an engine, what came of it a report.

mod act;
mod open;
mod show;
mod told;

pub use act::{install, install_and_tell, rollback, uninstall, upgrade};
pub use show::{history, plan, status};
