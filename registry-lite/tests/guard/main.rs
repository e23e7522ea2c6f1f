//! Who may read and write, and how it is kept from others: with the files and clients of the tools that people use
//! (spec/registry.md, "Who may read and write" and "TLS").
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod tls;
mod tools;
