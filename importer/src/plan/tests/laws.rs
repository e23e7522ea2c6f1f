//! What holds for any three versions of the values.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Attributes of every rule, each with the values that it may have; the first is what the template says.
fn pool() -> &'static [(AttributePath, Vec<Option<Value>>)] {
    static POOL: LazyLock<Vec<(AttributePath, Vec<Option<Value>>)>> = LazyLock::new(make_pool);
    &POOL
}

fn make_pool() -> Vec<(AttributePath, Vec<Option<Value>>)> {
    let vendor = vendor();
    let volume = |path: &str, size: &str| Some(json!({"path": path, "size": size, "readOnly": false}));
    let object = |a: &str, b: &str| {
        Some(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}, "data": {"a": a, b: "2"}}))
    };
    let text = |text: &str| Some(json!(text));
    let others = [
        ("web.image", vec![text("registry.example/web:2"), text("registry.example/web:3")]),
        ("web.command", vec![None, Some(json!(["walk", "slowly"]))]),
        ("web.dependsOn.db", vec![None]),
        ("web.replicas", vec![Some(json!(2)), Some(json!(3))]),
        ("db.replicas", vec![Some(json!(2))]),
        ("web.resources.requests.cpu", vec![None, text("500m"), text("2")]),
        ("web.resources.limits.cpu", vec![text("4"), text("4000m")]),
        ("web.labels.tier", vec![None, text("back")]),
        ("web.labels.team", vec![text("a"), text("b")]),
        ("web.kubernetes.nodeSelector", vec![None, Some(json!({"disk": "slow"}))]),
        ("web.probes.readiness", vec![None, Some(json!({"tcp": {"port": "http"}}))]),
        ("web.env.LOG_LEVEL", vec![None, text("debug"), text("warn")]),
        ("web.env.PASSWORD", vec![text("plain"), None]),
        ("web.env.MORE", vec![text("$(OTHER)"), text("é\n\u{7f}")]),
        ("web.env.OTHER", vec![text("1"), Some(json!({"service": {"component": "db"}}))]),
        ("db.connection.DB_NAME", vec![text("other"), None]),
        ("web.config./etc/app.conf", vec![text("a = 2"), Some(json!({"base64": "/wA="}))]),
        ("web.config./etc/logo.bin", vec![text("\u{feff}"), Some(json!({"base64": "/w=="}))]),
        ("group/common.TZ", vec![text("CET"), text("")]),
        ("group/common.MORE", vec![text("1"), text("2")]),
        ("web.ports.admin", vec![Some(json!({"port": 81, "protocol": "TCP", "service": true}))]),
        ("web.volumes.data", vec![volume("/data", "20Gi"), volume("/var", "5Gi"), volume("/data", "10240Mi")]),
        ("web.volumes.more", vec![volume("/more", "1Gi"), volume("/more", "2Gi")]),
        ("route/main.host", vec![None, text("a.example"), text("b.example")]),
        ("route/main.maxBody", vec![text("1Mi"), text("1024Ki"), text("2Mi")]),
        ("external/mail.host", vec![text("other.example")]),
        ("object/ConfigMap/more", vec![None, object("9", "b"), object("1", "c"), object("8", "d")]),
    ];
    others
        .into_iter()
        .map(|(text, mut values)| {
            let path = path(text);
            values.insert(0, vendor.get(&path).cloned());
            (path, values)
        })
        .collect()
}

/// A version: the template's own values, about half of the pool's attributes with others.
fn version() -> impl Strategy<Value = Attributes> {
    proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>()), pool().len()).prop_map(|picks| {
        static VENDOR: LazyLock<Attributes> = LazyLock::new(vendor);
        let mut values = VENDOR.clone();
        for ((path, options), (other, pick)) in pool().iter().zip(picks) {
            if other {
                values.put(path.clone(), pick.get(options).clone());
            }
        }
        values
    })
}

fn upgraded(old: &Attributes, new: &Attributes, site: &Attributes, accept: &Accept) -> Attributes {
    in_force(new, &decisions(old, new, site, accept))
}

/// All but the sizes and kinds of volumes, which no plan takes back.
fn but_volumes(values: &Attributes) -> Attributes {
    let mut rest = values.clone();
    for (path, _) in values.iter().filter(|(path, _)| path.field() == "volumes") {
        rest.remove(path);
    }
    rest
}

fn accept_every_path() -> Accept {
    Accept { paths: pool().iter().map(|(path, _)| path.clone()).collect(), ..Accept::default() }
}

/// What differs by what it says, not by how it is written.
fn differing(a: &Attributes, b: &Attributes) -> Vec<String> {
    Overlay::between(a, b).values.keys().map(ToString::to_string).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn deciding_again_changes_nothing(old in version(), new in version(), site in version()) {
        for accept in [Accept::default(), Accept::all()] {
            let after = upgraded(&old, &new, &site, &accept);
            let again = decisions(&new, &new, &after, &Accept::default());
            for decision in &again {
                prop_assert_eq!(&decision.value, &decision.site, "{}", decision.path);
            }
            prop_assert_eq!(differing(&in_force(&new, &again), &after), Vec::<String>::new());
        }
    }

    #[test]
    fn with_everything_accepted_the_vendors_values_are_in_force(old in version(), new in version(), site in version()) {
        let after = upgraded(&old, &new, &site, &accept_every_path());
        prop_assert_eq!(differing(&but_volumes(&after), &but_volumes(&new)), Vec::<String>::new());
        // What is accepted can be accepted again, and then nothing is left of the site's.
        let later = upgraded(&new, &new, &site, &accept_every_path());
        prop_assert_eq!(differing(&but_volumes(&later), &but_volumes(&new)), Vec::<String>::new());
    }

    #[test]
    fn no_held_value_of_the_site_changes_unless_accepted(old in version(), new in version(), site in version()) {
        let after = upgraded(&old, &new, &site, &Accept::default());
        for path in old.all_paths(&[&new, &site]) {
            let added = old.get(path).is_none() && site.get(path).is_none();
            if Row::of(path).unwrap().rule == Rule::Held && !added {
                prop_assert_eq!(after.get(path), site.get(path), "{}", path);
            }
        }
    }

    #[test]
    fn no_claim_shrinks_or_goes(old in version(), new in version(), site in version(), exact: bool) {
        let after = upgraded(&old, &new, &site, &Accept::all());
        let back = in_force(&old, &rollback(&old, &after, &after, exact));
        for (from, to) in [(&site, &after), (&after, &back)] {
            for (path, to) in to.iter().filter(|(path, _)| path.field() == "volumes") {
                let size = |v: &Value| amount::Amount::of(&v["size"]);
                if let Some(from) = from.get(path) {
                    prop_assert!(size(to) >= size(from), "{} {} {}", path, from, to);
                }
            }
        }
    }

    #[test]
    fn a_rollback_restores_what_the_upgrade_found(old in version(), new in version(), site in version(), exact: bool) {
        let after = upgraded(&old, &new, &site, &Accept::default());
        let back = in_force(&site, &rollback(&site, &after, &after, exact));
        prop_assert_eq!(differing(&but_volumes(&back), &but_volumes(&site)), Vec::<String>::new());
    }

    #[test]
    fn a_rollback_keeps_what_the_site_has_done_since(state in version(), left in version(), live in version()) {
        let back = in_force(&state, &rollback(&state, &left, &live, false));
        for path in state.all_paths(&[&left, &live]) {
            if Row::of(path).unwrap().rule == Rule::Held && left.get(path) != live.get(path) {
                prop_assert_eq!(back.get(path), live.get(path), "{}", path);
            }
        }
        let exact = in_force(&state, &rollback(&state, &left, &live, true));
        prop_assert_eq!(differing(&but_volumes(&exact), &but_volumes(&state)), Vec::<String>::new());
    }

    #[test]
    fn an_overlay_gives_the_sites_values_again(vendor in version(), site in version()) {
        let overlay = Overlay::between(&vendor, &site);
        let applied = overlay.applied_to(&vendor);
        prop_assert_eq!(differing(&applied, &site), Vec::<String>::new());
        prop_assert_eq!(Overlay::between(&vendor, &applied), overlay.clone());
        let text = serde_json::to_string(&overlay).unwrap();
        prop_assert_eq!(serde_json::from_str::<Overlay>(&text).unwrap(), overlay);
    }

    #[test]
    fn the_stronger_of_two_overlays_has_what_both_name(vendor in version(), a in version(), b in version()) {
        let (a, b) = (Overlay::between(&vendor, &a), Overlay::between(&vendor, &b));
        let both = a.clone().under(b.clone());
        for (path, value) in &both.values {
            prop_assert_eq!(Some(value), b.values.get(path).or(a.values.get(path)));
        }
        prop_assert_eq!(a.under(b.clone()).under(b), both);
    }

    #[test]
    fn what_is_in_force_is_read_back(values in version()) {
        let found = effective(&template(), &documents(), &values).unwrap();
        prop_assert_eq!(Attributes::of(&found.template, &found.documents).unwrap(), values.clone());
        let text = serde_json::to_vec(&found.template).unwrap();
        prop_assert_eq!(Template::check_value(&serde_json::from_slice(&text).unwrap()).template, Some(found.template.clone()));
        let again = effective(&found.template, &found.documents, &values).unwrap();
        prop_assert_eq!(again.template, found.template);
    }
}
