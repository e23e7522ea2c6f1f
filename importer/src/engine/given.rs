//! What an action was given, and the next one that continues it is given as well (spec/plan.md 7.5).

use super::{Forward, Standing, Version};
use crate::plan::Accept;
use crate::record::{Action, Given, Record};

impl Standing {
    /// The record of the action that one of this kind, to this version, continues; nothing if it starts anew.
    #[must_use]
    pub fn continued(&self, action: Action, version: &Version) -> Option<&Record> {
        self.unfinished()
            .filter(|r| r.action == action && r.given.as_ref().is_some_and(|g| g.version == version.digest))
    }
}

impl Forward {
    /// What it is, where an installation stands so.
    pub(super) fn action(&self, standing: &Standing) -> Action {
        if standing.holds().is_some() && !self.again { Action::Upgrade } else { Action::Install }
    }

    /// The record of an action that this one, to `version`, continues: with everything that it was given, unless it is given otherwise.
    #[must_use]
    pub fn continues<'s>(&self, standing: &'s Standing, version: &Version) -> Option<&'s Record> {
        standing.continued(self.action(standing), version)
    }

    /// What a record keeps of it.
    pub(super) fn given(&self, version: &Version) -> Given {
        Given {
            version: version.digest,
            values: self.values.clone(),
            switched: self.switched.clone(),
            accept: self.accept.clone(),
            only: self.only.clone(),
            prune: self.prune,
        }
    }

    /// With what was given before. What is given now goes before it.
    pub(super) fn after(&self, before: &Given) -> Self {
        let Accept { paths, classes } = before.accept.clone();
        let mut forward = self.clone();
        let mut values = before.values.clone();
        values.values.retain(|path, _| !self.accept.paths.contains(path));
        forward.values = values.under(forward.values);
        forward.accept.paths.extend(paths.into_iter().filter(|path| !self.values.values.contains_key(path)));
        forward.accept.classes.extend(classes);
        forward.switched = before.switched.clone();
        forward.switched.extend(self.switched.clone());
        if forward.only.is_empty() {
            forward.only.clone_from(&before.only);
        }
        forward.prune |= before.prune;
        forward
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundle_format::Digest;
    use serde_json::json;

    #[test]
    fn what_is_given_now_goes_before_what_was_given() {
        let before = Given {
            version: Digest::of(b"a version"),
            values: serde_json::from_value(json!({"a.replicas": 2, "a.env.X": "x", "a.env.Y": "y"})).unwrap(),
            switched: [("m".parse().unwrap(), true), ("n".parse().unwrap(), true)].into(),
            accept: serde_json::from_value(json!({"paths": ["a.env.P", "a.env.Q"], "classes": ["config"]})).unwrap(),
            only: ["a".parse().unwrap()].into(),
            prune: true,
        };
        // As a record keeps it.
        let before: Given = serde_json::from_value(serde_json::to_value(&before).unwrap()).unwrap();
        let now = Forward {
            values: serde_json::from_value(json!({"a.replicas": 3, "a.env.P": "p"})).unwrap(),
            switched: [("n".parse().unwrap(), false)].into(),
            accept: serde_json::from_value(json!({"paths": ["a.env.Y"], "classes": ["env"]})).unwrap(),
            ..Forward::default()
        };
        let both = now.after(&before);
        assert_eq!(
            serde_json::to_value(&both.values).unwrap(),
            json!({"a.replicas": 3, "a.env.X": "x", "a.env.P": "p"})
        );
        assert_eq!(both.switched, [("m".parse().unwrap(), true), ("n".parse().unwrap(), false)].into());
        assert_eq!(
            serde_json::to_value(&both.accept).unwrap(),
            json!({"paths": ["a.env.Q", "a.env.Y"], "classes": ["env", "config"]})
        );
        assert!(both.prune && both.only == before.only);
        assert_eq!(
            before.to_string(),
            "a.env.X=\"x\", a.env.Y=\"y\", a.replicas=2, --with m, --with n, --accept a.env.P, --accept a.env.Q, --accept-all config, --only a, --prune"
        );
    }
}
