//! DEFLATE data to content and corrections.

use super::VERSION;
use super::coder::Encoder;
use super::codes::{CodesModel, Frequencies};
use super::frame::{Frame, MOST_TOKENS};
use super::model::{LOOKAHEAD, Model};
use super::preset::{PRESETS, Preset};
use crate::recode::tokens::{Block, Decoder, Kind, Progress, Start, Token, TokensError};
use std::collections::VecDeque;
use std::io::{Read, Write};

/// Content of which the preset is chosen: of the first for all presets, of the second for those that did best.
const FIRST: usize = 1 << 15;
const SECOND: usize = 1 << 18;
const CHOSEN: usize = 4;
/// Content of one piece of a block.
const PIECE: usize = 1 << 18;
/// Pieces that may wait for content behind them.
const MOST_PIECES: usize = 1 << 12;

/// Why there are no corrections.
#[derive(Debug, thiserror::Error)]
pub enum AnalyseError {
    /// It is no DEFLATE data, or cannot be read.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// There is a long row of blocks without content.
    #[error("the compressed data has over {MOST_PIECES} blocks without content in a row, which no compressor makes")]
    Empty,
    /// Content or corrections cannot be written.
    #[error("what was found out of the compressed data cannot be written")]
    Write(#[source] std::io::Error),
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Analysis {
    /// Bytes of the DEFLATE data; what follows them is something else.
    pub consumed: u64,
    /// Bytes of its content.
    pub content: u64,
    /// Bytes of the corrections.
    pub corrections: u64,
}

/// A piece of a block: its beginning if it is the first, and tokens or the bytes of a stored block.
struct Piece {
    block: Option<Block>,
    tokens: Vec<Token>,
    /// Bytes of content.
    length: usize,
    ends: bool,
    /// Of the last byte, if it is the last piece of all.
    padding: u8,
    last: bool,
}

/// Takes the DEFLATE data that `deflate` begins with apart: its content goes to `content`, and what makes the data of that
/// again ([`super::Recreate`]) to `corrections`. Reads on behind its end; memory is below 12 MiB.
///
/// # Errors
/// When it is no DEFLATE data, is cut off, or something cannot be read or written.
pub fn analyse(
    deflate: &mut dyn Read,
    content: &mut dyn Write,
    corrections: &mut dyn Write,
) -> Result<Analysis, AnalyseError> {
    let mut source = Source {
        decoder: Decoder::new(deflate),
        pieces: VecDeque::new(),
        content: Vec::new(),
        inside: false,
        last: false,
        ended: false,
    };
    while !source.ended && source.content.len() < SECOND + LOOKAHEAD {
        source.pull()?;
    }
    let number = choose(&source);
    corrections.write_all(&[VERSION, number as u8]).map_err(AnalyseError::Write)?;
    let mut analysis = Analysis { consumed: 0, content: 0, corrections: 2 };
    let mut writer = Writer::new(PRESETS[number]);
    let mut open = None;
    loop {
        // All that was decoded goes on to the model, which keeps what it needs.
        writer.model.supply(&source.content);
        content.write_all(&source.content).map_err(AnalyseError::Write)?;
        analysis.content += source.content.len() as u64;
        source.content.clear();
        while let Some(piece) = source.pieces.front() {
            if !source.ended && writer.model.left() < piece.length + LOOKAHEAD {
                break;
            }
            writer.piece(piece, &mut open, usize::MAX);
            analysis.corrections += writer.encoder.drain(corrections).map_err(AnalyseError::Write)?;
            source.pieces.pop_front();
        }
        if source.ended && source.pieces.is_empty() {
            break;
        }
        source.pull()?;
    }
    writer.encoder.finish();
    analysis.corrections += writer.encoder.drain(corrections).map_err(AnalyseError::Write)?;
    analysis.consumed = source.decoder.consumed();
    Ok(analysis)
}

struct Source<R> {
    decoder: Decoder<R>,
    pieces: VecDeque<Piece>,
    content: Vec<u8>,
    /// Within a block, and whether that is the last.
    inside: bool,
    last: bool,
    ended: bool,
}

impl<R: Read> Source<R> {
    /// Decodes one piece more.
    fn pull(&mut self) -> Result<(), AnalyseError> {
        if self.ended {
            return Ok(());
        }
        if self.pieces.len() >= MOST_PIECES {
            return Err(AnalyseError::Empty);
        }
        let block = if self.inside { None } else { self.decoder.block()? };
        if let Some(block) = &block {
            self.last = block.last;
        }
        let last = self.last;
        let mut tokens = Vec::new();
        let before = self.content.len();
        let most = if matches!(block, Some(Block { start: Start::Stored { .. }, .. })) { 1 << 16 } else { PIECE };
        let progress = self.decoder.tokens(&mut tokens, MOST_TOKENS, most)?;
        self.content.extend_from_slice(self.decoder.content());
        let ends = progress == Progress::Ended;
        let padding = if ends && last { self.decoder.padding()? } else { 0 };
        (self.inside, self.ended) = (!ends, ends && last);
        let length = self.content.len() - before;
        self.pieces.push_back(Piece { block, tokens, length, ends, padding, last });
        Ok(())
    }
}

/// The preset that makes the shortest corrections of the beginning.
fn choose(source: &Source<impl Read>) -> usize {
    let cost = |number: usize, most: usize| {
        let mut writer = Writer::new(PRESETS[number]);
        writer.model.supply(&source.content);
        let (mut open, mut left) = (None, most);
        for piece in &source.pieces {
            writer.piece(piece, &mut open, left);
            left = left.saturating_sub(piece.length);
            if left == 0 {
                break;
            }
        }
        // A search that goes deep must be worth its time: the deepest counts five times.
        writer.encoder.len() * (1024 + usize::from(PRESETS[number].depth)) / 1024
    };
    let ranked = |numbers: &[usize], most: usize| {
        let mut costs: Vec<(usize, usize)> = numbers.iter().map(|&n| (cost(n, most), n)).collect();
        costs.sort_unstable();
        costs.into_iter().map(|(_, n)| n).collect::<Vec<_>>()
    };
    let all: Vec<usize> = (0..PRESETS.len()).collect();
    let mut best = ranked(&all, FIRST);
    if source.content.len() > FIRST {
        best = ranked(&best[..CHOSEN], SECOND);
    }
    best[0]
}

struct Writer {
    encoder: Encoder,
    frame: Frame,
    codes: CodesModel,
    model: Model,
    empty: bool,
    fresh: bool,
}

impl Writer {
    fn new(preset: Preset) -> Self {
        Self {
            encoder: Encoder::new(),
            frame: Frame::new(),
            codes: CodesModel::new(),
            model: Model::new(preset),
            empty: false,
            fresh: true,
        }
    }

    /// Codes a piece, or what of it lies within `most` bytes of content.
    fn piece(&mut self, piece: &Piece, open: &mut Option<Start>, most: usize) {
        if let Some(block) = &piece.block {
            let kind = match block.start {
                Start::Stored { .. } => Kind::Stored,
                Start::Fixed => Kind::Fixed,
                Start::Dynamic(_) => Kind::Dynamic,
            };
            self.frame.block(&mut self.encoder, self.empty, block.last, kind);
            *open = Some(block.start.clone());
        }
        self.fresh &= piece.length == 0;
        if let Some(Start::Stored { padding, length }) = *open {
            self.frame.padding(&mut self.encoder, 0, padding);
            self.frame.stored(&mut self.encoder, length);
            self.model.stored(piece.length);
            *open = None;
        } else {
            self.tokens(piece, open.take(), most);
        }
        if piece.ends {
            (self.empty, self.fresh) = (self.fresh, true);
            if piece.last {
                self.frame.padding(&mut self.encoder, 1, piece.padding);
            }
        }
    }

    fn tokens(&mut self, piece: &Piece, first: Option<Start>, most: usize) {
        self.frame.run(&mut self.encoder, piece.tokens.len(), piece.ends);
        let mut passed = 0;
        for &token in &piece.tokens {
            if passed >= most {
                return;
            }
            let made = self.model.token(&mut self.encoder, token);
            debug_assert_eq!(made, Some(token));
            passed += usize::from(token.length());
        }
        if let Some(Start::Dynamic(codes)) = first {
            self.codes.code(&mut self.encoder, &Frequencies::of(&piece.tokens), &codes);
        }
    }
}
