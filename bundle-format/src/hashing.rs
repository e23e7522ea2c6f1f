//! Hashing beside copying: one thread reads and writes, one hashes, a few buffers go round between them. Packing, verifying
//! and importing all go through this line, so each byte is hashed once, and none waits for its hash.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use crate::digest::{Digest, Hasher};

/// Bytes read at once.
pub const CHUNK: usize = 1 << 20;
/// Buffers in flight: the memory of the line in MiB.
const BUFFERS: usize = 8;

enum Message {
    Chunk(Vec<u8>, usize),
    End,
}

/// The hashing thread and its buffers.
#[derive(Debug)]
pub struct HashLine {
    chunks: SyncSender<Message>,
    returned: Receiver<Vec<u8>>,
    digests: Receiver<Digest>,
    kept: Option<Vec<u8>>,
    /// Buffers that were made so far: a small bundle needs one.
    made: usize,
}

/// The hashing thread has ended, which only its panic explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the thread that hashes has ended")]
pub struct Gone;

impl HashLine {
    /// Starts the thread. It ends when the line is dropped. Memory: 8 MiB.
    pub fn start<'scope>(scope: &'scope Scope<'scope, '_>) -> Self {
        let (chunks, incoming) = sync_channel::<Message>(BUFFERS);
        let (give_back, returned) = sync_channel(BUFFERS);
        let (send_digest, digests) = sync_channel(1);
        scope.spawn(move || {
            let mut hasher = Hasher::default();
            for message in incoming {
                // Nobody takes what is sent back once the walk has failed: that is the end, not another error.
                let heard = match message {
                    Message::Chunk(buffer, n) => {
                        hasher.update(&buffer[..n]);
                        give_back.send(buffer).is_ok()
                    }
                    Message::End => send_digest.send(std::mem::take(&mut hasher).finish()).is_ok(),
                };
                if !heard {
                    return;
                }
            }
        });
        Self { chunks, returned, digests, kept: None, made: 0 }
    }

    /// A buffer of [`CHUNK`] bytes to read into.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn buffer(&mut self) -> Result<Vec<u8>, Gone> {
        match self.kept.take().or_else(|| self.returned.try_recv().ok()) {
            Some(buffer) => Ok(buffer),
            None if self.made < BUFFERS => {
                self.made += 1;
                Ok(vec![0; CHUNK])
            }
            None => self.returned.recv().map_err(|_| Gone),
        }
    }

    /// Takes a buffer back that was hashed elsewhere.
    pub fn keep(&mut self, buffer: Vec<u8>) {
        self.kept = Some(buffer);
    }

    /// Hashes the first `n` bytes of `buffer`, after those before.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn hash(&mut self, buffer: Vec<u8>, n: usize) -> Result<(), Gone> {
        self.chunks.send(Message::Chunk(buffer, n)).map_err(|_| Gone)
    }

    /// The digest of what was hashed since the last one.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn digest(&mut self) -> Result<Digest, Gone> {
        self.chunks.send(Message::End).map_err(|_| Gone)?;
        self.digests.recv().map_err(|_| Gone)
    }
}
