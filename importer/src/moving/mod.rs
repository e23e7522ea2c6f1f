//! An installation as a file: from one site to another (spec/installation.md).

mod crypt;
mod document;
mod error;
mod export;
mod file;
mod import;
mod secrets;
mod write;

pub use crypt::{Identities, Recipients};
pub use document::{Ahead, Document, Volume};
pub use error::MoveError;
pub use export::{Export, Written};
pub use file::Moved;
pub use import::Import;
pub use secrets::Secrets;
