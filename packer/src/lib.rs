//! From a template and its images to a signed bundle: sources, plan, archive. Knows nothing of clusters (design section 4).

mod base;
pub mod convert;
pub mod delta;
mod error;
mod images;
mod plan;
pub mod source;
mod travel;
mod write;

pub use error::{LackingBase, PackError};
pub use plan::{PackOptions, Plan, RegistryOpener, SignedPlan, read_file};
pub use source::{ImageSource, SourceSpec};
pub use travel::{DeltaOptions, Travel, Travels, Way, Why};
pub use write::IfExists;
