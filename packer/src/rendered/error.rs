//! Why a chart or folder of kustomize was not rendered.

use std::io;
use std::path::PathBuf;

use bundle_format::template::{ManifestError, PlacesError};
use bundle_format::{Code, Coded};

use super::tool::SECONDS;

/// Why a chart or folder of kustomize was not rendered. `what` is which, as `the chart ``redis```.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A file or folder that the template names.
    #[error("{what}: {}: {source}", path.display())]
    Place {
        /// Which.
        what: String,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The tool is not installed.
    #[error("{what} is rendered with {tool}, which is not installed")]
    NoTool {
        /// Which.
        what: String,
        /// `helm`, or `kubectl or kustomize`.
        tool: String,
    },
    /// The tool cannot be run.
    #[error("{what}: {tool} cannot be run: {source}")]
    Run {
        /// Which.
        what: String,
        /// The tool.
        tool: String,
        /// The cause.
        source: io::Error,
    },
    /// The tool refuses.
    #[error("{what}: {tool} says: {said}")]
    Refused {
        /// Which.
        what: String,
        /// The tool.
        tool: String,
        /// The end of what it said.
        said: String,
    },
    /// The tool does not end.
    #[error("{what}: {tool} was not done after {SECONDS} s")]
    Slow {
        /// Which.
        what: String,
        /// The tool.
        tool: String,
    },
    /// The objects are too many.
    #[error("{what} renders to more than {limit} bytes")]
    TooLong {
        /// Which.
        what: String,
        /// Bytes allowed.
        limit: u64,
    },
    /// What the tool printed is not Kubernetes objects.
    #[error("{what} renders to something else than Kubernetes objects: {source}")]
    Objects {
        /// Which.
        what: String,
        /// What is wrong.
        source: ManifestError,
    },
    /// A value that the template calls adjustable, and that cannot be.
    #[error("{what}: a site cannot set {value}: it {why}")]
    Adjustable {
        /// Which.
        what: String,
        /// The value, or several.
        value: String,
        /// What it does.
        why: String,
    },
    /// The places of its values cannot be written down.
    #[error("{what}: {source}")]
    Places {
        /// Which.
        what: String,
        /// The cause.
        source: PlacesError,
    },
    /// It renders to something else each time.
    #[error(
        "{what} renders to something else each time: it makes up passwords or certificates, or says what time it is"
    )]
    Chance {
        /// Which.
        what: String,
    },
}

impl Coded for RenderError {
    fn code(&self) -> Code {
        match self {
            Self::NoTool { .. } | Self::Run { .. } => Code::Tool,
            _ => Code::File,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoTool { tool, .. } => format!("install {tool}, or put it into the PATH"),
            Self::Refused { said, .. } if said.contains("dependenc") => {
                "run `helm dependency build` in the chart's folder: nothing is fetched while packing".to_owned()
            }
            Self::Refused { .. } => "nothing is fetched while packing: what it needs must lie beside the template".to_owned(),
            Self::Chance { .. } => {
                "set the values that it makes up, in a file of `values`; a password can come from a secret of the template".to_owned()
            }
            Self::Adjustable { .. } => {
                "take it out of `adjustable`; a site can set fields of the chart's objects all the same, with `object/KIND/NAME`".to_owned()
            }
            Self::Slow { .. } => "nothing is fetched while packing: does it wait for something?".to_owned(),
            _ => return None,
        })
    }
}
