//! Bits from a reader, the lowest of each byte first.

use super::TokensError;
use std::io::{ErrorKind, Read};

const BUFFER: usize = 1 << 16;

/// Bits from a reader, which is read ahead of them.
pub(super) struct Bits<R> {
    from: R,
    buffer: Vec<u8>,
    at: usize,
    len: usize,
    /// Bytes that were in the buffer before the ones there now.
    before: u64,
    held: u64,
    count: u32,
    ended: bool,
}

impl<R: Read> Bits<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: vec![0; BUFFER], at: 0, len: 0, before: 0, held: 0, count: 0, ended: false }
    }

    /// Bytes that were used, a part of one counted whole.
    pub(super) fn consumed(&self) -> u64 {
        self.before + self.at as u64 - u64::from(self.count / 8)
    }

    pub(super) fn refused(&self, what: &'static str) -> TokensError {
        TokensError::Refused { what, at: self.consumed() }
    }

    fn fill(&mut self) -> Result<(), TokensError> {
        while self.count <= 56 {
            if self.at == self.len {
                if self.ended {
                    return Ok(());
                }
                self.before += self.len as u64;
                (self.at, self.len) = (0, 0);
                match self.from.read(&mut self.buffer) {
                    Ok(0) => self.ended = true,
                    Ok(n) => self.len = n.min(BUFFER),
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e.into()),
                }
                continue;
            }
            self.held |= u64::from(self.buffer[self.at]) << self.count;
            self.at += 1;
            self.count += 8;
        }
        Ok(())
    }

    /// Makes at least 48 bits ready where there are so many; past the end they are zeros.
    #[inline]
    pub(super) fn ready(&mut self) -> Result<(), TokensError> {
        if self.count >= 48 {
            return Ok(());
        }
        // Eight bytes at once where the buffer has them.
        if let Some(eight) =
            self.buffer.get(self.at..self.len.min(self.at + 8)).and_then(|s| <[u8; 8]>::try_from(s).ok())
        {
            self.held |= u64::from_le_bytes(eight) << self.count;
            let bytes = (63 - self.count) / 8;
            self.at += bytes as usize;
            self.count += 8 * bytes;
            self.held &= u64::MAX >> (64 - self.count);
            return Ok(());
        }
        self.fill()
    }

    /// The next bits without taking them; [`Bits::ready`] was called.
    #[inline]
    pub(super) fn peek(&self) -> u32 {
        self.held as u32
    }

    /// Takes `n` bits (at most 24) that were made ready.
    #[inline]
    pub(super) fn skip(&mut self, n: u32) -> Result<(), TokensError> {
        if n > self.count {
            return Err(TokensError::CutOff(self.consumed()));
        }
        self.held >>= n;
        self.count -= n;
        Ok(())
    }

    /// Takes a number of `n` bits (at most 24) that were made ready.
    #[inline]
    pub(super) fn ready_bits(&mut self, n: u32) -> Result<u32, TokensError> {
        let value = self.peek() & ((1 << n) - 1);
        self.skip(n)?;
        Ok(value)
    }

    /// Takes a number of `n` bits, at most 24.
    pub(super) fn bits(&mut self, n: u32) -> Result<u32, TokensError> {
        self.ready()?;
        self.ready_bits(n)
    }

    /// Takes what is left of the byte: its bits as a number.
    pub(super) fn padding(&mut self) -> Result<u8, TokensError> {
        let n = self.count % 8;
        Ok(self.ready_bits(n)? as u8)
    }
}
