//! What a patch tells to do, and how that is coded (spec/delta.md section 4).

use super::DeltaError;
use super::model::coder::Coder;
use super::model::number::{ByteTree, Flag, Number};
use super::model::tarhead::{Block, TarHead, content_of};
use crate::recode::{Opening, Recipe, Wrapper};

/// Most steps of one item.
pub const STEPS: usize = 1 << 18;
/// Most bytes of the tar headers and the wrappers in one item.
pub const ITEM_BYTES: usize = 1 << 22;
/// Most bytes of one [`Step::Differ`].
pub const DIFFER: u64 = 1 << 20;
/// Longest header of a gzip member, in bytes.
pub const GZIP_HEADER: usize = 1 << 12;

/// A step that makes some of the target's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The bytes of the space from `source` on.
    Copy {
        /// Address in the space.
        source: u64,
        /// Bytes.
        len: u64,
    },
    /// Bytes like those from `source` on; at most [`DIFFER`].
    Differ {
        /// Address in the space.
        source: u64,
        /// Bytes.
        len: u64,
    },
    /// New bytes, from the model of literals.
    Add {
        /// Bytes.
        len: u64,
    },
    /// New bytes, from the section that is compressed with Zstandard.
    Raw {
        /// Bytes.
        len: u64,
    },
    /// A tar header like the one at `source`, if there is one like it.
    Header {
        /// Address in the space.
        source: Option<u64>,
        /// The header.
        block: Box<Block>,
    },
    /// From here on content is compressed.
    Open(Opening),
    /// The content that is compressed has ended.
    Close,
}

impl Step {
    /// Bytes of content that it makes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Copy { len, .. } | Self::Differ { len, .. } | Self::Add { len } | Self::Raw { len } => *len,
            Self::Header { .. } => 512,
            Self::Open(_) | Self::Close => 0,
        }
    }

    /// Whether it makes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of tar header or wrapper that come with it.
    fn held(&self) -> usize {
        match self {
            Self::Header { block, .. } => block.len(),
            Self::Open(opening) => opening.wrapper.to_bytes().len(),
            _ => 0,
        }
    }

    fn kind(&self) -> usize {
        match self {
            Self::Copy { .. } => 1,
            Self::Differ { .. } => 2,
            Self::Add { .. } => 3,
            Self::Raw { .. } => 4,
            Self::Header { .. } => 5,
            Self::Open(_) => 6,
            Self::Close => 7,
        }
    }
}

/// How many of the first of `steps` may be in one item; not none, unless there are none.
pub fn fitting(steps: &[Step]) -> usize {
    let mut held = 0;
    let fits = |step: &&Step| {
        held += step.held();
        held <= ITEM_BYTES
    };
    steps.iter().take(STEPS).take_while(fits).count()
}

/// Reads the header-sized block at an address.
pub type Fetch<'a> = dyn Fn(u64) -> Result<Block, DeltaError> + 'a;

/// Codes the steps of items, one item after another.
#[derive(Debug, Default)]
pub struct Script {
    kinds: Flag<{ 8 * 3 * 8 }>,
    expected: Flag<{ 8 * 8 }>,
    recent: Flag<{ 3 * 8 }>,
    far: [Number; 8],
    to_end: Flag<8>,
    lengths: [Number; 8],
    has_source: Flag<2>,
    heads: TarHead,
    same_opening: Flag<1>,
    opening: [ByteTree; 8],
    header_bytes: ByteTree,
    header_len: Number,
    last_opening: Option<Opening>,
    /// The address after the last one used.
    next: u64,
    /// Differences of address and offset that were used last.
    shifts: [u64; 3],
    /// Offset in the target's content.
    offset: u64,
    /// Bytes left of the content that a tar header has announced.
    left: Option<u64>,
    last: usize,
}

impl Script {
    /// Codes the steps of an item; without steps it is the end. Decoding, what is given is ignored.
    ///
    /// # Errors
    /// A decoder found steps that break a rule.
    pub fn item(&mut self, coder: &mut impl Coder, given: &[Step], fetch: &Fetch<'_>) -> Result<Vec<Step>, DeltaError> {
        let (mut steps, mut held) = (Vec::new(), 0);
        while let Some(step) = self.step(coder, given.get(steps.len()), fetch)? {
            held += step.held();
            steps.push(step);
            if steps.len() > STEPS || held > ITEM_BYTES || coder.spent() {
                return Err(DeltaError::Malformed("it has too many steps"));
            }
        }
        Ok(steps)
    }

    /// Offset in the target's content, after what was coded.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn step(
        &mut self,
        coder: &mut impl Coder,
        given: Option<&Step>,
        fetch: &Fetch<'_>,
    ) -> Result<Option<Step>, DeltaError> {
        let state = self.left.map_or(0, |left| 1 + usize::from(left > 0));
        let mut kind = 1;
        let wanted = given.map_or(0, Step::kind);
        for i in (0..3).rev() {
            let context = (self.last * 3 + state) * 8 + kind;
            kind = kind << 1 | usize::from(self.kinds.code(coder, context, wanted >> i & 1 == 1));
        }
        let kind = kind & 7;
        let step = match kind {
            0 => {
                self.last = 0;
                return Ok(None);
            }
            1 | 2 => {
                let (source, len) = match given {
                    Some(Step::Copy { source, len } | Step::Differ { source, len }) => (*source, *len),
                    _ => (0, 0),
                };
                let source = self.source(coder, kind, source);
                let len = self.len(coder, kind, len)?;
                match kind {
                    1 => Step::Copy { source, len },
                    _ if len > DIFFER => return Err(DeltaError::Malformed("a step differs in more than 1 MiB")),
                    _ => Step::Differ { source, len },
                }
            }
            3 => Step::Add { len: self.len(coder, kind, given.map_or(0, Step::len))? },
            4 => Step::Raw { len: self.len(coder, kind, given.map_or(0, Step::len))? },
            5 => self.header(coder, given, fetch)?,
            6 => Step::Open(self.opening(coder, given)?),
            _ => Step::Close,
        };
        self.last = kind;
        self.advance(&step)?;
        Ok(Some(step))
    }

    fn advance(&mut self, step: &Step) -> Result<(), DeltaError> {
        let len = step.len();
        if let Step::Copy { source, .. } | Step::Differ { source, .. } | Step::Header { source: Some(source), .. } =
            step
        {
            let shift = source.wrapping_sub(self.offset);
            if self.shifts[0] != shift {
                let at = self.shifts.iter().position(|s| *s == shift).unwrap_or(2);
                self.shifts[..=at].rotate_right(1);
                self.shifts[0] = shift;
            }
            let next = source.checked_add(len).filter(|n| *n < 1 << 60);
            self.next = next.ok_or(DeltaError::Malformed("a step copies from outside of the sources"))?;
        }
        let offset = self.offset.checked_add(len).filter(|n| *n < 1 << 60);
        self.offset = offset.ok_or(DeltaError::Malformed("it makes more than there can be"))?;
        match step {
            Step::Header { block, .. } => self.left = Some(content_of(block)),
            Step::Open(_) | Step::Close => self.left = None,
            _ => self.left = self.left.map(|left| left.saturating_sub(len)),
        }
        Ok(())
    }

    fn source(&mut self, coder: &mut impl Coder, kind: usize, source: u64) -> u64 {
        if self.expected.code(coder, kind * 8 + self.last, source == self.next) {
            return self.next;
        }
        for i in 0..3 {
            let candidate = self.offset.wrapping_add(self.shifts[i]);
            if self.recent.code(coder, i * 8 + kind, source == candidate) {
                return candidate;
            }
        }
        let by = self.far[kind].code_signed(coder, source.wrapping_sub(self.next) as i64);
        self.next.wrapping_add_signed(by)
    }

    fn len(&mut self, coder: &mut impl Coder, kind: usize, len: u64) -> Result<u64, DeltaError> {
        if let Some(left) = self.left.filter(|left| *left > 0)
            && self.to_end.code(coder, kind, len == left)
        {
            return Ok(left);
        }
        let len = self.lengths[kind].code(coder, len.saturating_sub(1)) + 1;
        if len < 1 << 50 { Ok(len) } else { Err(DeltaError::Malformed("a step makes more than there can be")) }
    }

    fn header(&mut self, coder: &mut impl Coder, given: Option<&Step>, fetch: &Fetch<'_>) -> Result<Step, DeltaError> {
        let empty = [0; 512];
        let (source, block) = match given {
            Some(Step::Header { source, block }) => (*source, block.as_ref()),
            _ => (None, &empty),
        };
        let has = self.has_source.code(coder, usize::from(self.last == 0), source.is_some());
        let source = if has { Some(self.source(coder, 5, source.unwrap_or(0))) } else { None };
        let like = source.map_or(Ok(empty), fetch)?;
        Ok(Step::Header { source, block: Box::new(self.heads.code(coder, &like, block)) })
    }

    fn opening(&mut self, coder: &mut impl Coder, given: Option<&Step>) -> Result<Opening, DeltaError> {
        let given = match given {
            Some(Step::Open(opening)) => Some(opening),
            _ => None,
        };
        if let Some(last) = &self.last_opening
            && self.same_opening.code(coder, 0, given == Some(last))
        {
            return Ok(last.clone());
        }
        let fields = given.map_or([0; 8], |g| g.recipe.to_bytes());
        let mut bytes = [0; 8];
        for ((byte, tree), field) in bytes.iter_mut().zip(&mut self.opening).zip(fields) {
            *byte = tree.code(coder, field);
        }
        let recipe =
            Recipe::from_bytes(bytes).ok_or(DeltaError::Malformed("it needs a compressor that is not known"))?;
        let wrapper = given.map(|g| g.wrapper.to_bytes()).unwrap_or_default();
        let len = self.header_len.code(coder, wrapper.len() as u64);
        if len > GZIP_HEADER as u64 {
            return Err(DeltaError::Malformed("a header of gzip is too long"));
        }
        let mut bytes = Vec::new();
        for i in 0..len as usize {
            bytes.push(self.header_bytes.code(coder, wrapper.get(i).copied().unwrap_or(0)));
        }
        let wrapper = Wrapper::from_bytes(&bytes).ok_or(DeltaError::Malformed("a stream has an unknown wrapper"))?;
        let opening = Opening { wrapper, recipe };
        self.last_opening = Some(opening.clone());
        Ok(opening)
    }
}
