//! Patches between layers: what is rebuilt is the blob, always, whatever was edited and however it was compressed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "delta/edits.rs"]
mod edits;
#[path = "delta/hostile.rs"]
mod hostile;
#[path = "delta/odd.rs"]
mod odd;
#[path = "delta/world.rs"]
mod world;
