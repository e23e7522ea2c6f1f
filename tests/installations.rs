//! Installations on a folder of manifests, through the real command: the same journey as on a cluster (`cluster.rs`), for what a
//! folder can show. Whoever edits its files is the site.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "installations/again.rs"]
mod again;
#[path = "installations/asked.rs"]
mod asked;
#[path = "installations/cloud.rs"]
mod cloud;
mod common;
#[path = "installations/ending.rs"]
mod ending;
#[path = "installations/hidden.rs"]
mod hidden;
#[path = "installations/interrupted.rs"]
mod interrupted;
#[path = "installations/journey.rs"]
mod journey;
#[path = "installations/killed.rs"]
mod killed;
#[path = "installations/only.rs"]
mod only;
#[path = "installations/refused.rs"]
mod refused;
#[path = "installations/values.rs"]
mod values;
