//! Jobs.

use serde_json::Value;

use super::{Readiness, condition, holds, number, said};

pub(super) fn job(object: &Value) -> Readiness {
    let met = |kind: &str| condition(object, kind).filter(|c| holds(c));
    if met("Complete").is_some() {
        return Readiness::Ready;
    }
    if let Some(failed) = met("Failed") {
        return Readiness::Failed(match said(failed).as_str() {
            "" => "the job failed".to_owned(),
            why => format!("the job failed: {why}"),
        });
    }
    if met("Suspended").is_some() || object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Readiness::waiting("it is suspended");
    }
    let wanted = object.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
    let status = |key: &str| number(object, &format!("/status/{key}"));
    let failed = match status("failed") {
        0 => String::new(),
        n => format!("; pods failed so far: {n}"),
    };
    Readiness::Waiting(format!(
        "{} of {wanted} pods have completed, {} run{failed}",
        status("succeeded"),
        status("active")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_job_is_ready_when_it_is_complete_and_never_when_it_failed() {
        let condition = |kind: &str| json!({"conditions": [{"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}]});
        for (spec, status, expected) in [
            (json!({}), condition("Complete"), Readiness::Ready),
            (
                json!({}),
                condition("Failed"),
                Readiness::Failed(
                    "the job failed: BackoffLimitExceeded: Job has reached the specified backoff limit".to_owned(),
                ),
            ),
            // Since 1.31 it says that it will fail before its pods have ended.
            (json!({}), condition("FailureTarget"), Readiness::waiting("0 of 1 pods have completed, 0 run")),
            (json!({"suspend": true}), json!({}), Readiness::waiting("it is suspended")),
            (
                json!({"completions": 3}),
                json!({"succeeded": 1, "active": 2, "failed": 1}),
                Readiness::waiting("1 of 3 pods have completed, 2 run; pods failed so far: 1"),
            ),
            (json!({}), json!({}), Readiness::waiting("0 of 1 pods have completed, 0 run")),
        ] {
            assert_eq!(job(&json!({"spec": spec, "status": status})), expected, "{spec} {status}");
        }
    }
}
