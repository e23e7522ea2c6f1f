//! What made a compressed stream (spec/delta.md section 4.4).

/// How a stream was compressed, in numbers that mean the same for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recipe {
    /// The program.
    pub maker: Maker,
    /// A version family or another parameter of the program, 0 where there is none.
    pub variant: u8,
    /// Its level.
    pub level: i8,
    /// Bytes of its blocks, where it has some.
    pub block: u32,
}

/// A program that compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Maker {
    /// Go's compress/flate up to Go 1.26.
    Go = 1,
    /// github.com/klauspost/compress/flate, and Go's own since 1.27; the variant is the family.
    Klauspost = 2,
    /// github.com/klauspost/pgzip; the variant is the family.
    Pgzip = 3,
    /// zlib; the variant is memLevel.
    Zlib = 4,
    /// GNU gzip.
    Gzip = 5,
    /// pigz; the variant has 1 if blocks are independent, 2 if it had one process.
    Pigz = 6,
    /// libzstd; whole frames.
    Zstd = 7,
    /// Any other: a prediction, and corrections in a section of their own.
    Predicted = 8,
}

const MAKERS: [Maker; 8] =
    [Maker::Go, Maker::Klauspost, Maker::Pgzip, Maker::Zlib, Maker::Gzip, Maker::Pigz, Maker::Zstd, Maker::Predicted];

impl Recipe {
    /// As it is written: maker, variant, level, zero, block.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        let [a, b, c, d] = self.block.to_le_bytes();
        [self.maker as u8, self.variant, self.level as u8, 0, a, b, c, d]
    }

    /// Nothing if it names no maker that is known.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        let [maker, variant, level, zero, a, b, c, d] = bytes;
        let maker = MAKERS.into_iter().find(|m| *m as u8 == maker).filter(|_| zero == 0)?;
        Some(Self { maker, variant, level: level as i8, block: u32::from_le_bytes([a, b, c, d]) })
    }
}

/// What stands around compressed data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wrapper {
    /// Nothing.
    Bare,
    /// A gzip member with this header; CRC-32 and length follow (RFC 1952).
    Gzip(Vec<u8>),
    /// A zlib stream with these two bytes; Adler-32 follows (RFC 1950).
    Zlib([u8; 2]),
}

impl Wrapper {
    /// As it is written: nothing, the header of gzip, or that of zlib.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bare => Vec::new(),
            Self::Gzip(header) => header.clone(),
            Self::Zlib(header) => header.to_vec(),
        }
    }

    /// Nothing if it is none of them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => Some(Self::Bare),
            [a, b] => Some(Self::Zlib([*a, *b])),
            [0x1f, 0x8b, 8, ..] if bytes.len() >= 10 => Some(Self::Gzip(bytes.to_vec())),
            _ => None,
        }
    }
}

/// A stream that begins: wrapper and recipe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Opening {
    /// What stands around.
    pub wrapper: Wrapper,
    /// How what is in it is made.
    pub recipe: Recipe,
}
