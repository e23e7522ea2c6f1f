//! From a plan to a patch: sources chosen, steps coded, the whole proved by doing what it tells.

use std::collections::BTreeSet;
use std::io::{self, Write};

use bundle_format::delta::{Bytes, Coding, DeltaError, Header, Joined, Spool, Step, Writer, rebuild};
use bundle_format::{Digest, Hasher};
use std::sync::Arc;

use super::corpus::Corpus;
use super::plan::plan;
use super::target::Target;
use super::{Effort, Outcome, Patch, WhyWhole};

impl Corpus {
    /// Makes a patch for a blob, from what is in the corpus. It is applied here once, and compared.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub fn encode(&self, digest: Digest, size: u64, blob: &dyn Bytes) -> io::Result<Outcome> {
        let Some(target) = Target::of(blob, self)? else { return Ok(Outcome::Whole(WhyWhole::Compressor)) };
        let mut items = plan(self, &target.content)?;
        let used = self.used(&items);
        let (sources, space) = self.compact(&used, &mut items);
        let header = Header { digest, size, memory: 0, sources, expansions: Vec::new() };
        let written = self.write(&target, items, &space, header).map_err(unexpected)?;
        let Some((header, bytes)) = written else { return Ok(Outcome::Whole(WhyWhole::Smaller)) };
        if bytes.len() >= size {
            return Ok(Outcome::Whole(WhyWhole::Smaller));
        }
        let mut proof = Proof::default();
        if rebuild(&bytes, &space, 1, &mut proof).is_err() || proof.0.finish() != digest {
            return Ok(Outcome::Whole(WhyWhole::Compressor));
        }
        let (patch_digest, _) = Digest::of_reader(&mut bundle_format::delta::Cursor::new(&bytes, 0, bytes.len()))?;
        Ok(Outcome::Patch(Patch { header, bytes, digest: patch_digest, compressor: target.compressor }))
    }

    /// The blobs that steps copy from, by their numbers.
    fn used(&self, items: &[Vec<Step>]) -> BTreeSet<usize> {
        items.iter().flatten().filter_map(source_of).map(|address| self.blob_at(address)).collect()
    }

    fn blob_at(&self, address: u64) -> usize {
        self.blobs.partition_point(|b| b.at <= address).saturating_sub(1)
    }

    /// The sources of a patch and their contents; addresses in `items` become those in them.
    fn compact(&self, used: &BTreeSet<usize>, items: &mut [Vec<Step>]) -> (Vec<bundle_format::delta::Source>, Joined) {
        let mut space = Joined::default();
        let mut moved = vec![0_u64; self.blobs.len()];
        let mut sources = Vec::new();
        for number in used {
            let blob = &self.blobs[*number];
            moved[*number] = blob.at - space.push(Arc::clone(&blob.content) as Arc<dyn Bytes>);
            sources.push(blob.source);
        }
        for step in items.iter_mut().flatten() {
            if let Step::Copy { source, .. } | Step::Differ { source, .. } | Step::Header { source: Some(source), .. } =
                step
            {
                *source -= moved[self.blob_at(*source)];
            }
        }
        (sources, space)
    }

    fn write(
        &self,
        target: &Target,
        items: Vec<Vec<Step>>,
        space: &Joined,
        header: Header,
    ) -> Result<Option<(Header, Spool)>, DeltaError> {
        let new: u64 = items.iter().flatten().filter(|s| matches!(s, Step::Add { .. })).map(Step::len).sum();
        let coding = Coding {
            literal_bits: (new.max(1).ilog2() as u8).clamp(8, 16),
            level: match self.effort {
                Effort::Fast => 3,
                Effort::Default if new > 64 << 20 => 12,
                Effort::Default | Effort::Best => 19,
            },
            window_bits: (target.content.len().max(1).ilog2() as u8 + 1).clamp(10, 27),
        };
        // What the model may take of new bytes: it is slow, so little of much.
        let mut modelled = match self.effort {
            Effort::Fast => 0,
            Effort::Default => (target.content.len() / 24).max(1 << 20),
            Effort::Best => u64::MAX,
        };
        let mut writer = Writer::new(space, &target.content, coding, &self.dir)?;
        modelled = modelled.min(writer.literals_left());
        if new > modelled {
            modelled = 0;
        }
        let mut content = 0;
        let mut streams = target.streams.iter().peekable();
        let mut open: Option<u64> = None;
        for mut item in items {
            let mut steps = Vec::with_capacity(item.len());
            for mut step in item.drain(..) {
                // A stream may begin or end within a step.
                loop {
                    if open == Some(content) {
                        steps.push(Step::Close);
                        open = None;
                    }
                    while let Some(stream) = streams.next_if(|s| s.begin == content && open.is_none()) {
                        steps.push(Step::Open(stream.opening.clone()));
                        match stream.end == stream.begin {
                            true => steps.push(Step::Close),
                            false => open = Some(stream.end),
                        }
                    }
                    let border = open.or_else(|| streams.peek().map(|s| s.begin)).unwrap_or(u64::MAX);
                    let (now, rest) = split(step, border - content);
                    content += now.len();
                    steps.push(now);
                    match rest {
                        Some(rest) => step = rest,
                        None => break,
                    }
                }
            }
            for step in &mut steps {
                if let Step::Add { len } = *step {
                    match modelled.checked_sub(len) {
                        Some(left) => modelled = left,
                        None => *step = Step::Raw { len },
                    }
                }
            }
            writer.item(&steps)?;
            if writer.coded() as u64 > header.size {
                return Ok(None);
            }
        }
        let mut last = Vec::new();
        if open == Some(content) {
            last.push(Step::Close);
        }
        for stream in streams {
            last.extend([Step::Open(stream.opening.clone()), Step::Close]);
        }
        writer.item(&last)?;
        writer.finish(header, 8 << 20, &self.dir).map(Some)
    }
}

/// A step in two, the first of at most `n` bytes, which are not none. Headers are not cut: no stream begins in one.
fn split(step: Step, n: u64) -> (Step, Option<Step>) {
    if step.len() <= n {
        return (step, None);
    }
    match step {
        Step::Copy { source, len } => {
            (Step::Copy { source, len: n }, Some(Step::Copy { source: source + n, len: len - n }))
        }
        Step::Differ { source, len } => {
            (Step::Differ { source, len: n }, Some(Step::Differ { source: source + n, len: len - n }))
        }
        Step::Add { len } => (Step::Add { len: n }, Some(Step::Add { len: len - n })),
        other => (other, None),
    }
}

fn source_of(step: &Step) -> Option<u64> {
    match step {
        Step::Copy { source, .. } | Step::Differ { source, .. } => Some(*source),
        Step::Header { source, .. } => *source,
        _ => None,
    }
}

fn unexpected(e: DeltaError) -> io::Error {
    match e {
        DeltaError::Io(e) => e,
        other => io::Error::other(other),
    }
}

#[derive(Default)]
struct Proof(Hasher);

impl Write for Proof {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
