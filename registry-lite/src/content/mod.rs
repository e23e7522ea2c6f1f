//! What there is to serve: a site that changes while it is served, or bundles.

mod bundle;
mod site;

pub use bundle::{BundleContent, of_bundles};
pub use site::Site;
