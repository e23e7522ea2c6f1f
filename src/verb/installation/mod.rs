//! The verbs of installations: what was typed becomes an engine, what came of it a report.

mod act;
mod choose;
mod moving;
mod open;
mod show;
mod told;

pub use act::{install, rollback, uninstall, upgrade};
#[cfg(feature = "demo")]
pub use act::{install_and_tell, rollback_and_tell, uninstall_and_tell, upgrade_and_tell};
pub use moving::{export, import};
pub use show::{history, plan, status};
