//! Trying again what time may cure, and no longer than was asked for.

use std::thread;
use std::time::{Duration, Instant};

use super::failure::Failure;
use crate::target::{Event, Interrupted, Watch};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// How long it may take until it is noticed that the work should end.
pub(super) const NOTICES: Duration = Duration::from_millis(200);

/// How long what nobody gave a time for is tried again: reading, and writing records.
pub(super) const BRIEF: Duration = Duration::from_secs(30);

/// How long is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    start: Instant,
    whole: Duration,
}

impl Patience {
    /// From now on.
    pub fn new(whole: Duration) -> Self {
        Self { start: Instant::now(), whole }
    }

    /// How long it has been.
    pub fn spent(&self) -> Duration {
        self.start.elapsed()
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    fn left(&self) -> Duration {
        self.whole.saturating_sub(self.spent())
    }

    /// Sleeps for `time`, or for what is left, or until the work should end.
    pub fn sleep(&self, time: Duration, watch: &dyn Watch) -> Result<(), Interrupted> {
        let mut left = time.min(self.left());
        while !left.is_zero() {
            Interrupted::check(watch)?;
            let part = left.min(NOTICES);
            thread::sleep(part);
            left = left.saturating_sub(part);
        }
        Interrupted::check(watch)
    }

    /// Does `work` until it is done, fails in a way that time does not cure, nothing is left, or the work should end. `what` says what it
    /// is.
    pub fn insist<T>(
        &self,
        what: &str,
        watch: &dyn Watch,
        mut work: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut pause = FIRST;
        loop {
            Interrupted::check(watch)?;
            match work() {
                Err(e) if e.may_pass() && !self.is_over() => {
                    watch.event(&Event::Retry { what, why: &e.text() });
                    self.sleep(pause, watch)?;
                    pause = pause.saturating_mul(2).min(LONGEST);
                }
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_time_may_cure_is_done_again_until_it_is_done_or_time_is_up() {
        let count = Cell::new(0);
        let flaky = || {
            count.set(count.get() + 1);
            if count.get() < 3 { Err(Failure::Silence("refused".to_owned())) } else { Ok(count.get()) }
        };
        assert_eq!(Patience::new(Duration::from_secs(20)).insist("asking", &(), flaky), Ok(3));

        let never = || Err::<(), _>(Failure::Silence("refused".to_owned()));
        assert!(Patience::new(Duration::from_millis(50)).insist("asking", &(), never).is_err());

        count.set(0);
        let wrong = || {
            count.set(count.get() + 1);
            Err::<(), _>(Failure::Nonsense("no".to_owned()))
        };
        assert!(Patience::new(Duration::from_secs(20)).insist("asking", &(), wrong).is_err());
        assert_eq!(count.get(), 1);
    }

    /// Wants the work to end after having been asked this often.
    struct Patient(Cell<u32>);

    impl Watch for Patient {
        fn event(&self, _: &Event<'_>) {}

        fn cancelled(&self) -> bool {
            self.0.set(self.0.get().saturating_sub(1));
            self.0.get() == 0
        }
    }

    #[test]
    fn nothing_is_waited_for_when_the_work_should_end() {
        let patience = Patience::new(Duration::from_secs(60));
        let start = Instant::now();
        assert_eq!(patience.sleep(Duration::from_secs(60), &Patient(Cell::new(3))), Err(Interrupted));
        let never = || Err::<(), _>(Failure::Silence("refused".to_owned()));
        assert_eq!(patience.insist("asking", &Patient(Cell::new(3)), never), Err(Failure::Interrupted));
        let must_not = || -> Result<(), Failure> { unreachable!("nothing is begun any more") };
        assert_eq!(patience.insist("asking", &Patient(Cell::new(1)), must_not), Err(Failure::Interrupted));
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}
