//! Templates: any bytes give a report in bounded time, and a template that parses can be written and parsed again.
#![no_main]

use bundle_format::template::{Severity, Template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let checked = Template::check(bytes);
    match checked.template {
        None => assert!(checked.problems.iter().any(|p| p.severity == Severity::Error), "refused without a reason"),
        Some(_) => assert!(checked.problems.iter().all(|p| p.severity != Severity::Error)),
    }
    for problem in &checked.problems {
        let _ = problem.to_string();
    }
});
