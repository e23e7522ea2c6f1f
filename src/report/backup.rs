//! What moving an installation gives.

use std::collections::BTreeMap;

use importer::moving::{Document, Written};
use schemars::JsonSchema;
use serde::Serialize;

use super::plan::PlanReport;
use crate::output::bytes;

/// An exported installation, wherever it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MovedReport {
    pub name: String,
    pub version: String,
    pub revision: u32,
    /// Digest of the version index, which the other site must hold.
    pub digest: String,
    /// Optional components, and whether they are switched on.
    pub modules: BTreeMap<String, bool>,
    /// Paths of the site's values.
    pub values: Vec<String>,
    /// What claims hold.
    pub data: Vec<VolumeReport>,
}

/// A claim whose content is carried.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VolumeReport {
    pub claim: String,
    /// Bytes of its tar.
    pub size: u64,
}

impl MovedReport {
    pub fn of(document: &Document, digest: String) -> Self {
        Self {
            name: document.name.to_string(),
            version: document.version.to_string(),
            revision: document.revision,
            digest,
            modules: document.modules.iter().map(|(name, on)| (name.to_string(), *on)).collect(),
            values: document.values.values.keys().map(ToString::to_string).collect(),
            data: document.data.iter().map(|v| VolumeReport { claim: v.claim.clone(), size: v.size }).collect(),
        }
    }

    fn write(&self, text: &mut String) {
        text.push_str(&format!("content  {}\n", self.digest));
        for path in &self.values {
            text.push_str(&format!("value    {path}\n"));
        }
        for (module, on) in &self.modules {
            text.push_str(&format!("module   {module} {}\n", if *on { "on" } else { "off" }));
        }
        for volume in &self.data {
            text.push_str(&format!("data     {} ({})\n", volume.claim, bytes(volume.size)));
        }
    }
}

/// `sealift export-installation`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportInstallationReport {
    /// The file that was written.
    pub file: String,
    /// Its bytes.
    pub size: u64,
    pub namespace: String,
    pub target: String,
    /// Number of the record that it is the state of.
    pub record: u64,
    pub exported_at: String,
    /// The key that signed it.
    pub signed_by: Vec<String>,
    /// Secrets that are carried, encrypted.
    pub secrets: Vec<String>,
    /// What was stopped meanwhile, and runs again.
    pub stopped: Vec<String>,
    #[serde(flatten)]
    pub installation: MovedReport,
}

impl ExportInstallationReport {
    pub fn of(file: String, written: &Written) -> Self {
        let said = written.statement.value();
        let exported = said.predicate();
        Self {
            file,
            size: written.len,
            namespace: exported.from.namespace.clone(),
            target: exported.from.target.clone(),
            record: exported.from.record,
            exported_at: exported.exported_at.clone(),
            signed_by: written.statement.signers().iter().map(ToString::to_string).collect(),
            secrets: written.secrets.clone(),
            stopped: written.stopped.iter().map(ToString::to_string).collect(),
            installation: MovedReport::of(&written.document, said.subject_digest().to_string()),
        }
    }

    pub fn write(&self, text: &mut String) {
        let (of, size) = (&self.installation, bytes(self.size));
        text.push_str(&format!(
            "exported {} {} of {} to {} ({size})\n",
            of.name, of.version, self.namespace, self.file
        ));
        of.write(text);
        for secret in &self.secrets {
            text.push_str(&format!("secret   {secret}, encrypted\n"));
        }
        for key in &self.signed_by {
            text.push_str(&format!("signed   by key {key}\n"));
        }
    }
}

/// `sealift import-installation`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportInstallationReport {
    /// The keys whose signatures counted.
    pub signed_by: Vec<String>,
    /// Namespace that it comes from.
    pub from_namespace: String,
    /// Target that it comes from.
    pub from_target: String,
    pub exported_at: String,
    pub installation: MovedReport,
    /// Whether what the claims hold was left in the file.
    pub data_left: bool,
    /// What was done, or would be.
    pub plan: PlanReport,
}
