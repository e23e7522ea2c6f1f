//! What a server serves.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::metrics::Gauge;
use crate::catalog::{Catalog, Shelf};

/// How often files that others may change are looked at, at most: what they change is seen that late.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

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

    /// Whether content can be served now. May wait for a disk.
    ///
    /// # Errors
    /// Why not.
    fn ready(&self) -> io::Result<()> {
        Ok(())
    }

    /// Numbers about the content. May wait for a disk.
    fn gauges(&self) -> Vec<Gauge> {
        let catalog = self.view().catalog;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        vec![
            Gauge {
                name: "repositories",
                help: "Repositories that are served.",
                value: count(catalog.repositories(None).count()),
            },
            Gauge {
                name: "roots_not_served",
                help: "Entries of the content that are not served, because something of them is missing or wrong.",
                value: count(catalog.skipped().len()),
            },
        ]
    }
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
