//! From a bundle to content in a registry, and from there to installations (design section 4). Knows nothing of packing.

pub mod diff;
pub mod engine;
pub mod holdings;
pub mod import;
pub mod marks;
pub mod moving;
pub mod plan;
pub mod record;
pub mod render;
pub mod target;
