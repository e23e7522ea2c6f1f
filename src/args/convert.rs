//! `sealift template from-…`

use std::path::PathBuf;

use bundle_format::template::{TemplateName, TemplateVersion};
use clap::Args as ClapArgs;

/// Where a converted template goes, and what it is called.
#[derive(Debug, ClapArgs)]
pub struct Converted {
    /// Folder to write: sealift.yaml and the files beside it
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Name of the template, if not the input's
    #[arg(long)]
    pub name: Option<TemplateName>,
    /// Version of the template, if not the input's
    #[arg(long)]
    pub version: Option<TemplateVersion>,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
pub struct FromCompose {
    /// The compose file; `.env` beside it gives values for its variables
    pub file: PathBuf,
    #[command(flatten)]
    pub to: Converted,
}

#[derive(Debug, ClapArgs)]
pub struct FromManifests {
    /// Files of Kubernetes objects, or folders of them
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub to: Converted,
}

#[derive(Debug, ClapArgs)]
pub struct FromRainbond {
    /// The archive that Rainbond wrote, or the folder that it was unpacked to
    pub path: PathBuf,
    #[command(flatten)]
    pub to: Converted,
}
