//! A place within objects, by names where an object has numbers.

use std::fmt;

use serde_json::Value;

use crate::plan::same::key;

/// A place within an object. Entries of lists that Kubernetes merges are found by what tells them apart, wherever they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot(Vec<Hop>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Hop {
    /// A field of an object.
    Field(String),
    /// The entry of a list that has this key.
    Entry(String),
}

impl Spot {
    /// The place below these fields.
    #[must_use]
    pub fn below(fields: &[&str]) -> Self {
        Self(fields.iter().map(|field| Hop::Field((*field).to_owned())).collect())
    }

    /// The field of this place.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.then(Hop::Field(name.to_owned()))
    }

    /// The entry of the list in this place that has this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Self {
        self.then(Hop::Entry(key.to_owned()))
    }

    fn then(&self, hop: Hop) -> Self {
        Self(self.0.iter().cloned().chain([hop]).collect())
    }

    /// Where it is in `object`, as a JSON pointer (RFC 6901); `None` if `object` has nothing there.
    #[must_use]
    pub fn pointer(&self, object: &Value) -> Option<String> {
        let mut pointer = String::new();
        let mut here = object;
        let mut list = "";
        for hop in &self.0 {
            match hop {
                Hop::Field(name) => {
                    here = here.get(name)?;
                    list = name;
                    pointer.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
                }
                Hop::Entry(wanted) => {
                    let at = here.as_array()?.iter().position(|item| key(list, item).as_ref() == Some(wanted))?;
                    here = here.get(at)?;
                    pointer.push_str(&format!("/{at}"));
                }
            }
        }
        Some(pointer)
    }

    /// What `object` has there.
    #[must_use]
    pub fn find<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        object.pointer(&self.pointer(object)?)
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hop in &self.0 {
            match hop {
                Hop::Field(name) => write!(f, "/{name}")?,
                Hop::Entry(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}
