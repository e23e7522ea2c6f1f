//! What the real programs make of the same contents.

mod live;
