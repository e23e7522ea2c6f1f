//! Pushes and deletions, by hand-made HTTP, as the distribution specification (1.1, and what is decided for the next version)
//! and spec/registry.md have them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod addresses;
mod chunks;
mod content;
mod deletions;
mod digests;
mod errors;
mod http;
mod imports;
mod limits;
mod manifests;
mod model;
mod mounts;
mod readonly;
mod referrers;
mod registry;
mod restarts;
mod tags;
mod uploads;
