//! The two signed statements of a bundle (spec/bundle.md section 5), that of a status (spec/status.md), and that of an exported
//! installation (spec/installation.md), as in-toto Statements v1.

mod bases;
mod exported;
mod mark;
mod packing_list;
mod rebuild;
mod release;

use serde::{Deserialize, Serialize, de::DeserializeOwned, de::IgnoredAny};

use crate::digest::Digest;
use crate::json::{self, Numbers};
use crate::trust::{EnvelopeError, Signed};

pub use bases::BaseSet;
pub use exported::{Exported, ExportedFrom};
pub use mark::{Mark, MarkError, Note, ReleaseStatus};
pub use packing_list::{Kind, Member, PATCHES, PackingList};
pub use rebuild::{Base, Held, PatchUse, Rebuild, Rebuilt};
pub use release::{Release, ReleasedImage};

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What a statement says of its subject.
pub trait Predicate: Serialize + DeserializeOwned {
    /// The predicate type, with its version.
    const TYPE: &'static str;
    /// What to call the statement in messages.
    const WHAT: &'static str;
    /// Largest envelope, in bytes.
    const LIMIT: u64;
    /// The features of such statements that this reader knows (section 4.4).
    const KNOWN: &'static [&'static str] = &[];
    /// The features that a reader must know.
    fn requires(&self) -> &[String];
    /// Rules beyond the types.
    ///
    /// # Errors
    /// The rule that is broken.
    fn check(&self) -> Result<(), String>;
}

/// An in-toto Statement v1 about one template version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: [Subject; 1],
    predicate_type: String,
    predicate: P,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    #[serde(with = "plain_hex")]
    sha256: Digest,
}

impl<P: Predicate> Statement<P> {
    /// A statement about the template version `name` (`NAME:TAG`) whose version index has `digest`.
    pub fn new(name: String, digest: Digest, predicate: P) -> Self {
        Self {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: [Subject { name, digest: SubjectDigest { sha256: digest } }],
            predicate_type: P::TYPE.to_owned(),
            predicate,
        }
    }

    /// `NAME:TAG` of the template version.
    pub fn subject_name(&self) -> &str {
        &self.subject[0].name
    }

    /// Digest of the version index.
    pub fn subject_digest(&self) -> Digest {
        self.subject[0].digest.sha256
    }

    /// What is said of it.
    pub fn predicate(&self) -> &P {
        &self.predicate
    }
}

/// The members that say what the rest is: read first, so that another kind or version gets a clear answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinds {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate_type: String,
    #[serde(rename = "predicate")]
    _predicate: IgnoredAny,
}

impl<P: Predicate> Signed for Statement<P> {
    const LIMIT: u64 = P::LIMIT;

    fn parse(payload: &[u8]) -> Result<Self, EnvelopeError> {
        let kinds: Kinds = json::parse(payload, P::LIMIT, Numbers::Safe).map_err(EnvelopeError::Payload)?;
        if kinds.statement_type != STATEMENT_TYPE {
            return Err(EnvelopeError::Document(format!("it is not a {STATEMENT_TYPE}")));
        }
        if kinds.predicate_type != P::TYPE {
            let why = match (version_of(&kinds.predicate_type), version_of(P::TYPE)) {
                (Some((kind, _)), Some((ours, _))) if kind == ours => {
                    "this sealift knows another version of the format"
                }
                _ => "it is a statement of another kind",
            };
            let found: String = kinds.predicate_type.chars().take(100).collect();
            return Err(EnvelopeError::Document(format!("{why}: {found:?} instead of {:?}", P::TYPE)));
        }
        if !json::is_compact(payload) {
            return Err(EnvelopeError::Document("its JSON is not compact".to_owned()));
        }
        let statement: Self = json::parse(payload, P::LIMIT, Numbers::Safe).map_err(EnvelopeError::Payload)?;
        let known = |feature: &&String| P::KNOWN.contains(&feature.as_str());
        if let Some(feature) = statement.predicate.requires().iter().find(|feature| !known(feature)) {
            return Err(EnvelopeError::Document(format!("it requires {feature:?}, which this sealift does not know")));
        }
        statement.predicate.check().map_err(EnvelopeError::Document)?;
        Ok(statement)
    }
}

/// `https://…/release/v1` as its kind and its version.
fn version_of(predicate_type: &str) -> Option<(&str, &str)> {
    predicate_type.rsplit_once("/v")
}

/// Digests as in-toto and `sha256sum` write them: hexadecimal digits without the algorithm.
mod plain_hex {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::digest::Digest;

    pub fn serialize<S: Serializer>(digest: &Digest, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&digest.hex())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Digest, D::Error> {
        Digest::from_hex(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}
