//! Why nothing was packed.

use std::io;
use std::path::PathBuf;

use crate::rendered::RenderError;
use bundle_format::delta::DeltaError;
use bundle_format::oci::OciError;
use bundle_format::template::{ManifestError, TemplateError};
use bundle_format::trust::SigningError;
use bundle_format::version_index::VersionIndexError;
use bundle_format::walk::BundleError;
use bundle_format::{Code, Coded, Digest, Exit, ImageRef, SourceError};

/// Why a template version was not packed. The output is then as it was before.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The template is not acceptable.
    #[error("{}: {source}", path.display())]
    Template {
        /// The template's file.
        path: PathBuf,
        /// Everything that is wrong with it.
        source: TemplateError,
    },
    /// The template cannot be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The template's file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file beside the template.
    #[error("{}, which the template names: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file of manifests is not one of Kubernetes objects.
    #[error("{}: {source}", path.display())]
    Manifests {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// A chart or folder of kustomize is not rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A manifest runs an image that would not be at the site.
    #[error("{} runs {image}, which the template does not carry", path.display())]
    UnpackedImage {
        /// The file.
        path: PathBuf,
        /// The image.
        image: ImageRef,
    },
    /// An image cannot be had.
    #[error("image {name}: {source}")]
    Image {
        /// Its name.
        name: ImageRef,
        /// The cause.
        source: SourceError,
    },
    /// A manifest or index of an image.
    #[error("image {name}: {source}")]
    Manifest {
        /// Its name.
        name: ImageRef,
        /// What is wrong.
        source: OciError,
    },
    /// The name has a digest, and the source has another.
    #[error("image {name}: its source has {found}")]
    OtherImage {
        /// Its name.
        name: ImageRef,
        /// The source's digest.
        found: Digest,
    },
    /// An image does not have a wanted platform.
    #[error("image {name} has no {wanted}; it has {}", available.join(", "))]
    Platform {
        /// Its name.
        name: ImageRef,
        /// The platforms that were asked for.
        wanted: String,
        /// The platforms that there are.
        available: Vec<String>,
    },
    /// Content is referred to as a manifest and as something else, or with two sizes.
    #[error("{digest} is referred to in two ways that contradict each other")]
    Contradiction {
        /// The content.
        digest: Digest,
    },
    /// An image's indexes are nested too deep.
    #[error("image {name}: its indexes are nested too deep")]
    TooDeep {
        /// Its name.
        name: ImageRef,
    },
    /// What was given as a base is not a bundle that can be read.
    #[error("the base {}: {source}", path.display())]
    Base {
        /// The bundle.
        path: PathBuf,
        /// What is wrong.
        source: Box<BundleError>,
    },
    /// There is no bundle in a folder.
    #[error("{} has no bundle in it", path.display())]
    NoBase {
        /// The folder.
        path: PathBuf,
    },
    /// A base is a delta whose own base is not there.
    #[error("{}", lacking_message(lacking))]
    BaseMissing {
        /// The blobs that cannot be had.
        lacking: Vec<LackingBase>,
    },
    /// A base is a delta whose patch cannot be applied.
    #[error("the base {}: making {blob}: {source}", path.display())]
    BasePatch {
        /// The bundle.
        path: PathBuf,
        /// The blob.
        blob: Digest,
        /// What is wrong.
        source: DeltaError,
    },
    /// A blob of a base is not what its digest says.
    #[error("the base {}: {blob}: {source}", path.display())]
    BaseContent {
        /// The bundle.
        path: PathBuf,
        /// The blob.
        blob: Digest,
        /// What is wrong.
        source: io::Error,
    },
    /// A temporary file.
    #[error("temporary files in {}: {source}", path.display())]
    Temporary {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is more content than the format allows.
    #[error("there is too much content: {0}")]
    TooMuch(&'static str),
    /// The content does not make a template version.
    #[error(transparent)]
    VersionIndex(#[from] VersionIndexError),
    /// A content is not what its digest says.
    #[error("{from}: {digest} {why}")]
    Content {
        /// Where it came from.
        from: String,
        /// The content.
        digest: Digest,
        /// How it differs.
        why: String,
    },
    /// Signing failed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Somebody does not want the bundle any more.
    #[error("interrupted; nothing was left behind")]
    Interrupted,
    /// The output is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// Another process writes the same output.
    #[error("{} is being written by another process", path.display())]
    Busy {
        /// The output.
        path: PathBuf,
    },
    /// The output's disk is too small.
    #[error("{} has {free} bytes free, the bundle needs {needed}", path.display())]
    NoSpace {
        /// The folder.
        path: PathBuf,
        /// Bytes free.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// The output cannot be written.
    #[error("writing {}: {source}", path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl Coded for PackError {
    fn code(&self) -> Code {
        match self {
            Self::Template { .. } | Self::Manifests { .. } | Self::UnpackedImage { .. } => Code::Template,
            Self::File { .. } | Self::Read { .. } => Code::File,
            Self::Image { source: SourceError::Io { source, .. }, .. } if is_content(source) => Code::ImageContent,
            Self::Image { .. } | Self::OtherImage { .. } => Code::Image,
            Self::Manifest { .. } | Self::Contradiction { .. } | Self::Content { .. } => Code::ImageContent,
            Self::Platform { .. } => Code::Platform,
            Self::Render(e) => e.code(),
            Self::Base { source, .. } => source.code(),
            Self::NoBase { .. } | Self::BaseMissing { .. } => Code::BaseMissing,
            Self::BasePatch { source: DeltaError::Io(source), .. } | Self::Temporary { source, .. }
                if source.kind() == io::ErrorKind::StorageFull =>
            {
                Code::Space
            }
            Self::Temporary { .. } => Code::Io,
            Self::BasePatch { .. } | Self::BaseContent { .. } => Code::BaseDamaged,
            Self::TooMuch(_) | Self::TooDeep { .. } => Code::Limit,
            Self::VersionIndex(_) => Code::Internal,
            Self::Signing(e) => e.code(),
            Self::Interrupted => Code::Interrupted,
            Self::Exists { .. } => Code::Exists,
            Self::Busy { .. } => Code::Locked,
            Self::NoSpace { .. } => Code::Space,
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => Code::Space,
            Self::Write { .. } => Code::Io,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Template { .. } => "`sealift template check` shows every problem with its line".to_owned(),
            Self::Render(e) => return e.hint(),
            Self::UnpackedImage { image, .. } => format!("add `- name: {image}` to the template's `images`"),
            Self::Image { source: SourceError::Missing { .. }, name } => {
                format!("say where {name} is: `from:` in the template's `images`, or --image {name}=SOURCE")
            }
            Self::OtherImage { .. } => {
                "the image was published again under the same name, or the digest is mistyped".to_owned()
            }
            Self::Platform { .. } => "leave --platform out to pack all platforms".to_owned(),
            Self::Content { .. } | Self::Manifest { .. } => {
                "the source is damaged: fetch or build the image again".to_owned()
            }
            Self::Exists { .. } => "choose another name, or replace it with --force".to_owned(),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => {
                "FAT file systems hold files up to 4 GiB only: use exFAT, ext4 or NTFS".to_owned()
            }
            Self::NoSpace { .. } => "free space there, or write to another disk".to_owned(),
            Self::NoBase { .. } => "name a bundle, or a folder that holds some".to_owned(),
            Self::BaseMissing { .. } => {
                "a delta is a base only together with its own: give that with --base too, or put it into the same folder".to_owned()
            }
            Self::Base { .. } | Self::BasePatch { .. } | Self::BaseContent { .. } if self.code().exit() != Exit::Machine => {
                "the base is damaged, or no bundle: give an intact copy, or pack without it".to_owned()
            }
            Self::Temporary { .. } if self.code() == Code::Space => {
                "temporary files lie beside the output: free space there, or write to another disk".to_owned()
            }
            _ => return None,
        })
    }
}

/// A blob of a base that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LackingBase {
    /// The blob.
    pub blob: Digest,
    /// The deltas that leave it to their site.
    pub bundles: Vec<PathBuf>,
    /// The template versions that have it, or what it is made from.
    pub supplied_by: Vec<String>,
}

fn lacking_message(lacking: &[LackingBase]) -> String {
    let Some(first) = lacking.first() else { return String::new() };
    let bundles: Vec<_> = first.bundles.iter().map(|path| path.display().to_string()).collect();
    let more = if lacking.len() > 1 { format!(", and {} more blobs", lacking.len() - 1) } else { String::new() };
    format!(
        "the base {} leaves {}{more} to its site, and {}, which has it, is not here",
        bundles.join(", "),
        first.blob,
        first.supplied_by.join(" or ")
    )
}

fn is_content(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
