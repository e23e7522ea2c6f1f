//! What `uninstall` gives as `--json`, and how people read it.

use importer::engine::Removal;
use importer::target::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;

use super::plan::RecordReport;

/// `sealift uninstall`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UninstallReport {
    pub name: String,
    pub namespace: String,
    pub target: String,
    /// Objects that go, in order.
    pub removed: Vec<String>,
    /// Claims among them: their data goes with them.
    pub claims: Vec<String>,
    /// Objects that stay.
    pub kept: Vec<String>,
    /// The record of it; none of a dry run.
    pub record: Option<RecordReport>,
}

impl UninstallReport {
    pub fn of((name, namespace, target): (String, String, String), removal: &Removal) -> Self {
        let texts = |objects: &[ObjectId]| objects.iter().map(ToString::to_string).collect();
        Self {
            name,
            namespace,
            target,
            removed: texts(&removal.go),
            claims: removal.go.iter().filter(|id| is_claim(id)).map(|id| id.name.clone()).collect(),
            kept: texts(&removal.stay),
            record: None,
        }
    }

    /// What goes and what stays, for people.
    pub fn write_plan(removal: &Removal, (name, namespace, target): (&str, &str, &str)) -> String {
        let mut text = format!("{name} for {namespace} on {target}: to be removed\n");
        for id in &removal.go {
            let data = if is_claim(id) { "  and the data in it; --keep-data keeps it" } else { "" };
            text.push_str(&format!("- {id}{data}\n"));
        }
        for id in &removal.stay {
            text.push_str(&format!("= {id}  stays\n"));
        }
        let claims = removal.go.iter().filter(|id| is_claim(id)).count();
        let data = if claims > 0 { format!(", the data of {claims} claims with them") } else { String::new() };
        text.push_str(&format!("objects: {} to remove{data}\n", removal.go.len()));
        text
    }
}

fn is_claim(id: &ObjectId) -> bool {
    id.group.is_empty() && id.kind == "PersistentVolumeClaim"
}
