//! Monitors and graphs of a component.

use std::num::NonZeroU16;

use bundle_format::template::{Component, Graph, Monitor};
use serde_json::Value;

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind};
use super::super::names::Names;
use super::{list_at, number, word};

pub(super) fn watched(draft: &mut Draft, app: &Value, made: &mut Component) -> Result<(), ConvertError> {
    let mut monitors = Names::default();
    for given in list_at(app, &["component_monitors"]) {
        let called = word(given, "name").unwrap_or_default();
        let port = number::<u16>(given, "port").and_then(NonZeroU16::new);
        let Some(port) = made.ports.iter_mut().find(|p| Some(p.port) == port) else {
            let text = format!("the monitor {called}: its port is none of the component's");
            draft.note(NoteKind::Left, Some(&made.name), text);
            continue;
        };
        port.service = true;
        let name = monitors.take(&called, "monitor", 40)?;
        let path = word(given, "path").unwrap_or_else(|| "/metrics".to_owned());
        let interval = word(given, "interval");
        let read = interval.as_ref().and_then(|i| i.parse().ok());
        let unread = interval.filter(|_| read.is_none());
        made.monitors.push(Monitor { name, port: port.name.clone(), path, interval: read });
        let shown = word(given, "service_show_name").filter(|shown| *shown != called);
        let left = [
            unread.map(|i| format!("the interval {i:?}")),
            shown.map(|shown| format!("that it is shown as {shown:?} (`service_show_name`)")),
        ];
        for text in left.into_iter().flatten() {
            draft.note(NoteKind::Left, Some(&made.name), format!("of the monitor {called}: {text}"));
        }
    }
    // The order in which they are shown is that of the list.
    let mut graphs: Vec<&Value> = list_at(app, &["component_graphs"]).iter().collect();
    graphs.sort_by_key(|given| number::<u64>(given, "sequence").unwrap_or(0));
    for given in graphs {
        let why = match (word(given, "title"), word(given, "promql")) {
            (Some(title), Some(_)) if made.graphs.iter().any(|g| g.title == title) => "another has its title",
            (Some(title), Some(query)) => {
                made.graphs.push(Graph { title, query });
                continue;
            }
            (_, None) => "it has no `promql`",
            (None, _) => "it has no title",
        };
        let text = format!("the graph {:?}: {why}", word(given, "title").unwrap_or_default());
        draft.note(NoteKind::Left, Some(&made.name), text);
    }
    Ok(())
}
