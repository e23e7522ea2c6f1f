//! How many hashes are computed at a time: whoever sends names makes the server work.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lets a few through, a few more wait, and turns the rest away.
pub(super) struct Gate {
    limits: Limits,
    count: Mutex<Count>,
    left: Condvar,
}

pub(super) struct Limits {
    /// Most that are through at a time.
    pub(super) through: usize,
    /// Most that wait. Each holds a thread that could read a disk for somebody else.
    pub(super) waiting: usize,
    /// How long one waits.
    pub(super) patience: Duration,
}

#[derive(Default)]
struct Count {
    through: usize,
    waiting: usize,
}

/// The right to be through, until it is dropped.
pub(super) struct Through<'g>(&'g Gate);

impl Gate {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, count: Mutex::default(), left: Condvar::new() }
    }

    /// Waits to be let through; `None` if too many wait already, or it takes too long. Blocks.
    pub(super) fn enter(&self) -> Option<Through<'_>> {
        let mut count = self.count();
        if count.through >= self.limits.through {
            if count.waiting >= self.limits.waiting {
                return None;
            }
            count.waiting += 1;
            let full = |count: &mut Count| count.through >= self.limits.through;
            let waited = self.left.wait_timeout_while(count, self.limits.patience, full);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            count = guard;
            count.waiting -= 1;
            if timeout.timed_out() {
                return None;
            }
        }
        count.through += 1;
        Some(Through(self))
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Through<'_> {
    fn drop(&mut self) {
        self.0.count().through -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn some_pass_some_wait_and_the_rest_is_turned_away() {
        let gate = Gate::new(Limits { through: 2, waiting: 1, patience: Duration::from_secs(20) });
        let (first, second) = (gate.enter(), gate.enter());
        assert!(first.is_some() && second.is_some());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.enter().is_some());
            while gate.count().waiting == 0 {
                thread::yield_now();
            }
            assert!(gate.enter().is_none(), "one waits already");
            drop(first);
            assert!(waiting.join().unwrap(), "who waits gets the place that is left");
        });
        assert!(gate.enter().is_some(), "and leaves it too");
    }

    #[test]
    fn nobody_waits_for_ever() {
        let gate = Gate::new(Limits { through: 1, waiting: 1, patience: Duration::from_millis(10) });
        let _first = gate.enter().unwrap();
        assert!(gate.enter().is_none());
        assert_eq!(gate.count().waiting, 0);
    }
}
