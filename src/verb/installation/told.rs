//! What goes on while a plan is applied, line by line.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use importer::target::{Event, ObjectId, Watch};

use crate::output::Output;

/// How often somebody is told of what has not changed: never a silent minute, and no page of the same either.
const AGAIN: Duration = Duration::from_secs(30);

/// Tells a person on stderr.
pub struct Told<'a> {
    out: &'a Output,
    /// What was said last of each object that is waited for, and when.
    said: RefCell<BTreeMap<ObjectId, (String, Duration)>>,
}

impl<'a> Told<'a> {
    pub fn new(out: &'a Output) -> Self {
        Self { out, said: RefCell::default() }
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
            Event::Retry { what, why } => self.out.say(format_args!("again    {what}: {why}")),
        }
    }
}
