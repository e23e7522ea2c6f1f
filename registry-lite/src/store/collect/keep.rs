//! What is kept: everything that a name reaches, and what is about it.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use super::document::{self, Document};
use crate::catalog::Name;
use crate::digest::ContentDigest;
use crate::manifest::is_manifest_type;
use crate::store::{Entry, Store};

/// Why something without a tag is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A record of an installation names it.
    Installed,
    /// It was pushed, mounted or asked for at this time, which is not long ago.
    Recent(SystemTime),
    /// Something that is kept lists it.
    Listed,
    /// It is about something that is kept.
    About(ContentDigest),
    /// All that has no tag was to be kept.
    Asked,
}

/// How a root is called, which decides what keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By a tag, or in a way that only others understand: it is kept for itself.
    Named,
    /// By its digest in a repository.
    Untagged,
    /// Not at all: it is about something else.
    Unnamed,
}

#[derive(Debug)]
pub(super) struct Root {
    pub entry: Entry,
    pub kind: Kind,
    pub why: Option<Why>,
    subject: Option<ContentDigest>,
    /// It was taken out of `index.json`.
    gone: bool,
}

impl Root {
    /// What it is called in messages.
    pub fn name(&self) -> String {
        self.entry.name().map_or_else(|| self.entry.digest.to_string(), str::to_owned)
    }
}

/// A document that must be understood before anything may go.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The document.
    pub digest: ContentDigest,
    /// What it is called, or what lists it.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

enum Want {
    Blob,
    Document { media_type: Option<String>, needed: bool, name: String },
}

/// Finds what is kept. Memory: about 200 bytes for each root, and 100 for each blob that one reaches; documents are read one
/// after the other and not held.
#[derive(Debug)]
pub(super) struct Keeper<'s> {
    store: &'s Store,
    pub roots: Vec<Root>,
    pub unreadable: Vec<Unreadable>,
    seen: HashSet<(Option<String>, ContentDigest)>,
    by_digest: HashMap<ContentDigest, Vec<usize>>,
    by_subject: HashMap<ContentDigest, Vec<usize>>,
    kept: HashSet<ContentDigest>,
    walked: HashSet<ContentDigest>,
}

impl<'s> Keeper<'s> {
    pub fn new(store: &'s Store) -> Self {
        Self {
            store,
            roots: Vec::new(),
            unreadable: Vec::new(),
            seen: HashSet::new(),
            by_digest: HashMap::new(),
            by_subject: HashMap::new(),
            kept: HashSet::new(),
            walked: HashSet::new(),
        }
    }

    pub fn keeps(&self, digest: &ContentDigest) -> bool {
        self.kept.contains(digest)
    }

    /// Takes up roots that were not seen before; gives their places.
    pub fn add(&mut self, entries: Vec<Entry>) -> Vec<usize> {
        let mut new = Vec::new();
        for entry in entries {
            if !self.seen.insert((entry.name().map(str::to_owned), entry.digest)) {
                continue;
            }
            let at = self.roots.len();
            let mut root = Root { kind: kind(&entry), entry, why: None, subject: None, gone: false };
            if root.kind != Kind::Named {
                root.subject = self.subject(&root);
                if root.kind == Kind::Unnamed && root.subject.is_none() {
                    // Not one of ours, which all have a subject.
                    root.kind = Kind::Named;
                }
            }
            self.by_digest.entry(root.entry.digest).or_default().push(at);
            if let Some(subject) = root.subject {
                self.by_subject.entry(subject).or_default().push(at);
            }
            self.roots.push(root);
            new.push(at);
        }
        new
    }

    /// What a root is about. One that cannot be read may be about anything.
    fn subject(&mut self, root: &Root) -> Option<ContentDigest> {
        let (digest, name) = (root.entry.digest, root.name());
        match document::read(self.store, &digest, Some(&root.entry.media_type)) {
            Ok(Document::Manifest(manifest)) => manifest.subject().copied(),
            other => {
                self.fail(
                    digest,
                    &name,
                    other.err().map_or_else(|| "it is missing, or no manifest".to_owned(), |e| e.to_string()),
                );
                None
            }
        }
    }

    fn fail(&mut self, digest: ContentDigest, name: &str, why: String) {
        if !self.unreadable.iter().any(|u| u.digest == digest) {
            self.unreadable.push(Unreadable { digest, name: name.to_owned(), why });
        }
    }

    /// Keeps a root, and all that it reaches.
    pub fn keep_root(&mut self, at: usize, why: Option<Why>) {
        let Some(root) = self.roots.get_mut(at).filter(|root| !root.gone) else { return };
        if root.why.is_none() {
            root.why = why;
        }
        let digest = root.entry.digest;
        let want = root_want(root);
        self.keep_all(vec![(digest, want)]);
    }

    /// Keeps content that no root need reach, if it is held: with what it refers to if it is a root, or installed.
    pub fn keep_content(&mut self, digest: ContentDigest, why: &Why) {
        let roots: Vec<usize> = self.by_digest.get(&digest).cloned().unwrap_or_default();
        for at in roots {
            self.keep_root(at, Some(why.clone()));
        }
        let want = match why {
            Why::Installed => Want::Document { media_type: None, needed: false, name: "an installation".to_owned() },
            _ => Want::Blob,
        };
        self.keep_all(vec![(digest, want)]);
    }

    /// Forgets roots that are no longer in `index.json`: nothing brings them back but a new entry.
    pub fn forget(&mut self, gone: impl Iterator<Item = usize>) {
        for at in gone {
            if let Some(root) = self.roots.get_mut(at) {
                root.gone = true;
                self.seen.remove(&(root.entry.name().map(str::to_owned), root.entry.digest));
            }
        }
    }

    fn keep_all(&mut self, mut waiting: Vec<(ContentDigest, Want)>) {
        while let Some((digest, want)) = waiting.pop() {
            if self.kept.insert(digest) {
                self.keep_roots_of(digest, &mut waiting);
            }
            if let Want::Document { media_type, needed, name } = want
                && self.walked.insert(digest)
            {
                self.walk(digest, media_type.as_deref(), needed, &name, &mut waiting);
            }
        }
    }

    /// Roots that are what was just kept, or are about it.
    fn keep_roots_of(&mut self, digest: ContentDigest, waiting: &mut Vec<(ContentDigest, Want)>) {
        let same = self.by_digest.get(&digest).into_iter().flatten().map(|at| (*at, Why::Listed));
        let about = self.by_subject.get(&digest).into_iter().flatten().map(|at| (*at, Why::About(digest)));
        for (at, why) in same.chain(about) {
            let Some(root) = self.roots.get_mut(at).filter(|root| !root.gone) else { continue };
            if root.why.is_none() && root.kind != Kind::Named {
                root.why = Some(why);
            }
            waiting.push((root.entry.digest, root_want(root)));
        }
    }

    fn walk(
        &mut self,
        digest: ContentDigest,
        media_type: Option<&str>,
        needed: bool,
        name: &str,
        waiting: &mut Vec<(ContentDigest, Want)>,
    ) {
        match document::read(self.store, &digest, media_type) {
            Ok(Document::Manifest(manifest)) => {
                for listed in manifest.references() {
                    let want = match manifest.is_index() && listed.is_manifest() {
                        true => Want::Document {
                            media_type: Some(listed.media_type.clone()),
                            needed: false,
                            name: name.to_owned(),
                        },
                        false => Want::Blob,
                    };
                    waiting.push((listed.digest, want));
                }
            }
            Ok(Document::Content) if needed => self.fail(digest, name, "it is no manifest".to_owned()),
            // An index may lack what it lists, but not what it had: that may be healed, and needs its blobs then.
            Ok(Document::Missing) if needed || self.store.is_quarantined(&digest) => {
                self.fail(digest, name, "it is missing".to_owned());
            }
            // Something else may need it all the same.
            Ok(Document::Content | Document::Missing) => {
                self.walked.remove(&digest);
            }
            Err(damage) => self.fail(digest, name, damage.to_string()),
        }
    }
}

fn root_want(root: &Root) -> Want {
    match is_manifest_type(&root.entry.media_type) {
        true => Want::Document { media_type: Some(root.entry.media_type.clone()), needed: true, name: root.name() },
        false => Want::Blob,
    }
}

fn kind(entry: &Entry) -> Kind {
    if !is_manifest_type(&entry.media_type) {
        return Kind::Named;
    }
    match entry.name().map(str::parse::<Name>) {
        None => Kind::Unnamed,
        Some(Ok(name)) if name.tag().is_none() && name.digest() == Some(&entry.digest) => Kind::Untagged,
        Some(_) => Kind::Named,
    }
}
