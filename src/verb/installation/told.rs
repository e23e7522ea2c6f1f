//! What goes on while a plan is applied, line by line; and whether it should end.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use importer::target::{Event, Watch};

use crate::failure::Failure;
use crate::output::Output;
use crate::signals;

/// Tells a person on stderr.
pub struct Told<'a> {
    out: &'a Output,
    asked: Option<Arc<AtomicBool>>,
    answered: Cell<bool>,
}

impl<'a> Told<'a> {
    /// Of what changes nothing, and may be killed.
    pub fn harmless(out: &'a Output) -> Self {
        Self { out, asked: None, answered: Cell::new(false) }
    }

    /// Of what ends by itself when a signal asks for it.
    pub fn ending(out: &'a Output) -> Result<Self, Failure> {
        Ok(Self { asked: Some(signals::asked_to_end()?), ..Self::harmless(out) })
    }
}

impl Watch for Told<'_> {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Applied(object) => self.out.say(format_args!("applied  {object}")),
            Event::Removed(object) => self.out.say(format_args!("removed  {object}")),
            Event::Waiting { object, why, since } => {
                self.out.say(format_args!("waiting  {object}: {why} ({} s)", since.as_secs()));
            }
            Event::Said { object, line } => self.out.say(format_args!("says     {object}: {line}")),
            Event::Ready(object) => self.out.say(format_args!("ready    {object}")),
            Event::Retry { what, why } => self.out.say(format_args!("again    {what}: {why}")),
        }
    }

    fn cancelled(&self) -> bool {
        let asked = self.asked.as_ref().is_some_and(|asked| asked.load(Ordering::Relaxed));
        if asked && !self.answered.replace(true) {
            self.out.say("ending   a signal asks for it; another one ends this at once, whatever is under way");
        }
        asked
    }
}
