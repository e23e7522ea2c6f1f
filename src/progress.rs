//! How far a long work is: a bar with rate and time left on a terminal, a line now and then elsewhere.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bundle_format::walk::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{bytes, talk};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A work over a known number of bytes.
#[derive(Debug)]
pub struct Bar {
    what: &'static str,
    total: u64,
    done: AtomicU64,
    start: Instant,
    shown: Shown,
    interrupted: Option<Arc<AtomicBool>>,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines(Mutex<Instant>),
    Nothing,
}

impl Bar {
    pub fn start(what: &'static str, total: u64, quiet: bool, terminal: bool) -> Self {
        let now = Instant::now();
        let shown = match (quiet, terminal) {
            (true, _) => Shown::Nothing,
            (false, true) => {
                let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8));
                let style = "{msg} {bar:30} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
                if let Ok(style) = ProgressStyle::with_template(style) {
                    bar.set_style(style);
                }
                bar.set_message(what);
                Shown::Bar(bar)
            }
            (false, false) => Shown::Lines(Mutex::new(now)),
        };
        Self { what, total, done: AtomicU64::new(0), start: now, shown, interrupted: None }
    }

    /// Lets the work end by itself when the user or the system asks for it, as one that leaves something behind must. Asked a
    /// second time, the process ends at once.
    #[cfg(feature = "packer")]
    pub fn interruptible(mut self) -> Result<Self, crate::failure::Failure> {
        self.interrupted = Some(crate::signals::asked_to_end()?);
        Ok(self)
    }

    /// Ends the bar, and returns what a closing line says of the work: `1.00 GiB in 1.2 s, 853 MiB/s`.
    pub fn finish(self) -> String {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        let (done, seconds) = (self.done.load(Ordering::Relaxed), self.start.elapsed().as_secs_f64());
        format!("{} in {seconds:.1} s, {}/s", bytes(done), bytes(rate(done, seconds)))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn cancelled(&self) -> bool {
        self.interrupted.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn advance(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.set_position(done),
            Shown::Lines(last) => {
                let Ok(mut last) = last.try_lock() else { return };
                if last.elapsed() < LINE_EVERY {
                    return;
                }
                *last = Instant::now();
                let seconds = self.start.elapsed().as_secs_f64();
                let rate = rate(done, seconds);
                let left = self.total.saturating_sub(done).checked_div(rate).unwrap_or(0);
                let percent = done.saturating_mul(100).checked_div(self.total).unwrap_or(100);
                let (done, total, rate) = (bytes(done), bytes(self.total), bytes(rate));
                talk(&format!("{}: {done} of {total} ({percent} %), {rate}/s, {left} s left", self.what));
            }
        }
    }
}

fn rate(done: u64, seconds: f64) -> u64 {
    (done as f64 / seconds.max(0.001)) as u64
}
