//! Registries: where a site keeps its content, and the client for those that others run.

pub mod client;
