//! What a plan says of its decisions to people.

use bundle_format::template::Component;
use serde_json::Value;

use super::compute::{Aim, Inputs};
use crate::plan::{AttributePath, Attributes, Change, ComponentChange, Decision, PlannedComponent, Row, Rule, Winner};

impl Inputs<'_> {
    /// The decisions with what was in force before a value was given. One that is given as the vendor has it is a decision as well.
    pub(super) fn told(&self, mut decided: Vec<Decision>, was: &Attributes) -> Vec<Decision> {
        let Aim::Forward { values, .. } = self.aim else { return decided };
        for (path, value) in values.values.iter().filter(|(path, value)| was.get(path) != value.as_ref()) {
            let before = was.get(path).cloned();
            match decided.iter_mut().find(|d| d.path == *path) {
                Some(d) if d.winner == Winner::Site => (d.site, d.given) = (before, true),
                Some(_) => {}
                None => decided.extend(Row::of(path).map(|row| Decision {
                    path: path.clone(),
                    change: Change::Site,
                    rule: row.rule,
                    old: value.clone(),
                    new: value.clone(),
                    site: before,
                    value: value.clone(),
                    winner: Winner::Site,
                    accepted: false,
                    given: true,
                })),
            }
        }
        decided
    }

    /// Whether a decision is told: of a module that never was on, nothing is.
    pub(super) fn is_shown(&self, decision: &Decision, components: &[PlannedComponent]) -> bool {
        let scope = decision.path.scope();
        let is_component = self.version.template.components.iter().any(|c| c.name.as_str() == scope);
        let planned = components.iter().find(|c| c.name.as_str() == scope);
        // Of what is new, everything is new: the site's own values alone are worth a word.
        let is_new = planned.is_some_and(|c| c.change == ComponentChange::Add) || self.holds.is_none();
        let is_told = !(is_new && decision.change == Change::Added && decision.winner == Winner::Vendor);
        is_told && (!is_component || planned.is_some())
    }

    /// Images that are others under the names that they had: a vendor has built them again.
    pub(super) fn rebuilt(&self) -> Vec<Decision> {
        let Some((record, held)) = self.holds else { return Vec::new() };
        let rebuilt = |new: &Component| {
            let old = held.template.component(&new.name).filter(|old| old.image == new.image)?;
            let (was, is) = (record.images.get(&old.image)?, self.images.get(&new.image)?);
            let digest = |image: &str| image.rsplit_once('@').map(|(_, digest)| digest.to_owned());
            let [was, is] = [digest(was)?, digest(is)?].map(|digest| Value::String(format!("{}@{digest}", new.image)));
            (was != is).then(|| Decision {
                path: AttributePath::new(new.name.as_str(), "image", None),
                change: Change::Vendor,
                rule: Rule::Vendor,
                old: Some(was.clone()),
                new: Some(is.clone()),
                site: Some(was),
                value: Some(is),
                winner: Winner::Vendor,
                accepted: false,
                given: false,
            })
        };
        self.version.template.components.iter().filter_map(rebuilt).collect()
    }
}
