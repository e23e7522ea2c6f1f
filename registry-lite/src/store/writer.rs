//! Blobs on their way into a store, and the thread that makes them durable while the next one is read.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::error::StoreError;
use super::writeback::Writeback;
use super::{Store, files};
use crate::digest::Algorithm;

/// Files that may wait for their sync.
const QUEUE: usize = 16;

/// A blob being written, under a temporary name. Dropping it forgets it.
#[derive(Debug)]
pub struct BlobWriter<'a> {
    file: Writeback<NamedTempFile>,
    to: PathBuf,
    syncer: &'a Syncer,
}

impl<'a> BlobWriter<'a> {
    pub(super) fn new(tmp: &Path, to: PathBuf, size: u64, syncer: &'a Syncer) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { what: "making a file in", path: tmp.to_owned(), source };
        let file = files::temporary_in(tmp, files::Readable::ByOthers).map_err(io)?;
        // Tells of a full disk now rather than after half the blob. File systems that cannot reserve are no worse off.
        match rustix::fs::fallocate(file.as_file(), FallocateFlags::KEEP_SIZE, 0, size.max(1)) {
            Err(e @ (Errno::NOSPC | Errno::DQUOT)) => Err(io(e.into())),
            _ => Ok(Self { file: Writeback::new(file), to, syncer }),
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(|source| StoreError::Io { what: "writing", path: self.to.clone(), source })
    }

    /// The blob is whole and proved: it is synced and named in the background.
    ///
    /// # Errors
    /// One of the blobs before could not be synced.
    pub fn commit(self) -> Result<(), StoreError> {
        self.syncer.hand_over(Message::Commit(self.file.into_inner(), self.to))
    }
}

#[derive(Debug)]
enum Message {
    Commit(NamedTempFile, PathBuf),
    Settle(SyncSender<Result<(), StoreError>>),
}

/// Syncs and names files in the order in which they come.
#[derive(Debug)]
pub(super) struct Syncer {
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    pub fn start(store: Store) -> Self {
        let (queue, incoming) = sync_channel(QUEUE);
        let thread = std::thread::spawn(move || sync_all(&store, &incoming));
        Self { queue: Some(queue), thread: Some(thread) }
    }

    fn hand_over(&self, message: Message) -> Result<(), StoreError> {
        self.queue.as_ref().and_then(|q| q.send(message).ok()).ok_or(StoreError::SyncThread)
    }

    /// Waits for all that was handed over, and gives the first error since the last time.
    pub fn settle(&self) -> Result<(), StoreError> {
        let (answer, wait) = sync_channel(1);
        self.hand_over(Message::Settle(answer))?;
        wait.recv().unwrap_or(Err(StoreError::SyncThread))
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        // The thread ends when nobody can send any more; the lock is given back only after that.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn sync_all(store: &Store, incoming: &Receiver<Message>) {
    let mut result = Ok(());
    for message in incoming {
        match message {
            Message::Commit(file, to) => {
                if result.is_ok() {
                    result = sync_one(store, file, to);
                }
            }
            Message::Settle(answer) => {
                let all = std::mem::replace(&mut result, Ok(()))
                    .and_then(|()| files::sync_dir(&store.blobs_path(Algorithm::Sha256)));
                // Whoever asked has gone if this fails: it has an error of its own.
                let _ = answer.send(all);
            }
        }
    }
}

fn sync_one(store: &Store, file: NamedTempFile, to: PathBuf) -> Result<(), StoreError> {
    let sync = |file: &File| file.sync_data();
    sync(file.as_file()).map_err(|source| StoreError::Io { what: "syncing", path: to.clone(), source })?;
    // A check of the blobs that sets a damaged one aside must not take this one in its place.
    let _naming = store.naming()?;
    file.persist(&to).map_err(|e| StoreError::Io { what: "naming", path: to, source: e.error })?;
    Ok(())
}
