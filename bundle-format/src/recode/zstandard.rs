//! libzstd itself, of the version in Cargo.toml: zstd frames as programs make them that use the same version
//! (spec/compressors/zstd.md).

use thiserror::Error;
use zstd::zstd_safe::{self, CCtx, CParameter, InBuffer, OutBuffer, zstd_sys::ZSTD_EndDirective};

use super::Compressor;

/// The version of libzstd whose frames are reproduced: 10507 for 1.5.7.
#[must_use]
pub fn version() -> u32 {
    zstd_safe::version_number()
}

/// Parameters with which libzstd does not work.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// There is no such level.
    #[error("level {0} of zstd: it is 1 (fast) to 22 (small)")]
    Level(u8),
    /// Below, it is no long distance; above, other programs need to be told to read it.
    #[error("a window of 2^{0} bytes of zstd: 2^10 to 2^27 are used here")]
    Window(u8),
    /// It does not get what it needs.
    #[error("libzstd does not start: {0}; free some memory and try again")]
    Library(&'static str),
}

/// How hard zstd searches: 1 to 22; from 20 on the command says `--ultra`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// What the command uses when it is not told.
    pub const DEFAULT: Self = Self(3);

    /// # Errors
    ///
    /// [`Refused::Level`] unless it is 1 to 22.
    pub fn new(level: u8) -> Result<Self, Refused> {
        if (1..=22).contains(&level) { Ok(Self(level)) } else { Err(Refused::Level(level)) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

/// The window of `--long`, as a power of two: 10 to 27.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowLog(u8);

impl WindowLog {
    /// `--long` without a number.
    pub const DEFAULT: Self = Self(27);

    /// # Errors
    ///
    /// [`Refused::Window`] unless it is 10 to 27: a larger one takes more memory than a site gives to one layer.
    pub fn new(log: u8) -> Result<Self, Refused> {
        if (10..=27).contains(&log) { Ok(Self(log)) } else { Err(Refused::Window(log)) }
    }
}

/// What a frame was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The level.
    pub level: Level,
    /// Whether a checksum of the content ends it. The command writes one, the library does not unless it is told.
    pub checksum: bool,
    /// The content's size in bytes, if its maker knew it beforehand: it is in the header, and decides on parameters.
    pub size: Option<u64>,
    /// Matches over long distances, `--long`.
    pub long: Option<WindowLog>,
    /// Whether it was cut into jobs for worker threads, as the command does unless it has `--single-thread`; how many there
    /// were makes no difference.
    pub jobs: bool,
}

impl Frame {
    /// What the command makes of its standard input at a level: with a checksum, without a size, in jobs.
    #[must_use]
    pub fn of_command(level: Level) -> Self {
        Self { level, checksum: true, size: None, long: None, jobs: true }
    }
}

/// One frame of zstd.
///
/// Memory: what libzstd takes for the level, up to 1 GiB at level 22 with [`Frame::long`]; with [`Frame::jobs`] more than twice
/// as much. If libzstd fails (no memory, or another size than was said), nothing more comes out: it then differs from every
/// frame that it is compared with.
pub struct Zstandard {
    context: CCtx<'static>,
    buffer: Vec<u8>,
    failed: bool,
}

impl Zstandard {
    /// At the start of a frame.
    ///
    /// # Errors
    ///
    /// [`Refused::Library`] if libzstd has no memory, or does not know a parameter.
    pub fn new(frame: &Frame) -> Result<Self, Refused> {
        let mut context = CCtx::try_create().ok_or(Refused::Library("not enough memory"))?;
        let mut parameters = vec![
            CParameter::CompressionLevel(i32::from(frame.level.0)),
            CParameter::ChecksumFlag(frame.checksum),
            CParameter::ContentSizeFlag(true),
            CParameter::NbWorkers(u32::from(frame.jobs)),
        ];
        if let Some(WindowLog(log)) = frame.long {
            parameters.push(CParameter::EnableLongDistanceMatching(true));
            parameters.push(CParameter::WindowLog(u32::from(log)));
        }
        let library = |code| Refused::Library(zstd_safe::get_error_name(code));
        for parameter in parameters {
            context.set_parameter(parameter).map_err(library)?;
        }
        context.set_pledged_src_size(frame.size).map_err(library)?;
        Ok(Self { context, buffer: Vec::with_capacity(CCtx::out_size()), failed: false })
    }

    /// One call of libzstd: returns whether there is more to do.
    fn step(&mut self, input: &mut InBuffer<'_>, end: bool, out: &mut Vec<u8>) -> bool {
        let how = if end { ZSTD_EndDirective::ZSTD_e_end } else { ZSTD_EndDirective::ZSTD_e_continue };
        self.buffer.clear();
        let result = self.context.compress_stream2(&mut OutBuffer::around(&mut self.buffer), input, how);
        out.extend_from_slice(&self.buffer);
        self.failed = result.is_err();
        match result {
            Ok(left) if end => left > 0,
            Ok(_) => input.pos < input.src.len(),
            Err(_) => false,
        }
    }
}

impl Compressor for Zstandard {
    fn write(&mut self, content: &[u8], out: &mut Vec<u8>) {
        let mut input = InBuffer::around(content);
        while !self.failed && self.step(&mut input, false, out) {}
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        while !self.failed && self.step(&mut InBuffer::around(&[]), true, out) {}
    }
}
