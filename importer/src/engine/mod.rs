//! Actions on installations (spec/plan.md): install, upgrade, roll back, uninstall; each a plan first, then its steps, then a
//! record.

mod action;
mod claims;
mod compute;
#[cfg(test)]
mod compute_tests;
mod ending;
mod error;
mod given;
mod images;
mod made;
mod pull;
mod secrets;
mod standing;
mod status;
mod told;
mod uninstall;
mod version;

pub use action::{Back, Engine, Forward, Outcome, Settings, Uninstall};
pub use compute::{Aim, Inputs, Plan};
pub use error::EngineError;
pub use images::ImageNames;
pub use standing::Standing;
pub use status::{ComponentState, State};
pub use uninstall::Removal;
pub use version::Version;
