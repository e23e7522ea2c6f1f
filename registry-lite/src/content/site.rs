//! A site's store, as it is now.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use crate::catalog::{Catalog, RepositoryName, Shelf};
use crate::documents::Documents;
use crate::server::{Content, Event, LOOK_EVERY, Report, View};
use crate::store::{Entry, Publishing, Stamp, Store, StoreError};

/// What a site shows: loaded anew when `index.json` changes. Requests that run keep the view that they began with, and those
/// that come while it loads get the old one. If loading fails, the old view stays, and the [`Report`] is told.
pub struct Site {
    store: Store,
    shelf: Shelf,
    report: Report,
    state: Mutex<State>,
    /// Held by whoever loads or changes. Readers go on with the old view, however long it takes.
    loading: Mutex<()>,
}

struct State {
    catalog: Arc<Catalog>,
    entries: Arc<Vec<Entry>>,
    stamp: Stamp,
    looked: Instant,
}

impl State {
    fn load(store: &Store, before: Option<&Catalog>) -> Result<Self, StoreError> {
        // Before loading: a change that happens meanwhile is then seen as one.
        let stamp = index_stamp(store)?;
        let entries = store.roots()?;
        let catalog = Arc::new(Catalog::of(&entries, before));
        Ok(Self { catalog, entries: Arc::new(entries), stamp, looked: Instant::now() })
    }
}

fn index_stamp(store: &Store) -> Result<Stamp, StoreError> {
    let path = store.index_path();
    Stamp::of(&path).map_err(|source| StoreError::Io { what: "reading", path, source })
}

impl Site {
    /// Loads what `store` shows. Reads `index.json` and no content.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(store: Store, report: Report) -> Result<Arc<Self>, StoreError> {
        let state = Mutex::new(State::load(&store, None)?);
        let documents = Arc::new(Documents::new(Arc::new(store.clone())));
        let shelf = Shelf { documents, marks: Arc::new(store.clone()) };
        Ok(Arc::new(Self { store, shelf, report, state, loading: Mutex::new(()) }))
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where its content is read.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Changes the roots, in one step for all who look: `change` says in which repositories, or that there is nothing to do.
    ///
    /// # Errors
    /// [`StoreError`], or the one of `change`: then nothing is changed.
    pub fn change<T, E: From<StoreError>>(
        &self,
        publishing: &Publishing<'_>,
        change: impl FnOnce(&mut Vec<Entry>, &Catalog) -> Result<(T, HashSet<RepositoryName>), E>,
    ) -> Result<T, E> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        self.load_if_changed()?;
        let (mut entries, catalog) = {
            let state = self.state();
            (state.entries.as_ref().clone(), Arc::clone(&state.catalog))
        };
        let (done, changed) = change(&mut entries, &catalog)?;
        if !changed.is_empty() {
            publishing.replace(&entries)?;
            let catalog = Arc::new(catalog.changed(&entries, &changed));
            let stamp = index_stamp(&self.store)?;
            *self.state() = State { catalog, entries: Arc::new(entries), stamp, looked: Instant::now() };
        }
        Ok(done)
    }

    /// Loads anew, if the file is due to be looked at, and no other thread does it.
    fn refresh(&self) -> Result<(), StoreError> {
        if self.state().looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        let _loading = match self.loading.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(left)) => left.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        self.load_if_changed()
    }

    /// Only with `loading` held.
    fn load_if_changed(&self) -> Result<(), StoreError> {
        let (loaded, before) = {
            let mut state = self.state();
            state.looked = Instant::now();
            (state.stamp, Arc::clone(&state.catalog))
        };
        if index_stamp(&self.store)? != loaded {
            let state = State::load(&self.store, Some(&before))?;
            *self.state() = state;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content for Site {
    fn view(&self) -> View {
        if let Err(cause) = self.refresh() {
            (self.report)(&Event::Reload { file: &self.store.index_path(), cause: &cause });
        }
        View { catalog: Arc::clone(&self.state().catalog), shelf: self.shelf.clone() }
    }

    fn ready(&self) -> io::Result<()> {
        Stamp::of(&self.store.index_path()).map(drop)
    }

    fn peek(&self) -> Option<View> {
        let state = self.state();
        let is_fresh = state.looked.elapsed() < LOOK_EVERY;
        is_fresh.then(|| View { catalog: Arc::clone(&state.catalog), shelf: self.shelf.clone() })
    }
}
