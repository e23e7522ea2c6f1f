//! The shop installed, customised, upgraded and taken back, on a folder or a cluster.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bundle_format::Code;

use super::cluster::NAMESPACE;
use super::{Demo, io_failure};
use crate::args;
use crate::failure::Failure;
use crate::verb::installation;

impl Demo<'_> {
    pub(super) fn install(&mut self) -> Result<(), Failure> {
        let args = args::Install {
            name: "shop".to_owned(),
            place: self.place(),
            admission: args::Admission::default(),
            values: args::Values::default(),
            atomic: false,
            how: self.how(),
        };
        let installed = installation::install_and_tell(&args, &self.quiet)?;
        let files = installed.steps.iter().filter(|s| s.file.is_some()).count();
        let result = format!("{files} manifests, images pinned by digest, secrets made here and kept");
        self.step(format!("sealift install shop {}", self.typed()), result);
        Ok(())
    }

    /// Changes a value as a site would, upgrades, and goes back.
    pub(super) fn upgrade(&mut self) -> Result<(), Failure> {
        let command = self.customise()?;
        self.step(command, "the site knows better how many it needs".to_owned());
        let args = args::Upgrade {
            name: "shop".to_owned(),
            change: args::Change {
                to: None,
                place: self.place(),
                admission: args::Admission::default(),
                values: args::Values::default(),
                acceptance: args::Acceptance::default(),
            },
            atomic: false,
            how: args::How { dry_run: true, ..self.how() },
        };
        let planned = installation::upgrade_and_tell(&args, &self.quiet)?;
        let value =
            |v: &Option<serde_json::Value>| v.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let kept: Vec<String> = planned
            .decisions
            .iter()
            .filter(|d| d.winner == "site")
            .map(|d| format!("{} stays {} (the vendor's is {})", d.path, value(&d.site), value(&d.new)))
            .collect();
        let added: Vec<_> = planned.decisions.iter().filter(|d| d.change == "added").map(|d| d.path.clone()).collect();
        self.step(
            format!("sealift plan shop {}", self.typed()),
            format!("1.0.0 -> {}: {}; new is {}", planned.to, kept.join(", "), added.join(", ")),
        );
        let args = args::Upgrade { how: self.how(), ..args };
        let done = installation::upgrade_and_tell(&args, &self.quiet)?;
        let number = done.record.map_or(0, |r| r.number);
        self.step(
            format!("sealift upgrade shop {}", self.typed()),
            format!("{} is installed, with the site's values; record {number}", done.to),
        );
        let args = args::Rollback {
            name: "shop".to_owned(),
            record: None,
            place: self.place(),
            exact: false,
            how: self.how(),
        };
        let done = installation::rollback_and_tell(&args, &self.quiet)?;
        if !self.is_customised()? {
            return Err(Failure::new(Code::Internal, "the site's value did not survive the journey"));
        }
        self.step(
            format!("sealift rollback shop {}", self.typed()),
            format!("{} is back in one step, the site's three replicas and its passwords as they were", done.to),
        );
        Ok(())
    }

    /// The manifest of the web server, in the folder that it is installed on.
    fn web(&self) -> PathBuf {
        self.dir.join("out/50-004-deployment-web.yaml")
    }

    /// Asks for three replicas with the site's own tools; gives what is typed for it.
    fn customise(&self) -> Result<String, Failure> {
        if let Some(cluster) = &self.cluster {
            let words = ["scale", "deployment/shop-web", "--replicas=3"];
            cluster.kubectl(&words)?;
            return Ok(format!("kubectl --namespace {NAMESPACE} {}", words.join(" ")));
        }
        let file = self.web();
        let text = fs::read_to_string(&file).map_err(|e| io_failure(&file, &e))?;
        fs::write(&file, text.replace("replicas: 2", "replicas: 3")).map_err(|e| io_failure(&file, &e))?;
        Ok(format!("sed -i 's/replicas: 2/replicas: 3/' {}", file.display()))
    }

    fn is_customised(&self) -> Result<bool, Failure> {
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.kubectl(&["get", "deployment/shop-web", "-o", "jsonpath={.spec.replicas}"])? == "3");
        }
        let file = self.web();
        Ok(fs::read_to_string(&file).map_err(|e| io_failure(&file, &e))?.contains("replicas: 3"))
    }

    /// Leaves the cluster as it was.
    pub(super) fn uninstall(&mut self) -> Result<(), Failure> {
        let args = args::Uninstall {
            name: "shop".to_owned(),
            place: self.place(),
            keep_data: false,
            dry_run: false,
            timeout: Duration::from_secs(120),
        };
        installation::uninstall_and_tell(&args, &self.quiet)?;
        self.step(format!("sealift uninstall shop {}", self.typed()), "nothing is left but the namespace".to_owned());
        Ok(())
    }

    /// Where the shop is installed.
    fn place(&self) -> args::Where {
        args::Where { site: self.site(), namespace: self.namespace().to_owned(), target: Some(self.target()) }
    }

    fn namespace(&self) -> &'static str {
        if self.cluster.is_some() { NAMESPACE } else { "prod" }
    }

    fn target(&self) -> String {
        match &self.cluster {
            Some(cluster) => cluster.target(),
            None => format!("dir:{}", self.dir.join("out").display()),
        }
    }

    /// The same, as it would be typed.
    fn typed(&self) -> String {
        format!("--site {} --namespace {} --target {}", self.site().display(), self.namespace(), self.target())
    }

    /// How the demonstration acts.
    fn how(&self) -> args::How {
        args::How {
            registry: self.cluster.as_ref().map(|c| c.registry.clone()),
            original_names: false,
            pull_secret: None,
            registry_login: None,
            timeout: Duration::from_secs(120),
            keep: 10,
            adopt: false,
            dry_run: false,
        }
    }
}
