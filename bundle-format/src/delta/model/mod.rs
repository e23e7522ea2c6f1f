//! What a patch is coded with: an adaptive arithmetic coder, and models of what is likely (spec/delta.md section 5).

pub mod align;
pub mod coder;
pub mod diff;
pub mod literal;
pub mod mix;
pub mod number;
pub mod tarhead;
