//! What goes on while a plan is applied, line by line; and whether it should end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use importer::target::{Event, ObjectId, Watch};

use crate::failure::Failure;
use crate::output::Output;
use crate::signals;

/// How often somebody is told of what has not changed: never a silent minute, and no page of the same either.
const AGAIN: Duration = Duration::from_secs(30);

/// Tells a person on stderr.
pub struct Told<'a> {
    out: &'a Output,
    /// What was said last of each object that is waited for, and when.
    said: RefCell<BTreeMap<ObjectId, (String, Duration)>>,
    asked: Option<Arc<AtomicBool>>,
    answered: Cell<bool>,
}

impl<'a> Told<'a> {
    /// Of what changes nothing, and may be killed.
    pub fn harmless(out: &'a Output) -> Self {
        Self { out, said: RefCell::default(), asked: None, answered: Cell::new(false) }
    }

    /// Of what ends by itself when a signal asks for it.
    pub fn ending(out: &'a Output) -> Result<Self, Failure> {
        Ok(Self { asked: Some(signals::asked_to_end()?), ..Self::harmless(out) })
    }

    /// Whether this is news of the object, or was said long ago.
    fn is_news(&self, object: &ObjectId, why: &str, since: Duration) -> bool {
        let mut said = self.said.borrow_mut();
        let known = said.get(object).is_some_and(|(last, at)| last == why && (*at..*at + AGAIN).contains(&since));
        if !known {
            said.insert(object.clone(), (why.to_owned(), since));
        }
        !known
    }
}

impl Watch for Told<'_> {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Applied(object) => self.out.say(format_args!("applied  {object}")),
            Event::Removed(object) => self.out.say(format_args!("removed  {object}")),
            Event::Waiting { object, why, since } => {
                if self.is_news(object, why, *since) {
                    self.out.say(format_args!("waiting  {object}: {why} ({} s)", since.as_secs()));
                }
            }
            Event::Ready(object) => {
                self.said.borrow_mut().remove(object);
                self.out.say(format_args!("ready    {object}"));
            }
            Event::Said { object, line } => self.out.say(format_args!("says     {object}: {line}")),
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
