//! Doing what a patch tells: content is made, compressed as it was, and written (spec/delta.md section 6).

use std::io::{Read, Write};
use std::sync::mpsc::sync_channel;

use super::bytes::Bytes;
use super::model::align::Alignment;
use super::model::coder::{Coder, Decoder};
use super::model::diff::{Diff, Region};
use super::model::literal::Literal;
use super::model::tarhead::Block;
use super::patch::{Patch, with_margin};
use super::script::{Script, Step};
use super::stack::{Message, Stack};
use super::{DeltaError, LITERALS};

/// Bytes of content that go from one thread to the other at once.
const CHUNK: usize = 1 << 18;
/// Such parcels on their way.
const PARCELS: usize = 8;

/// The regions of an item that begins at `offset`, as far as they are of use to find where something went.
pub fn regions(steps: &[Step], mut offset: u64) -> Alignment {
    let mut regions = Vec::new();
    for step in steps {
        if let Step::Copy { source, len } | Step::Differ { source, len } = step {
            regions.push((*source, *len, offset));
        }
        offset += step.len();
    }
    Alignment::of(regions)
}

/// The tar header at an address.
pub fn block_at(space: &dyn Bytes, address: u64) -> Result<Block, DeltaError> {
    let mut block = [0; 512];
    if address.checked_add(512).is_none_or(|end| end > space.len()) {
        return Err(DeltaError::Malformed("a step copies from outside of the sources"));
    }
    space.read_at(address, &mut block)?;
    Ok(block)
}

/// Makes the blob that `patch` describes from `space`, the sources' contents, and writes it to `out`. One thread makes the content, one
/// compresses it; where the blob's compressor worked in blocks, up to `threads` do. Whoever calls this proves the patch before, by its
/// digest, and the blob after, by its own. Memory: what the patch's head says.
///
/// # Errors
/// [`DeltaError`]. What was written by then is not the blob.
pub fn rebuild(
    patch: &dyn Bytes,
    space: &dyn Bytes,
    threads: usize,
    out: &mut (dyn Write + Send),
) -> Result<(), DeltaError> {
    let patch = Patch::open(patch)?;
    if patch.header.space() != space.len() {
        return Err(DeltaError::Malformed("its sources are not those that it is given"));
    }
    let (sender, receiver) = sync_channel(PARCELS);
    let stack = Stack::new(&patch, threads, out);
    std::thread::scope(|scope| {
        let compressing = scope.spawn(move || stack.run(receiver));
        let made =
            Machine::new(&patch, space, Box::new(move |message| sender.send(message).is_ok())).and_then(Machine::run);
        let compressed =
            compressing.join().unwrap_or(Err(DeltaError::Malformed("the thread that compresses has ended")));
        // What went wrong while compressing is why the other could not go on.
        compressed.and(made)
    })
}

/// Makes content.
struct Machine<'a> {
    space: &'a dyn Bytes,
    content: u64,
    decoder: Decoder<super::bytes::Cursor<'a, dyn Bytes + 'a>>,
    script: Script,
    differ: Diff,
    literal: Literal,
    literals: u64,
    raw: Box<dyn Read + 'a>,
    send: Box<dyn FnMut(Message) -> bool + 'a>,
    parcel: Vec<u8>,
}

impl<'a> Machine<'a> {
    fn new(
        patch: &Patch<'a>,
        space: &'a dyn Bytes,
        send: Box<dyn FnMut(Message) -> bool + 'a>,
    ) -> Result<Self, DeltaError> {
        let parameters = patch.parameters;
        let mut raw = zstd::stream::read::Decoder::new(patch.raw())?;
        raw.window_log_max(u32::from(parameters.window_bits).max(10))?;
        Ok(Self {
            space,
            content: parameters.content,
            decoder: Decoder::new(patch.script()),
            script: Script::default(),
            differ: Diff::default(),
            literal: Literal::new(u32::from(parameters.literal_bits)),
            literals: parameters.literals.min(LITERALS),
            raw: Box::new(raw),
            send,
            parcel: Vec::with_capacity(CHUNK),
        })
    }

    fn run(mut self) -> Result<(), DeltaError> {
        loop {
            let offset = self.script.offset();
            let space = self.space;
            let steps = self.script.item(&mut self.decoder, &[], &|address| block_at(space, address))?;
            if self.script.offset() > self.content {
                return Err(DeltaError::Malformed("it makes more content than it says"));
            }
            if steps.is_empty() {
                break;
            }
            let alignment = regions(&steps, offset);
            self.item(&steps, offset, &alignment)?;
        }
        if self.script.offset() != self.content {
            return Err(DeltaError::Malformed("it makes less content than it says"));
        }
        self.deliver()
    }

    fn item(&mut self, steps: &[Step], mut at: u64, alignment: &Alignment) -> Result<(), DeltaError> {
        for step in steps {
            match step {
                Step::Copy { source, len } => self.copy(*source, *len)?,
                Step::Differ { source, len } => {
                    let (old, begin) = with_margin(self.space, *source, *len)?;
                    let region = Region { old: &old, begin, len: *len as usize, source: *source, target: at };
                    self.differ.code(&mut self.decoder, alignment, region, &[], &mut self.parcel);
                    self.sense()?;
                    self.deliver()?;
                }
                Step::Add { len } => {
                    let left = self.literals.checked_sub(*len);
                    self.literals = left.ok_or(DeltaError::Malformed("it has more literals than it says"))?;
                    for _ in 0..*len {
                        let byte = self.literal.code(&mut self.decoder, 0);
                        self.parcel.push(byte);
                        if self.parcel.len() >= CHUNK {
                            self.sense()?;
                            self.deliver()?;
                        }
                    }
                    self.sense()?;
                }
                Step::Raw { len } => self.raw(*len)?,
                Step::Header { block, .. } => self.parcel.extend_from_slice(block.as_slice()),
                Step::Open(opening) => {
                    self.deliver()?;
                    self.send(Message::Open(opening.clone()))?;
                }
                Step::Close => {
                    self.deliver()?;
                    self.send(Message::Close)?;
                }
            }
            if self.parcel.len() >= CHUNK {
                self.deliver()?;
            }
            at += step.len();
        }
        Ok(())
    }

    /// The coded bytes have not ended long ago: what a few of them claim to be takes no time.
    fn sense(&self) -> Result<(), DeltaError> {
        match self.decoder.spent() {
            false => Ok(()),
            true => Err(DeltaError::Malformed("it ends before what it tells")),
        }
    }

    fn copy(&mut self, mut source: u64, mut len: u64) -> Result<(), DeltaError> {
        if source.checked_add(len).is_none_or(|end| end > self.space.len()) {
            return Err(DeltaError::Malformed("a step copies from outside of the sources"));
        }
        while len > 0 {
            let n = len.min((CHUNK - self.parcel.len().min(CHUNK - 1)) as u64);
            let at = self.parcel.len();
            self.parcel.resize(at + n as usize, 0);
            self.space.read_at(source, &mut self.parcel[at..])?;
            (source, len) = (source + n, len - n);
            if self.parcel.len() >= CHUNK {
                self.deliver()?;
            }
        }
        Ok(())
    }

    fn raw(&mut self, mut len: u64) -> Result<(), DeltaError> {
        while len > 0 {
            let n = len.min((CHUNK - self.parcel.len().min(CHUNK - 1)) as u64);
            let at = self.parcel.len();
            self.parcel.resize(at + n as usize, 0);
            self.raw.read_exact(&mut self.parcel[at..])?;
            len -= n;
            if self.parcel.len() >= CHUNK {
                self.deliver()?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<(), DeltaError> {
        if self.parcel.is_empty() {
            return Ok(());
        }
        let parcel = std::mem::replace(&mut self.parcel, Vec::with_capacity(CHUNK));
        self.send(Message::Content(parcel))
    }

    fn send(&mut self, message: Message) -> Result<(), DeltaError> {
        match (self.send)(message) {
            true => Ok(()),
            false => Err(DeltaError::Malformed("the thread that compresses has ended")),
        }
    }
}
