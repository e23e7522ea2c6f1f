//! Content and corrections to DEFLATE data.

use super::VERSION;
use super::coder::Decoder;
use super::codes::{CodesModel, Frequencies};
use super::frame::Frame;
use super::model::{LOOKAHEAD, Model};
use super::preset::PRESETS;
use crate::recode::Compressor;
use crate::recode::tokens::{Block, BlockWriter, Codes, Kind, Start, Token};
use std::io::Read;

/// Content that is looked at in one piece, so that memory does not depend on how content is cut.
const PIECE: usize = 1 << 16;

enum Step {
    /// A block begins.
    Block,
    /// Bytes of a stored block that are left.
    Stored(usize),
    /// A piece of a block's tokens begins.
    Run { first: Option<Kind> },
    /// So many are left of it.
    Tokens { left: usize, ends: bool, first: Option<Kind> },
    /// Nothing more is written: the data has ended, or the corrections are not for this content.
    Over,
}

/// Makes DEFLATE data again. Corrections that are not those of the content make other data or less: what is made is believed
/// for its digest alone. It grows with the content and the corrections, a constant factor at most.
pub struct Recreate<R> {
    decoder: Decoder<R>,
    frame: Frame,
    codes: CodesModel,
    model: Model,
    writer: BlockWriter,
    tokens: Vec<Token>,
    step: Step,
    last: bool,
    /// The block that ended had no content, this one has none yet.
    empty: bool,
    fresh: bool,
    done: bool,
}

impl<R: Read + Send> Recreate<R> {
    /// A maker with the corrections that [`super::analyse`] wrote. A reader that fails is taken for one that ended.
    pub fn new(mut corrections: R) -> Self {
        let mut head = [0; 2];
        let known = corrections.read_exact(&mut head).is_ok() && head[0] == VERSION;
        let preset = PRESETS.get(usize::from(head[1])).copied();
        Self {
            decoder: Decoder::new(corrections),
            frame: Frame::new(),
            codes: CodesModel::new(),
            model: Model::new(preset.unwrap_or(PRESETS[0])),
            writer: BlockWriter::default(),
            tokens: Vec::new(),
            step: if known && preset.is_some() { Step::Block } else { Step::Over },
            last: false,
            empty: false,
            fresh: true,
            done: false,
        }
    }

    /// Whether the data was made to its end. It may still be other data than was wanted.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.done
    }

    fn advance(&mut self, ended: bool, out: &mut Vec<u8>) {
        loop {
            if self.decoder.is_exhausted() {
                self.step = Step::Over;
            }
            match self.next(ended, out) {
                Some(Some(step)) => self.step = step,
                Some(None) => {
                    self.step = Step::Over;
                    return;
                }
                None => return,
            }
        }
    }

    /// The next step: none while content is wanting, an inner none where the corrections make no sense.
    fn next(&mut self, ended: bool, out: &mut Vec<u8>) -> Option<Option<Step>> {
        let left = self.model.left();
        match self.step {
            Step::Over => None,
            Step::Block => Some(self.block(out)),
            Step::Stored(0) => Some(self.end(out)),
            Step::Stored(_) if left == 0 => ended.then_some(None),
            Step::Stored(n) => {
                self.fresh = false;
                let now = n.min(left);
                out.extend_from_slice(self.model.stored(now));
                Some(Some(Step::Stored(n - now)))
            }
            Step::Run { first } => {
                Some(self.frame.run(&mut self.decoder, 0, false).map(|(left, ends)| Step::Tokens { left, ends, first }))
            }
            Step::Tokens { left: 0, ends, first } => Some(self.run(ends, first, out)),
            Step::Tokens { .. } if !ended && left < LOOKAHEAD => None,
            Step::Tokens { left, ends, first } => {
                Some(self.some_tokens(left, ended).map(|left| Step::Tokens { left, ends, first }))
            }
        }
    }

    fn some_tokens(&mut self, mut left: usize, ended: bool) -> Option<usize> {
        self.fresh = false;
        while left > 0 && (ended || self.model.left() >= LOOKAHEAD) {
            if self.decoder.is_exhausted() {
                return None;
            }
            self.tokens.push(self.model.token(&mut self.decoder, Token::literal(0))?);
            left -= 1;
        }
        Some(left)
    }

    fn block(&mut self, out: &mut Vec<u8>) -> Option<Step> {
        let (last, kind) = self.frame.block(&mut self.decoder, self.empty, false, Kind::Stored)?;
        self.last = last;
        if kind != Kind::Stored {
            return Some(Step::Run { first: Some(kind) });
        }
        let padding = self.frame.padding(&mut self.decoder, 0, 0);
        let length = self.frame.stored(&mut self.decoder, 0);
        self.writer.start(&Block { last, start: Start::Stored { padding, length } }, out);
        Some(Step::Stored(usize::from(length)))
    }

    /// The tokens of a piece are known: they are written, after the block's beginning if they are its first.
    fn run(&mut self, ends: bool, first: Option<Kind>, out: &mut Vec<u8>) -> Option<Step> {
        if let Some(kind) = first {
            let start = if kind == Kind::Dynamic {
                let frequencies = Frequencies::of(&self.tokens);
                Start::Dynamic(Box::new(self.codes.code(&mut self.decoder, &frequencies, &Codes::default())))
            } else {
                Start::Fixed
            };
            self.writer.start(&Block { last: self.last, start }, out);
        }
        for token in self.tokens.drain(..) {
            self.writer.token(token, out);
        }
        if !ends {
            return Some(Step::Run { first: None });
        }
        self.writer.end(out);
        self.end(out)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Option<Step> {
        self.empty = self.fresh;
        self.fresh = true;
        if !self.last {
            return Some(Step::Block);
        }
        let padding = self.frame.padding(&mut self.decoder, 1, 0);
        self.writer.padding(padding, out);
        self.done = true;
        Some(Step::Over)
    }
}

impl<R: Read + Send> Compressor for Recreate<R> {
    fn write(&mut self, content: &[u8], out: &mut Vec<u8>) {
        for piece in content.chunks(PIECE) {
            if matches!(self.step, Step::Over) {
                return;
            }
            self.model.supply(piece);
            self.advance(false, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.advance(true, out);
    }
}
