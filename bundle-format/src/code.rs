//! The one table of refusals: a stable code, the exit code of the command, and what it means (spec/errors.md is made from it).

use std::fmt;

/// Groups of refusals, by who can do something about them. The value is the command's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// The machine: files, space, devices.
    Machine = 1,
    /// How the command was called. The argument parser uses it too.
    Usage = 2,
    /// Nobody who is trusted vouches for it.
    Untrusted = 3,
    /// The bundle is damaged, changed or malformed.
    Bundle = 4,
    /// What was to be packed is not right.
    Input = 5,
    /// What is there already stands in the way, or what is needed is not there.
    State = 6,
    /// A registry refused or cannot be reached.
    Registry = 7,
    /// A cluster refused, cannot be reached, or does not get ready.
    Cluster = 8,
}

impl Exit {
    /// What the exit code tells a script.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Machine => "the machine: reading, writing, space",
            Self::Usage => "how the command was called",
            Self::Untrusted => "trust: no key, another key, a signature that does not verify",
            Self::Bundle => "the bundle is damaged, changed, malformed, or of a format this version does not know",
            Self::Input => "what was to be packed: the template, an image, a file",
            Self::State => "what is there stands in the way, or what is needed is not there",
            Self::Registry => "a registry refused, or cannot be reached",
            Self::Cluster => "a cluster refused, cannot be reached, or does not get what it runs ready",
        }
    }
}

macro_rules! codes {
    ($($name:ident $text:literal $exit:ident $meaning:literal,)*) => {
        /// A stable code of a refusal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is printed and documented.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The command's exit code.
            #[must_use]
            pub fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit,)* }
            }

            /// What it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

codes! {
    Io "E-IO" Machine "A file or device cannot be read or written.",
    Space "E-SPACE" Machine "There is less free space than the work needs.",
    Memory "E-MEMORY" Machine "The work needs more memory than it may use.",
    Interrupted "E-INTERRUPTED" Machine "A signal ended the work. The message says what it left behind, if anything.",
    Internal "E-INTERNAL" Machine "Something that cannot happen has happened; please report it.",
    Usage "E-USAGE" Usage "The arguments do not go together.",
    NoKey "E-NO-KEY" Untrusted "No public key was given, so nothing can be proved.",
    Key "E-KEY" Untrusted "A key file is not a key of the right kind.",
    Passphrase "E-PASSPHRASE" Untrusted "The private key's passphrase is missing or wrong.",
    Untrusted "E-UNTRUSTED" Untrusted "A signature of a key that must have signed is missing.",
    Signature "E-SIGNATURE" Untrusted "A signature does not verify: what was signed has been changed.",
    Decrypt "E-DECRYPT" Untrusted "What is encrypted is not for the identity that was given.",
    Empty "E-EMPTY" Bundle "The file is empty.",
    Foreign "E-FOREIGN" Bundle "The file is something else than a bundle.",
    Truncated "E-TRUNCATED" Bundle "The file ends too early.",
    Member "E-MEMBER" Bundle "A member of the archive is not the one that was signed: changed header, added, removed, reordered.",
    Padding "E-PADDING" Bundle "Bytes between two members were changed.",
    End "E-END" Bundle "The end of the archive was changed, or a member was added there.",
    Trailing "E-TRAILING" Bundle "There are bytes after the end.",
    Limit "E-LIMIT" Bundle "Something is larger than the format allows.",
    Envelope "E-ENVELOPE" Bundle "A signed envelope is malformed.",
    Statement "E-STATEMENT" Bundle "A signed document is not of the expected kind or version.",
    List "E-LIST" Bundle "The packing list does not belong to this archive.",
    Digest "E-DIGEST" Bundle "The content of a member was changed.",
    Layout "E-LAYOUT" Bundle "oci-layout or index.json is not what the release makes it.",
    Document "E-DOCUMENT" Bundle "A manifest or an index is malformed.",
    Graph "E-GRAPH" Bundle "The content does not hang together: something is missing, or belongs to nothing.",
    VersionIndex "E-VERSION-INDEX" Bundle "The content is not a template version.",
    Release "E-RELEASE" Bundle "The release says something else than its content.",
    Status "E-STATUS" Bundle "The status is of another template version than it was given for.",
    Patch "E-PATCH" Bundle "A patch is malformed, or does not make what the packing list says.",
    Template "E-TEMPLATE" Input "The template is not acceptable.",
    File "E-FILE" Input "A file that the template names is missing or not usable.",
    Tool "E-TOOL" Input "A program that packing needs is not installed, or cannot be run.",
    Image "E-IMAGE" Input "An image is not where it should be, or cannot be read there.",
    ImageContent "E-IMAGE-CONTENT" Input "An image's content is not what its digest says, or ends early.",
    Platform "E-PLATFORM" Input "An image does not have the wanted platform.",
    Exists "E-EXISTS" State "The output exists already.",
    Locked "E-LOCKED" State "Another process is writing there.",
    NotASite "E-NOT-A-SITE" State "The folder is not a site.",
    SiteFormat "E-SITE-FORMAT" State "The site was made by another version.",
    SiteDamaged "E-SITE-DAMAGED" State "A file of the site is damaged.",
    VersionExists "E-VERSION-EXISTS" State "The site holds other content under this name, version and revision.",
    NotFound "E-NOT-FOUND" State "What was named is not there.",
    Ambiguous "E-AMBIGUOUS" State "What was named is there more than once.",
    Incomplete "E-INCOMPLETE" State "Content that is needed is not there.",
    BaseMissing "E-BASE-MISSING" State "What a delta is made from is not there.",
    BaseDamaged "E-BASE-DAMAGED" State "What a delta is made from is there, but damaged.",
    Render "E-RENDER" State "The application cannot be rendered with what the site has.",
    Logins "E-LOGINS" State "The file of a registry's users cannot be used.",
    Certificate "E-CERTIFICATE" State "A TLS certificate, or the key that belongs to it, cannot be used.",
    NotInstalled "E-NOT-INSTALLED" State "There is no such installation, or no such record of it.",
    Withdrawn "E-WITHDRAWN" State "The template version was withdrawn by whoever tests it.",
    NotReleased "E-NOT-RELEASED" State "The template version has no status `released`, and one was asked for.",
    Values "E-VALUES" State "A value that was given for the site does not fit the template.",
    Cluster "E-CLUSTER" Cluster "The cluster cannot be reached.",
    Forbidden "E-FORBIDDEN" Cluster "The cluster does not allow it.",
    Refused "E-REFUSED" Cluster "The cluster refused an object.",
    NotReady "E-NOT-READY" Cluster "Something did not become ready in time.",
    Failed "E-FAILED" Cluster "Something failed on the cluster, and cannot become ready any more.",
    Registry "E-REGISTRY" Registry "A registry refused, or cannot be reached.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// An error that has a place in the table, and may know what to do next.
pub trait Coded: std::error::Error {
    /// Its code.
    fn code(&self) -> Code;

    /// What to do next.
    fn hint(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct() {
        let texts: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.text()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
