//! What the command says when it cannot do what it was asked to: what happened, the rule, what to do next.

use std::fmt::Display;

use bundle_format::{Code, Coded};

/// A failure on its way to the user.
#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(code: Code, message: impl Display) -> Self {
        Self { code, message: message.to_string(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl<E: Coded> From<E> for Failure {
    fn from(e: E) -> Self {
        Self { code: e.code(), message: e.to_string(), hint: e.hint() }
    }
}
