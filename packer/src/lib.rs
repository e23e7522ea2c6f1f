//! From a template and its images to a signed bundle: sources, plan, archive. Knows nothing of clusters (design section 4).

mod base;
pub mod convert;
pub mod delta;
mod error;
mod find;
mod images;
mod plan;
mod rendered;
pub mod source;
mod travel;
mod write;

pub use error::{LackingBase, PackError};
pub use find::{FoundImage, ImageUser, find_images};
pub use plan::{PackOptions, Plan, RegistryOpener, SignedPlan, read_file};
pub use rendered::{RenderError, Rendered, render};
pub use source::{ImageSource, SourceSpec};
pub use travel::{DeltaOptions, Travel, Travels, Way, Why};
pub use write::IfExists;
