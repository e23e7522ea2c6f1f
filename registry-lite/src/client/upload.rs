//! An upload whose content arrives in pieces.

use std::io::{self, Cursor, Read};
use std::mem;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use bundle_format::Descriptor;

use super::Registry;
use super::error::ClientError;

/// Bytes that are handed to the connection at once. A blob of no more goes in one request.
pub(super) const CHUNK: usize = 256 << 10;
/// Chunks that wait for the connection: with the one being filled and the one being sent, 1 MiB.
const WAITING: usize = 2;

/// An upload of one blob. Its content is streamed in one `PATCH`, on a thread of its own that is fed from here; the blob
/// comes to be only by the `PUT` that [`Upload::commit`] sends. Dropped without a commit, the upload is aborted.
///
/// One `PUT` with the content would save a round trip, but cannot be aborted cleanly: Docker's registry keeps what it
/// has got of it for a week and refuses to cancel the upload.
#[derive(Debug)]
pub struct Upload {
    registry: Registry,
    repository: String,
    session: String,
    written: u64,
    chunk: Vec<u8>,
    stream: Option<Stream>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Bytes were lost: what follows must not be taken for the whole.
    Broken,
    Committed,
}

#[derive(Debug)]
struct Stream {
    chunks: SyncSender<Vec<u8>>,
    /// Ends with the address that the upload goes on at.
    thread: JoinHandle<Result<String, ClientError>>,
}

impl Upload {
    pub(super) fn new(registry: Registry, repository: String, session: String) -> Self {
        Self { registry, repository, session, written: 0, chunk: Vec::new(), stream: None, state: State::Open }
    }

    /// Adds `bytes`. Waits while the connection is slower than the caller.
    ///
    /// # Errors
    /// Those of the registry, as soon as it has refused. The upload then takes no more.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), ClientError> {
        self.check_open()?;
        self.written = self.written.saturating_add(bytes.len() as u64);
        while !bytes.is_empty() {
            if self.chunk.len() == CHUNK {
                self.send_chunk()?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Sends the rest and waits until the registry has accepted the content as `blob`. The caller has proved it by now; the
    /// registry does it again.
    ///
    /// # Errors
    /// [`ClientError::Size`] for another number of bytes than the blob has; those of the registry. The upload is then
    /// aborted.
    pub fn commit(mut self, blob: &Descriptor) -> Result<(), ClientError> {
        self.check_open()?;
        if self.written != blob.size {
            let (what, wanted) = (blob.digest.to_string(), blob.size.to_string());
            let place = self.registry.place(&self.repository);
            return Err(ClientError::Size { place, what, wanted, found: self.written });
        }
        if self.stream.is_some() {
            self.send_chunk()?;
            self.end_stream()?;
        }
        self.registry.put_blob(&self.repository, &self.session, blob.digest, &self.chunk)?;
        self.state = State::Committed;
        Ok(())
    }

    /// Stops, and has the registry forget the upload.
    pub fn abort(self) {
        drop(self);
    }

    fn check_open(&self) -> Result<(), ClientError> {
        if self.state == State::Open {
            return Ok(());
        }
        let source = io::Error::new(io::ErrorKind::BrokenPipe, "the upload has failed before");
        Err(ClientError::Local { place: self.registry.place(&self.repository), source })
    }

    /// Hands the chunk over, to a stream that starts with the first.
    fn send_chunk(&mut self) -> Result<(), ClientError> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.start_stream().inspect_err(|_| self.state = State::Broken)?,
        };
        let sent = stream.chunks.send(mem::take(&mut self.chunk)).is_ok();
        self.stream = Some(stream);
        if sent {
            return Ok(());
        }
        // Nobody takes chunks any more: the request has ended before its content did, and knows why.
        self.state = State::Broken;
        self.end_stream()?;
        self.check_open()
    }

    fn start_stream(&self) -> Result<Stream, ClientError> {
        let (chunks, receiver) = sync_channel(WAITING);
        let (registry, repository, session) = (self.registry.clone(), self.repository.clone(), self.session.clone());
        let run = move || {
            let mut feed = Feed { chunks: receiver, chunk: Cursor::default() };
            registry.patch_blob(&repository, &session, &mut feed)
        };
        let spawned = thread::Builder::new().name("upload".to_owned()).spawn(run);
        let thread = spawned.map_err(|source| {
            let place = self.registry.place(&self.repository);
            ClientError::Local { place, source }
        })?;
        Ok(Stream { chunks, thread })
    }

    /// Ends the content and waits for the answer to it.
    fn end_stream(&mut self) -> Result<(), ClientError> {
        if let Some(Stream { chunks, thread }) = self.stream.take() {
            drop(chunks);
            self.session = thread.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.state != State::Committed {
            // Registries expire the uploads that nobody ended, so it does not matter if this fails.
            let _ = self.end_stream();
            self.registry.cancel(&self.repository, &self.session);
        }
    }
}

/// The request's end of the channel; the content ends when the other end is dropped.
struct Feed {
    chunks: Receiver<Vec<u8>>,
    chunk: Cursor<Vec<u8>>,
}

impl Read for Feed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.chunk.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            match self.chunks.recv() {
                Ok(chunk) => self.chunk = Cursor::new(chunk),
                Err(_) => return Ok(0),
            }
        }
    }
}
