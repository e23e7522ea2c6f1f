//! What goes on while a plan is applied, line by line.

use importer::target::{Event, Watch};

use crate::output::Output;

/// Tells a person on stderr.
pub struct Told<'a>(pub &'a Output);

impl Watch for Told<'_> {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Applied(object) => self.0.say(format_args!("applied  {object}")),
            Event::Removed(object) => self.0.say(format_args!("removed  {object}")),
            Event::Waiting { object, why, since } => {
                self.0.say(format_args!("waiting  {object}: {why} ({} s)", since.as_secs()));
            }
            Event::Ready(object) => self.0.say(format_args!("ready    {object}")),
            Event::Retry { what, why } => self.0.say(format_args!("again    {what}: {why}")),
        }
    }
}
