//! Ways to look for matches that compressors have.

/// How a compressor decides between a match here and one at the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Takes what is here.
    Greedy,
    /// A literal where the next byte has a longer match (zlib).
    Longer,
    /// A literal where the next byte's match is worth more, its distance counted (libdeflate).
    Worth,
    /// Weighs whole paths: nothing is ruled out.
    Open,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preset {
    /// How many bytes chains of candidates agree in, 3 or 4. With 4 the nearest candidate of three bytes is looked at too.
    pub(super) chained: u8,
    pub(super) choice: Choice,
    /// Candidates that are looked at.
    pub(super) depth: u16,
    /// A match as long as this ends the search.
    pub(super) nice: u16,
    /// A match as long as this divides the depth of the next byte's search by four.
    pub(super) good: u16,
    /// A match as long as this is taken without looking at the next byte.
    pub(super) lazy: u16,
    /// Matches longer than this leave no candidates but their first byte.
    pub(super) insert: u16,
    /// A match of three bytes farther than this is none.
    pub(super) far: u16,
    /// The greatest distance.
    pub(super) window: u16,
    /// Whether the content's first byte is a candidate.
    pub(super) first: bool,
}

const fn zlib(choice: Choice, good: u16, lazy: u16, nice: u16, depth: u16) -> Preset {
    let greedy = matches!(choice, Choice::Greedy);
    Preset {
        chained: 3,
        choice,
        depth,
        nice,
        good: if greedy { 259 } else { good },
        lazy,
        insert: if greedy { lazy } else { 258 },
        far: if greedy { 32768 } else { 4096 },
        window: 32506,
        first: false,
    }
}

const fn other(chained: u8, choice: Choice, depth: u16, nice: u16, far: u16) -> Preset {
    Preset { chained, choice, depth, nice, good: 259, lazy: nice, insert: 258, far, window: 32768, first: true }
}

/// All of them; the place of one is its number in the corrections.
pub(super) const PRESETS: [Preset; 22] = [
    zlib(Choice::Greedy, 4, 4, 8, 4),
    zlib(Choice::Greedy, 4, 5, 16, 8),
    zlib(Choice::Greedy, 4, 6, 32, 32),
    zlib(Choice::Longer, 4, 4, 16, 16),
    zlib(Choice::Longer, 8, 16, 32, 32),
    zlib(Choice::Longer, 8, 16, 128, 128),
    zlib(Choice::Longer, 8, 32, 128, 256),
    zlib(Choice::Longer, 32, 128, 258, 1024),
    zlib(Choice::Longer, 32, 258, 258, 4096),
    other(4, Choice::Greedy, 1, 258, 8192),
    other(4, Choice::Greedy, 2, 32, 8192),
    other(4, Choice::Greedy, 6, 10, 8192),
    other(4, Choice::Greedy, 12, 14, 8192),
    other(4, Choice::Greedy, 16, 30, 8192),
    other(4, Choice::Worth, 16, 30, 8192),
    other(4, Choice::Worth, 35, 65, 8192),
    other(4, Choice::Worth, 100, 130, 8192),
    other(4, Choice::Worth, 600, 258, 8192),
    other(3, Choice::Open, 32, 258, 32768),
    other(4, Choice::Open, 48, 128, 32768),
    other(4, Choice::Open, 128, 258, 32768),
    other(4, Choice::Longer, 32, 128, 32768),
];
