//! A real server on a loopback port, asked by plain HTTP and by the tools that will ask it (spec/registry.md).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod catalog;
mod check;
mod clients;
mod containerd;
mod faults;
mod http;
mod load;
mod mirrors;
mod nginx;
mod operations;
mod site;
mod store;
mod wire;
