//! The status of template versions, through the real command (spec/status.md): who may give it, what is refused, and what follows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "status/choice.rs"]
mod choice;
#[path = "installations/cloud.rs"]
mod cloud;
mod common;
#[path = "status/hostile.rs"]
mod hostile;
#[path = "status/marking.rs"]
mod marking;
#[path = "status/site.rs"]
mod site;
#[path = "status/world.rs"]
mod world;
