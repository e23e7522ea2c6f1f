//! From a template and its images to a signed bundle: sources, plan, archive. Knows nothing of clusters (design section 4).

pub mod delta;
mod error;
mod images;
mod plan;
pub mod source;
mod write;

pub use error::PackError;
pub use plan::{PackOptions, Plan, RegistryOpener, SignedPlan, read_file};
pub use source::{ImageSource, SourceSpec};
pub use write::IfExists;
