//! From a plan to a patch: sources chosen, steps coded, the whole proved by doing what it tells.

use std::collections::BTreeSet;
use std::io::{self, Write};

use bundle_format::delta::{Bytes, Coding, Cursor, DeltaError, Header, Joined, Source, Spool, Step, Writer, rebuild};
use bundle_format::{Digest, Hasher};
use std::sync::Arc;

use super::corpus::Corpus;
use super::plan::{Planned, plan};
use super::target::{PREDICTED, Target};
use super::{Effort, Outcome, Patch, WhyWhole};

impl Corpus {
    /// Makes a patch for a blob, from what is in the corpus. It is applied here once, and compared.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub fn encode(&self, digest: Digest, size: u64, blob: &dyn Bytes) -> io::Result<Outcome> {
        for guess in [true, false] {
            let Some(target) = Target::of(blob, self, guess)? else { continue };
            let mut planned = plan(self, Arc::clone(&target.content) as Arc<dyn Bytes>, target.borders())?;
            let used = self.used(&planned);
            let (sources, space) = self.compact(&used, &mut planned);
            let expansions = std::mem::take(&mut planned.expansions);
            let header = Header { digest, size, memory: 0, sources, expansions };
            let written = match self.write(&target, planned, &space, header) {
                // There are more streams, or larger corrections, than a patch may have.
                Err(DeltaError::Malformed(_)) => continue,
                written => written.map_err(unexpected)?,
            };
            let Some((header, bytes)) = written.filter(|(_, bytes)| bytes.len() < size) else {
                return Ok(Outcome::Whole(WhyWhole::Smaller));
            };
            let mut proof = Proof::default();
            if rebuild(&bytes, &space, 1, &mut proof).is_err() || proof.0.finish() != digest {
                // The compressor was another one after all: corrections do not depend on which.
                continue;
            }
            let (patch_digest, _) = Digest::of_reader(&mut Cursor::new(&bytes, 0, bytes.len()))?;
            return Ok(Outcome::Patch(Patch { header, bytes, digest: patch_digest, compressor: target.compressor }));
        }
        Ok(Outcome::Whole(WhyWhole::Compressor))
    }

    /// The blobs that steps and expansions copy from, by their numbers.
    fn used(&self, planned: &Planned) -> BTreeSet<usize> {
        let all = self.all.len();
        let steps = planned.items.iter().flatten().filter_map(source_of).filter(|address| *address < all);
        steps.chain(planned.expansions.iter().map(|e| e.at)).map(|address| self.blob_at(address)).collect()
    }

    fn blob_at(&self, address: u64) -> usize {
        self.blobs.partition_point(|b| b.at <= address).saturating_sub(1)
    }

    /// The sources of a patch and the space that they are; addresses become those in it.
    fn compact(&self, used: &BTreeSet<usize>, planned: &mut Planned) -> (Vec<Source>, Joined) {
        let mut space = Joined::default();
        let mut moved = vec![0_u64; self.blobs.len()];
        let mut sources = Vec::new();
        for number in used {
            let blob = &self.blobs[*number];
            moved[*number] = blob.at - space.push(Arc::clone(&blob.content) as Arc<dyn Bytes>);
            sources.push(blob.source);
        }
        let all = self.all.len();
        let expanded = all - space.push(Arc::new(std::mem::take(&mut planned.expanded)));
        let to_space =
            |address: u64| if address < all { address - moved[self.blob_at(address)] } else { address - expanded };
        for step in planned.items.iter_mut().flatten() {
            if let Step::Copy { source, .. } | Step::Differ { source, .. } | Step::Header { source: Some(source), .. } =
                step
            {
                *source = to_space(*source);
            }
        }
        for expansion in &mut planned.expansions {
            expansion.at = to_space(expansion.at);
        }
        (sources, space)
    }

    fn write(
        &self,
        target: &Target,
        planned: Planned,
        space: &Joined,
        header: Header,
    ) -> Result<Option<(Header, Spool)>, DeltaError> {
        let new: u64 = planned.items.iter().flatten().filter(|s| matches!(s, Step::Add { .. })).map(Step::len).sum();
        let coding = Coding {
            literal_bits: (new.max(1).ilog2() as u8).clamp(8, if self.effort == Effort::Best { 18 } else { 16 }),
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
            // Of more, Zstandard's long matches make less than the model does.
            Effort::Best => (target.content.len() / 12).max(4 << 20),
        };
        let mut writer = Writer::new(space, &planned.made, coding, &self.dir)?;
        modelled = modelled.min(writer.literals_left());
        if new > modelled {
            modelled = 0;
        }
        let mut content = 0;
        // Where streams begin and end in what is made.
        let streams = target.streams.iter().map(|s| (planned.moved(s.begin), planned.moved(s.end), s));
        let mut inner_corrections = planned.corrections.iter();
        let mut streams = streams.collect::<Vec<_>>().into_iter().peekable();
        let mut open: Option<u64> = None;
        let mut inside = 0;
        for mut item in planned.items.iter().cloned() {
            let mut steps = Vec::with_capacity(item.len());
            for mut step in item.drain(..) {
                // A stream may begin or end within a step, but not within a stream of the content.
                loop {
                    if open == Some(content) && inside == 0 {
                        steps.push(Step::Close);
                        open = None;
                    }
                    while let Some((begin, end, stream)) = streams.next_if(|s| s.0 == content && open.is_none()) {
                        steps.push(Step::Open(stream.opening.clone()));
                        stream.corrections.iter().try_for_each(|c| writer.corrections(c))?;
                        match end == begin {
                            true => steps.push(Step::Close),
                            false => open = Some(end),
                        }
                    }
                    match step {
                        Step::Open(ref opening) => {
                            inside += 1;
                            if opening.recipe == PREDICTED {
                                inner_corrections.next().iter().try_for_each(|c| writer.corrections(c))?;
                            }
                        }
                        Step::Close => inside -= 1,
                        _ => {}
                    }
                    let border = open.or_else(|| streams.peek().map(|s| s.0)).unwrap_or(u64::MAX);
                    let (now, rest) = split(step, border.saturating_sub(content).max(1));
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
        for (_, _, stream) in streams {
            last.extend([Step::Open(stream.opening.clone()), Step::Close]);
            stream.corrections.iter().try_for_each(|c| writer.corrections(c))?;
        }
        writer.item(&last)?;
        writer.finish(header, 8 << 20, &self.dir).map(Some)
    }
}

/// A step in two, the first of at most `n` bytes, which are not none. A header that is cut is none any more.
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
        Step::Header { source: Some(source), .. } => split(Step::Differ { source, len: step.len() }, n),
        Step::Header { source: None, .. } => split(Step::Add { len: step.len() }, n),
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
