//! Killed, unplugged, two at once: what was there is there, what was not acknowledged is not shown, and the next run works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "durability/damaged.rs"]
mod damaged;
#[path = "durability/killed.rs"]
mod killed;
#[path = "durability/medium.rs"]
mod medium;
#[path = "durability/power.rs"]
mod power;
#[path = "durability/registry.rs"]
mod registry;
#[path = "durability/together.rs"]
mod together;
