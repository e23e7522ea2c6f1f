//! Large files on their way to a slow medium.

use std::io::{self, Write};
use std::num::NonZeroU64;
use std::os::fd::AsFd;

use rustix::fs::{Advice, fadvise};

/// Bytes between two steps: large enough for any medium to write at its full rate.
const STEP: u64 = 8 << 20;
/// Bytes before a step that are asked for again, because some had not arrived yet.
const BEHIND: u64 = 64 << 20;

/// A new file, written from front to back, that keeps moving to its medium: each step hands over what was written since the
/// one before, instead of when the system finds the time. So the medium works from the start, progress is that of the
/// medium, and the sync at the end has little to wait for. What has arrived leaves the page cache: a bundle is larger
/// than what it would displace there is worth.
///
/// Nothing is durable before a sync, as with any file.
#[derive(Debug)]
pub struct Writeback<F> {
    file: F,
    written: u64,
    handed_over: u64,
}

impl<F: AsFd> Writeback<F> {
    /// Writes to `file`, which is empty.
    pub fn new(file: F) -> Self {
        Self { file, written: 0, handed_over: 0 }
    }

    /// Gives the file back.
    pub fn into_inner(self) -> F {
        self.file
    }

    fn wrote(&mut self, n: usize) {
        self.written += n as u64;
        if self.written - self.handed_over < STEP {
            return;
        }
        // Linux starts to write what is dirty there and forgets what is clean. Advice only: no error matters.
        let from = self.handed_over.saturating_sub(BEHIND);
        let _ = fadvise(&self.file, from, NonZeroU64::new(self.written - from), Advice::DontNeed);
        self.handed_over = self.written;
    }
}

impl<F: AsFd + Write> Write for Writeback<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.wrote(n);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_many_steps_holds_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let content: Vec<u8> = (0..(3 * STEP + 12_345)).map(|n| (n % 251) as u8).collect();
        let mut out = Writeback::new(std::fs::File::create(&path).unwrap());
        // No divisor of a step, and pieces that end within pages.
        for piece in content.chunks(1_000_003) {
            out.write_all(piece).unwrap();
        }
        out.flush().unwrap();
        out.into_inner().sync_all().unwrap();
        assert!(std::fs::read(&path).unwrap() == content);
    }

    #[test]
    fn what_cannot_be_advised_is_written_all_the_same() {
        let mut out = Writeback::new(std::fs::File::create("/dev/null").unwrap());
        for _ in 0..20 {
            out.write_all(&[0; 1 << 20]).unwrap();
        }
    }
}
