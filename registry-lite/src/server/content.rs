//! What a server serves.

use std::sync::Arc;

use crate::catalog::{Catalog, Shelf};

/// One state of the content: what may be seen, and where its bytes are. A request uses one view from beginning to end.
#[derive(Clone)]
pub struct View {
    /// What may be seen.
    pub catalog: Arc<Catalog>,
    /// Where its bytes are.
    pub shelf: Shelf,
}

/// Something that a server serves.
pub trait Content: Send + Sync {
    /// The current state. Looks at a file now and then; reads one only if it changed.
    fn view(&self) -> View;

    /// The current state, if it is known without looking at any file.
    fn peek(&self) -> Option<View>;
}

/// What never changes: bundles.
impl Content for View {
    fn view(&self) -> View {
        self.clone()
    }

    fn peek(&self) -> Option<View> {
        Some(self.clone())
    }
}
