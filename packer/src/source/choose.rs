//! Which image of several a REF means.

use bundle_format::reference::is_tag;
use bundle_format::{ImageRef, SourceError};

use super::{quoted, refused};

/// Most names that a message lists.
const LISTED: usize = 20;

/// An image that a source holds.
pub(super) struct Candidate<T> {
    /// What tells it from others: a digest, or the name of its configuration.
    pub id: String,
    /// What the source calls it. An image may have several names, or none.
    pub names: Vec<String>,
    pub image: T,
}

/// The image that `reference` names: by exactly that name or id, else by a name that means the same
/// (`web` and `docker.io/library/web:latest`), else by its tag alone. Without a reference, the only image.
pub(super) fn choose<T>(
    place: &str,
    candidates: Vec<Candidate<T>>,
    reference: Option<&str>,
) -> Result<Candidate<T>, SourceError> {
    let held = list(&candidates);
    let Some(reference) = reference else {
        let why = format!("holds several images, name one after a colon: {held}");
        return only(candidates).map_err(|n| refused(place, if n == 0 { "holds no image".to_owned() } else { why }));
    };
    let full = reference.parse::<ImageRef>().ok();
    let tag = is_tag(reference).then(|| format!(":{reference}"));
    let rules: [&dyn Fn(&str) -> bool; 3] =
        [&|name| name == reference, &|name| full.is_some() && name.parse().ok() == full, &|name| {
            tag.as_ref().is_some_and(|tag| name.ends_with(tag)) && name.parse::<ImageRef>().is_ok()
        }];
    let fits = |rule: &dyn Fn(&str) -> bool, c: &Candidate<T>| rule(&c.id) || c.names.iter().any(|name| rule(name));
    let Some(rule) = rules.into_iter().find(|rule| candidates.iter().any(|c| fits(rule, c))) else {
        let what = format!("{reference:?}; it holds {}", if held.is_empty() { "no image" } else { &held });
        return Err(SourceError::Missing { place: place.to_owned(), what });
    };
    let fitting: Vec<_> = candidates.into_iter().filter(|c| fits(rule, c)).collect();
    let several = list(&fitting);
    only(fitting).map_err(|_| refused(place, format!("{reference:?} fits several images: {several}")))
}

/// The only image, which may stand there under several names; otherwise how many there are.
fn only<T>(candidates: Vec<Candidate<T>>) -> Result<Candidate<T>, usize> {
    let n = candidates.len();
    let mut candidates = candidates.into_iter();
    match candidates.next() {
        Some(first) if candidates.all(|other| other.id == first.id) => Ok(first),
        _ => Err(n),
    }
}

/// Names for a message, quoted because they are the source's. An image without names is listed by its id.
fn list<T>(candidates: &[Candidate<T>]) -> String {
    let names_or_id = |c: &Candidate<T>| if c.names.is_empty() { vec![c.id.clone()] } else { c.names.clone() };
    let mut names: Vec<_> = candidates.iter().flat_map(names_or_id).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(LISTED);
    let mut text = names.iter().take(LISTED).map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(held: &[(&str, &[&str])], reference: Option<&str>) -> Result<String, String> {
        let candidate = |(id, names): &(&str, &[&str])| Candidate {
            id: (*id).to_owned(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            image: (),
        };
        let chosen = choose("the archive", held.iter().map(candidate).collect(), reference);
        chosen.map(|candidate| candidate.id).map_err(|e| e.to_string())
    }

    #[test]
    fn a_reference_is_exact_or_means_the_same_or_is_a_tag() {
        let held: &[(&str, &[&str])] = &[
            ("a", &["docker.io/library/web:1"]),
            ("b", &["db:2", "localhost:5000/shop/db:2"]),
            ("c", &["1"]),
            ("d", &["ghcr.io/x/cache:latest"]),
            ("e", &[]),
        ];
        for (why, reference, id) in [
            ("exactly", "docker.io/library/web:1", "a"),
            ("normalised", "web:1", "a"),
            ("the other way round", "docker.io/library/db:2", "b"),
            ("a second name", "localhost:5000/shop/db:2", "b"),
            ("the tag alone", "2", "b"),
            ("exactly goes before the tag alone", "1", "c"),
            ("a tag that another name only implies", "latest", "d"),
            ("the id of an image without names", "e", "e"),
        ] {
            assert_eq!(chosen(held, Some(reference)).as_deref(), Ok(id), "{why}: {reference}");
        }
    }

    #[test]
    fn no_choice_is_made_for_the_user() {
        for (why, held, reference, message) in [
            ("nothing there", &[] as &[(&str, &[&str])], None, "the archive: holds no image"),
            ("nothing there", &[], Some("x"), r#"the archive does not hold "x"; it holds no image"#),
            (
                "several",
                &[("a", &["web:1"]), ("b", &[])],
                None,
                r#"the archive: holds several images, name one after a colon: "b", "web:1""#,
            ),
            ("unknown", &[("a", &["web:1"])], Some("web:2"), r#"the archive does not hold "web:2"; it holds "web:1""#),
            (
                "part of a name",
                &[("a", &["shop/web:1"])],
                Some("web:1"),
                r#"the archive does not hold "web:1"; it holds "shop/web:1""#,
            ),
            (
                "several of one tag",
                &[("a", &["web:1"]), ("b", &["db:1"])],
                Some("1"),
                r#"the archive: "1" fits several images: "db:1", "web:1""#,
            ),
        ] {
            assert_eq!(chosen(held, reference), Err(message.to_owned()), "{why}");
        }
    }

    #[test]
    fn one_image_of_several_names_is_one_image() {
        let held: &[(&str, &[&str])] = &[("a", &["web:1"]), ("a", &["web:latest"])];
        assert_eq!(chosen(held, None).as_deref(), Ok("a"));
    }
}
