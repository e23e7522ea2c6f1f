//! Places within a template's document: `components[2].image`.

use std::fmt;
use std::rc::Rc;

/// A place, as a chain up to the document itself, which is the default.
#[derive(Debug, Clone, Default)]
pub(super) struct Place(Option<Rc<Link>>);

#[derive(Debug)]
struct Link {
    parent: Place,
    step: Step,
}

/// One step down.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

impl Place {
    /// The field `name` of the object here.
    pub fn field(&self, name: &str) -> Self {
        self.step(Step::Field(name.to_owned()))
    }

    /// The element `index`, from 0, of the list here.
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        Self(Some(Rc::new(Link { parent: self.clone(), step })))
    }

    /// The steps from the document down to here.
    pub fn steps(&self) -> Vec<&Step> {
        let mut steps = Vec::new();
        let mut at = self;
        while let Some(link) = &at.0 {
            steps.push(&link.step);
            at = &link.parent;
        }
        steps.reverse();
        steps
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps().into_iter().enumerate() {
            match step {
                Step::Field(name) if i == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
