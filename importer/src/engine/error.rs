//! Why an action on an installation was not done, or not to its end.

use bundle_format::template::{CompleteError, ComponentName};
use bundle_format::{Code, Coded, Digest, ImageRef};

use crate::holdings::HoldingError;
use crate::plan::{AttributePath, AttributesError, EffectiveError, UnusedAccept, ValuesError};
use crate::render::RenderError;
use crate::target::{Place, TargetError};

/// Why an action on an installation was not done, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The template version.
    #[error(transparent)]
    Holding(#[from] HoldingError),
    /// The target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The template cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A document of the version is no manifest.
    #[error(transparent)]
    Attributes(#[from] AttributesError),
    /// The values that would be in force do not make a template.
    #[error(transparent)]
    Effective(#[from] EffectiveError),
    /// A value that was given for the site.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// What was accepted is not to be decided.
    #[error(transparent)]
    Accept(#[from] UnusedAccept),
    /// A value that a claim which is there cannot have.
    #[error("{path}: the claim that is there has {there}, and holds data: it may grow, and becomes nothing else")]
    Claim {
        /// The volume.
        path: AttributePath,
        /// What the claim has.
        there: String,
    },
    /// A site's value of a chart that is of another type in this version.
    #[error("{path}: the site's value does not fit this version: {why}")]
    ChartValue {
        /// The value's path.
        path: AttributePath,
        /// What belongs there.
        why: &'static str,
    },
    /// A partial version cannot be completed.
    #[error("{label} cannot be completed from {base}: {source}")]
    Complete {
        /// `NAME:TAG`.
        label: String,
        /// `NAME:TAG` of the version that it names.
        base: String,
        /// Why.
        source: CompleteError,
    },
    /// Versions complete each other in a row that is too long, or in a circle.
    #[error("{label} is completed from too many versions in a row")]
    Chain {
        /// `NAME:TAG` of the last one.
        label: String,
    },
    /// The template runs an image that did not travel with it.
    #[error("{label} runs {image}, which is not part of it")]
    NoImage {
        /// `NAME:TAG`.
        label: String,
        /// The image.
        image: ImageRef,
    },
    /// The site's registry does not have an image whole.
    #[error("{label} needs {image}, of which the site's registry does not have everything ({digest})")]
    ImageMissing {
        /// `NAME:TAG`.
        label: String,
        /// The image.
        image: ImageRef,
        /// Its manifest or index.
        digest: Digest,
    },
    /// There is no such component.
    #[error("{label} has no {what} called {component}")]
    NoComponent {
        /// `NAME:TAG`.
        label: String,
        /// What was looked for.
        what: &'static str,
        /// Its name.
        component: ComponentName,
        /// Those that there are.
        there: Vec<String>,
    },
    /// There is no such installation.
    #[error("{} is not installed in {} on {target}", place.name, place.namespace)]
    NotInstalled {
        /// Where it was looked for.
        place: Place,
        /// On what.
        target: String,
    },
    /// There is no such record, or nothing to go back to.
    #[error("{}/{} has {}", place.namespace, place.name, no_record(wanted))]
    NoRecord {
        /// The installation.
        place: Place,
        /// What was asked for.
        wanted: String,
        /// The numbers of those that there are.
        there: Vec<u64>,
    },
    /// Another version is installed.
    #[error("{} {there} is installed in {} already", place.name, place.namespace)]
    OtherVersion {
        /// Where.
        place: Place,
        /// Its version.
        there: String,
    },
    /// The installation exists on another target.
    #[error("{} is installed in {} already, on {target}", place.name, place.namespace)]
    OtherTarget {
        /// Where.
        place: Place,
        /// Its target.
        target: String,
    },
    /// The system gives no random bytes for secrets.
    #[error("the system gives no random bytes: {0}")]
    NoRandom(String),
    /// Somebody who watches wanted the action to end.
    #[error("{what} was interrupted by a signal{}", if next.is_none() { ", before it changed anything" } else { "" })]
    Interrupted {
        /// What was done, as in "upgrading to shop:2.0.0".
        what: String,
        /// What to do next, if it was begun.
        next: Option<String>,
    },
    /// The action failed, and what held before is back.
    #[error("{cause}; {} is back at {back}", place.name)]
    TakenBack {
        /// Where.
        place: Place,
        /// What holds again.
        back: String,
        /// What failed.
        cause: Box<EngineError>,
    },
    /// The action failed, and going back failed too.
    #[error("{cause}; going back failed as well: {back}")]
    Stuck {
        /// What failed.
        cause: Box<EngineError>,
        /// Why going back failed.
        back: Box<EngineError>,
    },
}

/// What there is not, where a rollback was asked for with a number, or without.
fn no_record(wanted: &str) -> String {
    match wanted {
        "" => "no state before this one to go back to".to_owned(),
        wanted => format!("no record {wanted} to go back to"),
    }
}

impl Coded for EngineError {
    fn code(&self) -> Code {
        match self {
            Self::Holding(e) => e.code(),
            Self::Target(e) => e.code(),
            Self::Render(_) | Self::Effective(_) | Self::Attributes(_) => Code::Render,
            Self::Values(_) | Self::Accept(_) | Self::Claim { .. } | Self::ChartValue { .. } => Code::Values,
            Self::NoComponent { .. } => Code::NotFound,
            Self::Complete { .. } | Self::Chain { .. } | Self::NoImage { .. } => Code::SiteDamaged,
            Self::ImageMissing { .. } => Code::Incomplete,
            Self::NotInstalled { .. } | Self::NoRecord { .. } => Code::NotInstalled,
            Self::OtherVersion { .. } | Self::OtherTarget { .. } => Code::Exists,
            Self::NoRandom(_) => Code::Io,
            Self::Interrupted { .. } => Code::Interrupted,
            Self::TakenBack { cause, .. } | Self::Stuck { cause, .. } => cause.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Holding(e) => e.hint(),
            Self::Target(e) => e.hint(),
            Self::Accept(e) => e.hint.clone(),
            Self::ChartValue { path, .. } => {
                Some(format!("give another with `--set {path}=VALUE`, or take the vendor's with `--accept {path}`"))
            }
            Self::ImageMissing { .. } => Some("import the bundle again".to_owned()),
            Self::NoComponent { there, what, .. } if there.is_empty() => Some(format!("it has no {what} at all")),
            Self::NoComponent { there, what: "module", .. } => {
                Some(format!("what can be switched on and off: {}", there.join(", ")))
            }
            Self::NoComponent { there, .. } => Some(format!("it has {}", there.join(", "))),
            Self::NotInstalled { .. } => {
                Some("`sealift list` shows what is installed; `sealift install` installs".to_owned())
            }
            Self::NoRecord { there, wanted, place } if wanted.is_empty() && !there.is_empty() => Some(format!(
                "`sealift history {0}` shows the records that were kept; `sealift upgrade {0} --to VERSION` goes to any version of the site",
                place.name
            )),
            Self::NoRecord { there, .. } if there.is_empty() => Some(
                "`sealift uninstall` removes what a first installation made; `sealift install` goes on with it"
                    .to_owned(),
            ),
            Self::NoRecord { there, .. } => {
                Some(format!("there are {}", there.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")))
            }
            Self::OtherVersion { place, .. } => {
                Some(format!("`sealift upgrade {}` changes the version; or install into another namespace", place.name))
            }
            Self::OtherTarget { target, .. } => Some(format!("give --target {target}, or another namespace")),
            Self::Interrupted { next, .. } => next.clone().filter(|next| !next.is_empty()),
            Self::TakenBack { cause, .. } => cause.hint(),
            Self::Stuck { .. } => {
                Some("`sealift status` shows what is there; `sealift rollback` tries again".to_owned())
            }
            _ => None,
        }
    }
}
