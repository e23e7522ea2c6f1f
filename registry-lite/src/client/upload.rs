//! An upload whose content arrives in pieces.

use std::io::{self, Cursor, Read};
use std::mem;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use bundle_format::{Descriptor, Digest};

use super::Registry;
use super::error::ClientError;
use super::transport::Payload;

/// Bytes that are handed to the connection at once.
pub(super) const CHUNK: usize = 256 << 10;
/// Chunks that wait for the connection: with the one being filled and the one being sent, 1 MiB.
const WAITING: usize = 2;

/// An upload of one blob. The request runs on a thread of its own and is fed from here. The last bytes stay on this side
/// until [`Upload::commit`], so that even a registry that checks nothing holds no blob which the caller did not
/// approve. Dropped without a commit, the upload is aborted.
#[derive(Debug)]
pub struct Upload {
    registry: Registry,
    repository: String,
    session: String,
    digest: Digest,
    size: u64,
    written: u64,
    chunk: Vec<u8>,
    request: Option<Request>,
    committed: bool,
}

#[derive(Debug)]
struct Request {
    chunks: SyncSender<Vec<u8>>,
    thread: JoinHandle<Result<(), ClientError>>,
}

impl Upload {
    pub(super) fn new(registry: Registry, repository: String, session: String, blob: &Descriptor) -> Self {
        let (digest, size) = (blob.digest, blob.size);
        Self {
            registry,
            repository,
            session,
            digest,
            size,
            written: 0,
            chunk: Vec::new(),
            request: None,
            committed: false,
        }
    }

    /// Adds `bytes`. Waits while the connection is slower than the caller.
    ///
    /// # Errors
    /// [`ClientError::Size`] for more bytes than the blob has; those of the registry, as soon as it has refused. After an
    /// error the upload is of no more use.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), ClientError> {
        let written = self.written.saturating_add(bytes.len() as u64);
        if written > self.size {
            return Err(self.wrong_size(written));
        }
        self.written = written;
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

    /// Sends the rest and waits until the registry has accepted the blob under its digest. The caller has proved the content
    /// by now; the registry does it again.
    ///
    /// # Errors
    /// [`ClientError::Size`] for fewer bytes than the blob has; those of the registry. The upload is then aborted.
    pub fn commit(mut self) -> Result<(), ClientError> {
        if self.written != self.size {
            return Err(self.wrong_size(self.written));
        }
        match self.request {
            Some(_) => {
                self.send_chunk()?;
                self.finish()?;
            }
            None => {
                let content = Payload::Bytes(&self.chunk);
                self.registry.put_blob(&self.repository, &self.session, self.digest, content)?;
            }
        }
        self.committed = true;
        Ok(())
    }

    /// Drops the connection and asks the registry to forget the upload.
    pub fn abort(self) {
        drop(self);
    }

    fn wrong_size(&self, found: u64) -> ClientError {
        let (what, wanted) = (self.digest.to_string(), self.size.to_string());
        ClientError::Size { place: self.registry.place(&self.repository), what, wanted, found }
    }

    fn send_chunk(&mut self) -> Result<(), ClientError> {
        let request = match self.request.take() {
            Some(request) => request,
            None => self.start()?,
        };
        let sent = request.chunks.send(mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK))).is_ok();
        self.request = Some(request);
        // Nobody takes chunks any more: the request has ended before its content did, and knows why.
        if sent { Ok(()) } else { self.finish() }
    }

    fn start(&self) -> Result<Request, ClientError> {
        let (chunks, receiver) = sync_channel(WAITING);
        let (registry, repository, session) = (self.registry.clone(), self.repository.clone(), self.session.clone());
        let (digest, size) = (self.digest, self.size);
        let run = move || {
            let mut feed = Feed { chunks: receiver, chunk: Cursor::default() };
            registry.put_blob(&repository, &session, digest, Payload::Stream { reader: &mut feed, size })
        };
        let spawned = thread::Builder::new().name("upload".to_owned()).spawn(run);
        let thread = spawned.map_err(|source| {
            let place = self.registry.place(&self.repository);
            ClientError::Local { place, source }
        })?;
        Ok(Request { chunks, thread })
    }

    /// Ends the feed and waits for the outcome.
    fn finish(&mut self) -> Result<(), ClientError> {
        let Some(Request { chunks, thread }) = self.request.take() else { return Ok(()) };
        drop(chunks);
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        if let Some(Request { chunks, thread }) = self.request.take() {
            drop(chunks);
            // It fails, as it should: its content ended early.
            let _ = thread.join();
        }
        self.registry.cancel(&self.repository, &self.session);
    }
}

/// The request's end of the channel.
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
                Err(_) => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the upload was abandoned")),
            }
        }
    }
}
