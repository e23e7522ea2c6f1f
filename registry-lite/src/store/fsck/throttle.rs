//! Reading no faster than the operator wants.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A rate that several threads keep together.
pub(super) struct Throttle {
    rate: Option<NonZeroU64>,
    next: Mutex<Instant>,
}

impl Throttle {
    /// `rate` bytes in a second.
    pub fn new(rate: Option<NonZeroU64>) -> Self {
        Self { rate, next: Mutex::new(Instant::now()) }
    }

    /// Waits until `bytes` more may be read.
    pub fn wait(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let takes = Duration::from_secs_f64(bytes as f64 / rate.get() as f64);
        let now = Instant::now();
        let begin = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = (*next).max(now);
            *next = begin + takes;
            begin
        };
        std::thread::sleep(begin.saturating_duration_since(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_threads_keep_one_rate() {
        let throttle = Throttle::new(NonZeroU64::new(1_000_000));
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| throttle.wait(5000)));
            }
        });
        // The first may begin at once, and nobody waits for the last.
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(190), "200 000 bytes took {took:?}");
    }
}
