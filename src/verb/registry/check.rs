//! `sealift registry check`

use std::collections::BTreeMap;

use bundle_format::{Code, Coded as _};
use registry_lite::client::Registry;
use registry_lite::client::check::{Depth, Manner, Problem, Wanted};
use registry_lite::mirrors::ClientKind;

use super::images::{held, named, site_ca};
use super::{address, client_options};
use crate::args::Check;
use crate::failure::Failure;
use crate::output::{Output, bytes};
use crate::report::{CheckedImage, CheckedProblem, RegistryCheckReport};

pub fn run(args: &Check, out: &Output) -> Result<(), Failure> {
    let mut images = held(args.site.as_deref(), args.bundle.as_deref(), &args.keys)?;
    for named in named(&args.names)? {
        if !images.iter().any(|held| held.image == named.image) {
            images.push(named);
        }
    }
    if images.is_empty() {
        return Err(Failure::new(Code::NotFound, "there is no image of another registry to ask for")
            .hint("import a bundle first, or name images"));
    }
    let registry = connect(args)?;
    let depth = if args.full { Depth::Full } else { Depth::Part };
    let report = check(&registry, args, &images, depth, out);
    let failed = report.checked.iter().filter(|checked| checked.problem.is_some()).count();
    if failed == 0 {
        return out.data(&report, |text| write(&report, text));
    }
    let failure = Failure::new(
        Code::Registry,
        format_args!("{}: {failed} of {} checks failed", report.registry, report.checked.len()),
    )
    .hint("clients will fail in the same way: each check says what it means");
    if out.json() {
        let details = serde_json::to_value(&report)
            .map_err(|e| Failure::new(Code::Internal, format_args!("the result is no JSON: {e}")))?;
        return Err(failure.details(details));
    }
    out.data(&report, |text| write(&report, text))?;
    Err(failure)
}

/// The registry, which answers.
fn connect(args: &Check) -> Result<Registry, Failure> {
    let mut options = client_options(&args.client);
    let (host, path) = address("URL", &args.url, &mut options)?;
    if !path.is_empty() {
        return Err(Failure::new(Code::Usage, format_args!("{}: a registry's address has no path", args.url)));
    }
    if options.ca.is_empty() {
        options.ca.extend(site_ca(args.site.as_deref()));
    }
    let registry = Registry::connect(host, &options)?;
    registry.answers()?;
    Ok(registry)
}

/// Each image, as each manner of asking has it that one of the clients has.
fn check(registry: &Registry, args: &Check, images: &[Wanted], depth: Depth, out: &Output) -> RegistryCheckReport {
    let asked = if args.clients.is_empty() { ClientKind::ALL.to_vec() } else { args.clients.clone() };
    let mut manners: BTreeMap<Manner, Vec<ClientKind>> = BTreeMap::new();
    for client in asked {
        let clients = manners.entry(Manner::of(client)).or_default();
        if !clients.contains(&client) {
            clients.push(client);
        }
    }
    let mut report =
        RegistryCheckReport { registry: args.url.clone(), ok: true, requests: 0, bytes: 0, checked: Vec::new() };
    for wanted in images {
        if depth == Depth::Full {
            out.say(format_args!("asking for {}", wanted.image));
        }
        for (manner, clients) in &manners {
            let outcome = registry.check(*manner, wanted, depth);
            if let Ok(passed) = &outcome {
                report.requests += u64::from(passed.requests);
                report.bytes += passed.bytes;
            }
            report.checked.push(CheckedImage {
                image: wanted.image.to_string(),
                clients: clients.iter().map(ToString::to_string).collect(),
                problem: outcome.err().map(|problem| told(&problem)),
            });
        }
    }
    report.ok = report.checked.iter().all(|checked| checked.problem.is_none());
    report
}

fn told(problem: &Problem) -> CheckedProblem {
    CheckedProblem {
        request: problem.request.clone(),
        fault: problem.fault.to_string(),
        meaning: problem.hint().unwrap_or_default(),
    }
}

fn write(report: &RegistryCheckReport, text: &mut String) {
    for checked in &report.checked {
        let clients = checked.clients.join(", ");
        match &checked.problem {
            None => text.push_str(&format!("ok      {} ({clients})\n", checked.image)),
            Some(problem) => {
                text.push_str(&format!("FAILED  {} ({clients})\n", checked.image));
                text.push_str(&format!("        {}: {}\n", problem.request, problem.fault));
                text.push_str(&format!("        {}\n", problem.meaning));
            }
        }
    }
    if report.ok {
        text.push_str(&format!(
            "all is well: {} requests, {} of content read and proved\n",
            report.requests,
            bytes(report.bytes)
        ));
    }
}
