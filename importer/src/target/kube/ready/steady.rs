//! Whether what runs goes on running: a container that ends again and again is ready between its ends, if no probe says otherwise.

use jiff::Timestamp;
use serde_json::Value;

use super::{Trouble, list, number, text, trouble};

/// Seconds for which a container that has no readiness probe must have run.
const UNPROBED: i64 = 5;

/// Seconds for which a container that was restarted must have run.
const RESTARTED: i64 = 20;

/// A container that runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Run {
    /// Its pod.
    pub pod: String,
    /// Its name.
    pub container: String,
    /// Since when it runs, by the clock of its node.
    pub since: String,
    /// How often it was started again before.
    pub restarts: i64,
    /// For how many seconds it has to run before it is counted on.
    pub needs: i64,
}

impl Run {
    /// For how many seconds it has run at `now`; none where that cannot be said, as when clocks differ.
    pub fn age(&self, now: Timestamp) -> i64 {
        let since = self.since.parse::<Timestamp>();
        since.map_or(0, |since| now.as_second().saturating_sub(since.as_second()).max(0))
    }

    /// Why it is not counted on after `age` seconds; nothing if it is.
    pub fn unsteady(&self, age: i64) -> Option<String> {
        let Self { pod, container, restarts, needs, .. } = self;
        if age >= *needs {
            return None;
        }
        let again = match restarts {
            0 => String::new(),
            1 => " after a restart".to_owned(),
            n => format!(" after {n} restarts"),
        };
        Some(format!("pod {pod}, container {container}: it runs for {age} s{again}, and is counted on after {needs} s"))
    }
}

/// Whether a workload counts a pod: it runs, and stays. A job may have pods that look the same.
fn is_counted(pod: &Value) -> bool {
    let of_job = list(pod, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/kind") == "Job");
    text(pod, "/status/phase") == "Running" && pod.pointer("/metadata/deletionTimestamp").is_none() && !of_job
}

/// What keeps a pod from running that its controller still takes for ready.
pub(in super::super) fn ended_again(pod: &Value) -> Option<Trouble> {
    trouble(pod).filter(|_| is_counted(pod))
}

/// The containers of a pod that run.
pub(in super::super) fn runs(pod: &Value) -> Vec<Run> {
    if !is_counted(pod) {
        return Vec::new();
    }
    let probed = |name: &str| {
        let mut containers = list(pod, "/spec/containers").iter();
        containers.any(|c| text(c, "/name") == name && c.get("readinessProbe").is_some_and(|p| !p.is_null()))
    };
    let run = |status: &Value| {
        let (container, restarts) = (text(status, "/name").to_owned(), number(status, "/restartCount"));
        let since = status.pointer("/state/running/startedAt")?.as_str()?.to_owned();
        let needs = match (restarts, probed(&container)) {
            (0, true) => 0,
            (0, false) => UNPROBED,
            _ => RESTARTED,
        };
        Some(Run { pod: text(pod, "/metadata/name").to_owned(), container, since, restarts, needs })
    };
    list(pod, "/status/containerStatuses").iter().filter_map(run).collect()
}

/// How often the containers of a pod were started again.
pub(in super::super) fn restarts(pod: &Value) -> i64 {
    let all = list(pod, "/status/containerStatuses").iter().chain(list(pod, "/status/initContainerStatuses"));
    all.fold(0, |sum, status| sum.saturating_add(number(status, "/restartCount")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As a server says it of a stateful set's pod whose only container has ended three times and runs again.
    fn pod(restarts: i64, probe: bool, state: Value) -> Value {
        let probe = if probe { json!({"exec": {"command": ["true"]}}) } else { Value::Null };
        json!({
            "metadata": {"name": "db-0"},
            "spec": {"containers": [{"name": "main", "readinessProbe": probe}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "main", "ready": true, "restartCount": restarts, "state": state,
                "lastState": {"terminated": {"exitCode": 3, "finishedAt": "2026-01-01T00:00:00Z"}},
            }]},
        })
    }

    #[test]
    fn a_container_is_counted_on_when_it_has_run_for_a_while() {
        let running = json!({"running": {"startedAt": "2026-01-01T00:00:10Z"}});
        let now: Timestamp = "2026-01-01T00:00:14Z".parse().unwrap();
        let late: Timestamp = "2026-01-01T00:00:31Z".parse().unwrap();
        let why = |pod: &Value, now| runs(pod).iter().find_map(|run| run.unsteady(run.age(now)));
        for (pod, now, expected) in [
            (pod(0, false, running.clone()), now, Some("it runs for 4 s, and is counted on after 5 s")),
            // A probe has looked at it.
            (pod(0, true, running.clone()), now, None),
            (pod(1, true, running.clone()), now, Some("it runs for 4 s after a restart, and is counted on after 20 s")),
            (
                pod(3, false, running.clone()),
                now,
                Some("it runs for 4 s after 3 restarts, and is counted on after 20 s"),
            ),
            (pod(3, false, running.clone()), late, None),
            (pod(0, false, running.clone()), late, None),
            // The node's clock is ahead.
            (
                pod(0, false, json!({"running": {"startedAt": "2027-01-01T00:00:10Z"}})),
                now,
                Some("it runs for 0 s, and is counted on after 5 s"),
            ),
            (
                pod(0, false, json!({"running": {"startedAt": "soon"}})),
                now,
                Some("it runs for 0 s, and is counted on after 5 s"),
            ),
            // What does not run is told of elsewhere.
            (pod(3, false, json!({"waiting": {"reason": "CrashLoopBackOff"}})), now, None),
        ] {
            let expected = expected.map(|why| format!("pod db-0, container main: {why}"));
            assert_eq!(why(&pod, now), expected, "{pod}");
        }
        let mut ending = pod(0, false, running.clone());
        ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:12Z".into();
        assert_eq!(why(&ending, now), None);
        assert_eq!(restarts(&pod(3, false, running.clone())), 3);
        let again = |pod: &Value| ended_again(pod).map(|t| t.text());
        let looping = pod(3, false, json!({"waiting": {"reason": "CrashLoopBackOff"}}));
        assert_eq!(again(&looping).as_deref(), Some("pod db-0, container main: CrashLoopBackOff: exit code 3"));
        assert_eq!(again(&pod(3, false, running)), None);
        let mut of_job = looping;
        of_job["metadata"]["ownerReferences"] = json!([{"kind": "Job"}]);
        assert_eq!(again(&of_job), None);
    }
}
