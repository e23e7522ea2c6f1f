//! What the command refuses: with which exit code, which code in brackets, naming what, and without losing or leaving a
//! thing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "bad_input/bundle.rs"]
mod bundle;
mod common;
#[path = "bad_input/disk.rs"]
mod disk;
#[path = "bad_input/install.rs"]
mod install;
#[path = "bad_input/keys.rs"]
mod keys;
#[path = "bad_input/output.rs"]
mod output;
#[path = "bad_input/pack.rs"]
mod pack;
#[path = "bad_input/site.rs"]
mod site;
#[path = "bad_input/template.rs"]
mod template;
