//! Files with compressed streams in them: what changed within is compared inflated, and compressed again at the site.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use bundle_format::delta::{Bytes, Expansion, Step};
use bundle_format::recode::{Opening, Recipe, Wrapper};
use std::sync::Arc;

use super::entries::{Entry, pattern};
use super::inner::{Inner, streams};
use super::plan::{AT_ONCE, Plan};
use super::target::{PREDICTED, corrections};

/// A stream of the target that is made from its content.
struct Changed {
    inner: Inner,
    content: Vec<u8>,
    opening: Opening,
    corrections: Option<Vec<u8>>,
}

/// Most streams of one target whose compressor is not known.
const CORRECTED: usize = 1 << 14;

/// The streams of a source's file.
struct Old {
    address: u64,
    bytes: Vec<u8>,
    streams: Vec<Inner>,
    by_name: HashMap<String, usize>,
    by_pattern: HashMap<String, usize>,
    hashes: HashMap<u64, usize>,
    /// Where the content of a stream begins among the expansions, and its bytes.
    inflated: HashMap<usize, Option<(u64, u64)>>,
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

impl<'a> Plan<'a> {
    /// The steps for `entry`, whose bytes are `new`, with these streams in it.
    pub(super) fn archive(
        &mut self,
        entry: &Entry,
        like: Option<&Entry>,
        new: &[u8],
        inner: Vec<Inner>,
    ) -> io::Result<()> {
        let mut old = self.old(like)?;
        let changed = self.changed(new, inner, &old);
        // What is left as it is, in one piece: the index of the source is made once.
        let mut plain = Vec::with_capacity(new.len());
        let mut at = 0;
        for stream in &changed {
            plain.extend_from_slice(&new[at..stream.inner.begin]);
            at = stream.inner.end;
        }
        plain.extend_from_slice(&new[at..]);
        let sources = self.sources(entry, like, entry.begin, entry.len());
        let alike = self.like(&sources, &plain)?;
        let (mut at, mut done) = (0, 0);
        for stream in changed {
            let n = stream.inner.begin - at;
            self.emit(&alike, &plain, done, done + n);
            (at, done) = (stream.inner.end, done + n);
            self.end_item();
            self.take(entry.begin + stream.inner.begin as u64);
            self.steps.push(Step::Open(stream.opening));
            self.corrections.extend(stream.corrections);
            let counterpart = old.counterpart(&stream.inner.name);
            let source = counterpart.and_then(|n| self.expand(&mut old, n));
            self.differ(source.as_slice(), &stream.content)?;
            self.steps.push(Step::Close);
            self.end_item();
            self.take_inflated(entry.begin + stream.inner.end as u64, stream.content);
        }
        self.emit(&alike, &plain, done, plain.len());
        self.end_item();
        Ok(())
    }

    fn old(&self, like: Option<&Entry>) -> io::Result<Old> {
        let like = like.filter(|like| like.len() <= AT_ONCE);
        let (address, len) = like.map_or((0, 0), |like| (like.begin, like.len()));
        let mut bytes = vec![0; len as usize];
        self.read_space(address, &mut bytes)?;
        let streams = streams(&bytes);
        let numbered = || streams.iter().enumerate();
        Ok(Old {
            address,
            by_name: numbered().map(|(n, s)| (s.name.clone(), n)).collect(),
            by_pattern: numbered().map(|(n, s)| (pattern(&s.name), n)).collect(),
            hashes: numbered().map(|(n, s)| (hash(&bytes[s.begin..s.end]), n)).collect(),
            inflated: HashMap::new(),
            streams,
            bytes,
        })
    }

    /// The streams that are new, and that a known compressor makes again.
    fn changed(&mut self, new: &[u8], inner: Vec<Inner>, old: &Old) -> Vec<Changed> {
        let mut out = Vec::new();
        for inner in inner {
            let bytes = &new[inner.begin..inner.end];
            let known = old.hashes.get(&hash(bytes)).map(|n| &old.streams[*n]);
            if known.is_some_and(|k| old.bytes[k.begin..k.end] == *bytes) {
                continue;
            }
            let Some(content) = inner.inflate(new, AT_ONCE as usize) else { continue };
            let (begin, end) = inner.data();
            let data = &new[begin..end];
            let header = match &inner.wrapper {
                Wrapper::Gzip(header) => Some(header.as_slice()),
                _ => None,
            };
            let last = self.last_recipe;
            let others = Recipe::candidates(header).into_iter().filter(|r| Some(*r) != last);
            let recipe = last.into_iter().chain(others).find(|r| r.agrees(&content, data, true).is_some());
            let (recipe, corrections) = match recipe {
                Some(recipe) => (recipe, None),
                None => match corrections(data, data.len() as u64) {
                    Some(corrections) if self.corrections.len() + out.len() < CORRECTED => {
                        (PREDICTED, Some(corrections))
                    }
                    _ => continue,
                },
            };
            self.last_recipe = Some(recipe).filter(|r| *r != PREDICTED).or(last);
            let opening = Opening { wrapper: inner.wrapper.clone(), recipe };
            out.push(Changed { inner, content, opening, corrections });
        }
        out
    }

    /// Address and bytes of the content of a source's stream, which becomes an expansion.
    fn expand(&mut self, old: &mut Old, number: usize) -> Option<(u64, u64)> {
        if let Some(known) = old.inflated.get(&number) {
            return *known;
        }
        let stream = &old.streams[number];
        let content = stream.inflate(&old.bytes, AT_ONCE as usize);
        let place = content.map(|content| {
            let len = content.len() as u64;
            self.expansions.push(Expansion {
                at: old.address + stream.begin as u64,
                size: (stream.end - stream.begin) as u64,
                form: stream.form,
                content: len,
            });
            (self.corpus.all.len() + self.expanded.push(Arc::new(content) as Arc<dyn Bytes>), len)
        });
        old.inflated.insert(number, place);
        place
    }
}

impl Old {
    fn counterpart(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).or_else(|| self.by_pattern.get(&pattern(name))).copied()
    }
}
