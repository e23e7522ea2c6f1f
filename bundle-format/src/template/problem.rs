//! What is wrong with a template, where, and what to do about it (spec/template.md section 6).

use std::fmt;

use serde::Serialize;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The template cannot be used.
    Error,
    /// The template can be used, and is probably not what its author means.
    Warning,
}

/// The rule that a template breaks; scripts may match on its kebab-case spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Not YAML, not UTF-8, a duplicate key, too large or too deeply nested.
    Yaml,
    /// A field that this kind of object does not have.
    UnknownField,
    /// A field that must be there is not.
    MissingField,
    /// A text where a number belongs, a list where an object belongs.
    WrongType,
    /// A value that breaks its field's rule.
    InvalidValue,
    /// A value that is not among those that its field takes.
    UnknownValue,
    /// Two things of one list share a name.
    Duplicate,
    /// A name that nothing in the template has.
    UnknownReference,
    /// Components that depend on each other in a circle.
    DependencyCycle,
    /// Not exactly one of several fields is given.
    OneOf,
    /// A field that does not go with the component's kind.
    NotForKind,
    /// A name that becomes too long when Kubernetes objects are named after it.
    NameTooLong,
    /// Something that nothing uses.
    Unused,
    /// A value that is legal and risky.
    Risky,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A place in the template's text, both counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line.
    pub line: u64,
    /// Column.
    pub column: u64,
}

/// One thing that is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where it stands in the text.
    #[serde(flatten)]
    pub position: Position,
    /// Where it stands in the document: `components[2].image`; empty for the document itself.
    pub path: String,
    /// How much it matters.
    pub severity: Severity,
    /// The rule that is broken.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    /// `LINE:COLUMN: SEVERITY[CODE] PATH: MESSAGE; HINT`, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, path, severity, code, message, hint } = self;
        write!(f, "{}:{}: ", position.line, position.column)?;
        severity.serialize(&mut *f)?;
        write!(f, "[{code}]")?;
        if !path.is_empty() {
            write!(f, " {path}")?;
        }
        write!(f, ": {message}")?;
        match hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// A template that cannot be used: every problem that was found, in the order of the text, warnings included.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct TemplateError {
    /// At least one error.
    pub problems: Vec<Problem>,
}

/// `did you mean ...?` for the one of `known` that `given` is probably a slip of, if there is one.
#[must_use]
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // The distance costs the product of both lengths; no name in a template is longer than this.
    if given.len() > 64 {
        return None;
    }
    let given = given.to_lowercase();
    let (distance, best) = known.into_iter().map(|k| (distance(&given, &k.to_lowercase()), k)).min()?;
    (distance <= 1 + given.len() / 4).then(|| format!("did you mean `{best}`?"))
}

/// How many characters must be added, removed, replaced or swapped with their neighbour to turn `a` into `b`
/// (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["image", "replicas", "dependsOn", "name"];
        for (given, hint) in [
            ("imgae", Some("did you mean `image`?")),
            ("Image", Some("did you mean `image`?")),
            ("depends_on", Some("did you mean `dependsOn`?")),
            ("dependson", Some("did you mean `dependsOn`?")),
            ("replica", Some("did you mean `replicas`?")),
            ("annotations", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(given, known).as_deref(), hint, "{given}");
        }
        assert_eq!(did_you_mean("x", []), None);
    }
}
