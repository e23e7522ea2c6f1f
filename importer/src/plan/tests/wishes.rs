//! Values as a site writes them.

use serde_json::json;

use super::*;

fn read(text: &str, set: bool) -> Result<Values, ValuesError> {
    let (template, documents, overlay) = (template(), documents(), Overlay::default());
    let read = |file: &str| match file {
        "./app.conf" => Ok(b"c = 3\n".to_vec()),
        "./big" => Ok(vec![b'a'; (1 << 20) + 1]),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let input = ValuesInput { template: &template, documents: &documents, overlay: &overlay, read: &read };
    if set { Values::parse_set(text, &input) } else { Values::parse(text.as_bytes(), &input) }
}

fn said(values: &Values) -> Vec<(String, Value)> {
    let value = |v: &Option<Value>| v.clone().unwrap_or_default();
    values.overlay.values.iter().map(|(path, v)| (path.to_string(), value(v))).collect()
}

#[test]
fn values_are_nested_or_flat() {
    for text in [
        "web: {replicas: 3, env: {LOG_LEVEL: debug}, resources: {limits: {cpu: 2}}, config: {/etc/app.conf: {file: ./app.conf}}}\n\
         route/main: {host: shop.site}\nenabled: {db: true}\n",
        "web.replicas: 3\nweb.env.LOG_LEVEL: debug\nweb.resources.limits.cpu: 2\nweb.config./etc/app.conf: {file: ./app.conf}\n\
         route/main.host: shop.site\nenabled: {db: true}\n",
        "web: {replicas: 3, env.LOG_LEVEL: debug, resources.limits: {cpu: 2}}\nweb.config: {/etc/app.conf: \"c = 3\\n\"}\n\
         route/main: {host: shop.site}\nenabled: {db: true}\n",
    ] {
        let values = read(text, false).unwrap_or_else(|e| panic!("{text}: {e}"));
        let expected = [
            ("route/main.host", json!("shop.site")),
            ("web.config./etc/app.conf", json!("c = 3\n")),
            ("web.env.LOG_LEVEL", json!("debug")),
            ("web.replicas", json!(3)),
            ("web.resources.limits.cpu", json!(2)),
        ];
        assert_eq!(said(&values), expected.map(|(path, value)| (path.to_owned(), value)));
        assert_eq!(
            values.enabled.into_iter().map(|(n, on)| (n.to_string(), on)).collect::<Vec<_>>(),
            [("db".to_owned(), true)]
        );
    }
    assert_eq!(read("", false).unwrap(), Values::default());
}

#[test]
fn an_argument_sets_one_value() {
    for (text, path, value) in [
        ("web.replicas=3", "web.replicas", json!(3)),
        ("web.env.LOG_LEVEL=8080", "web.env.LOG_LEVEL", json!("8080")),
        ("web.env.NEW=a=b", "web.env.NEW", json!("a=b")),
        ("group/common.NEW=true", "group/common.NEW", json!("true")),
        ("route/main.host=10", "route/main.host", json!("10")),
        ("route/main.host=null", "route/main.host", json!("null")),
        ("route/main.class=nginx", "route/main.class", json!("nginx")),
        ("web.probes.readiness=null", "web.probes.readiness", json!(null)),
        ("web.kubernetes.nodeSelector={disk: slow}", "web.kubernetes.nodeSelector", json!({"disk": "slow"})),
    ] {
        assert_eq!(said(&read(text, true).unwrap()), [(path.to_owned(), value)], "{text}");
    }
    assert_eq!(read("enabled.db=false", true).unwrap().enabled.into_values().collect::<Vec<_>>(), [false]);
}

#[test]
fn values_of_a_chart_are_nested_as_the_chart_has_them_or_whole_paths() {
    let expected = [
        ("chart/extra.debug".to_owned(), json!(true)),
        ("chart/extra.main.level".to_owned(), json!("2")),
        ("chart/extra.replicas".to_owned(), json!(3)),
    ];
    for text in [
        "chart/extra: {replicas: 3, main: {level: '2'}, debug: true}",
        "chart/extra.replicas: 3\nchart/extra.main.level: '2'\nchart/extra.debug: true",
        "chart/extra: {replicas: 3, main.level: '2'}\nchart/extra.debug: true",
    ] {
        assert_eq!(said(&read(text, false).unwrap()), expected, "{text}");
    }
    let set = |text: &str| said(&read(text, true).unwrap());
    assert_eq!(
        set("chart/extra.main.level=2"),
        [("chart/extra.main.level".to_owned(), json!("2"))],
        "a text stays one"
    );
    assert_eq!(set("chart/extra.replicas=2"), [("chart/extra.replicas".to_owned(), json!(2))]);
}

#[test]
fn an_argument_removes_one_value() {
    let (template, documents, overlay) = (template(), documents(), Overlay::default());
    let none = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let input = ValuesInput { template: &template, documents: &documents, overlay: &overlay, read: &none };
    for path in ["web.env.LOG_LEVEL", "web.env.OURS", "web.probes.readiness", "group/common.TZ"] {
        assert_eq!(said(&Values::parse_unset(path, &input).unwrap()), [(path.to_owned(), Value::Null)]);
    }
    for (path, why) in [("web", "is not the path"), ("wep.env.A", "there is no wep"), ("web.image", "vendor's to say")]
    {
        let e = Values::parse_unset(path, &input).unwrap_err().to_string();
        assert!(e.contains(why), "{path}: {e}");
    }
}

#[test]
fn an_object_is_laid_over_the_vendors() {
    let text = "web: {volumes: {data: {size: 20Gi}}}\nobject/ConfigMap/more: {data: {a: '9', b: null}}\n";
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}, "data": {"a": "9"}});
    let volume = json!({"path": "/data", "size": "20Gi", "readOnly": false});
    let expected = [("object/ConfigMap/more".to_owned(), object), ("web.volumes.data".to_owned(), volume)];
    assert_eq!(said(&read(text, false).unwrap()), expected);
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    for (text, why, hint) in [
        ("wep: {replicas: 3}", "there is no wep in this version", "did you mean `web`?"),
        ("registry: x", "there is no registry in this version", "there are"),
        ("web: {replica: 3}", "there is no web.replica in this version", "did you mean `replicas`?"),
        ("web: {replicas: many}", "web.replicas: a whole number", ""),
        ("web: 3", "web: an object belongs here", ""),
        ("[1]", "values: an object belongs here", ""),
        ("web: {env: 3}", "web.env: an object belongs here", ""),
        ("web: {env: {LOG_LEVEL: 8080}}", "web.env.LOG_LEVEL: a text belongs here; put it in quotes", ""),
        ("web: {env: {lower case: a}}", "lower case", ""),
        ("group/common: {TZ: true}", "group/common.TZ: a text belongs here", ""),
        ("web: {image: 'other:1'}", "web.image is the vendor's to say", "leave it out"),
        ("web.command: [sh]", "web.command is the vendor's to say", "leave it out"),
        ("web: {ports: {http: {port: 1}}}", "web.ports.http is the vendor's to say", "leave it out"),
        ("web: {config: {/etc/app.conf: {file: ./none}}}", "./none", ""),
        ("web: {config: {/etc/app.conf: {file: ./big}}}", "./big has more than", ""),
        ("web: {config: {/etc/app.conf: [1]}}", "web.config./etc/app.conf: a text belongs here", ""),
        ("route/mian: {host: a}", "there is no route/mian", "did you mean `route/main`?"),
        (
            "object/ConfigMap/mere: {data: {a: b}}",
            "there is no object/ConfigMap/mere",
            "did you mean `object/ConfigMap/more`?",
        ),
        ("enabled: {web: true}", "there is no optional component web", "there are db"),
        ("enabled: {db: 1}", "enabled.db: `true` or `false`", ""),
        ("enabled: true", "enabled: an object of optional components", ""),
        ("web: {replicas: 3}\nweb: {replicas: 3}", "line 2: ", ""),
        ("web: {scaling: {max: 0}}", "web.scaling.max: ", ""),
        (
            "chart/extra: {replica: 3}",
            "there is no adjustable value chart/extra.replica",
            "did you mean `chart/extra.replicas`?",
        ),
        ("chart/extra: {main: {size: 3}}", "there is no adjustable value chart/extra.main.size", ""),
        ("chart/extra: {replicas: '3'}", "chart/extra.replicas: a whole number from 1 to", ""),
        ("chart/extra: {replicas: null}", "chart/extra.replicas: a text, a whole number", ""),
        ("chart/extra: {main: {level: 3}}", "chart/extra.main.level: a text belongs here; put it in quotes", ""),
        ("chart/extra.debug: 1", "chart/extra.debug: `true` or `false` belongs here", ""),
        ("chart/other: {a: 1}", "there is no chart/other", "there are chart/extra, "),
        ("a: &a [1]\nb: {<<: *a}", "line 2: ", ""),
    ] {
        let error = read(text, false).unwrap_err();
        let found = bundle_format::Coded::hint(&error).unwrap_or_default();
        assert!(error.to_string().contains(why), "{text}: {error}");
        assert!(found.contains(hint), "{text}: {found}");
    }
    for text in ["web.replicas", "web=3", "web.image=a:1", "wep.replicas=3", "web.env=3", "enabled.web=true"] {
        assert!(read(text, true).is_err(), "{text}");
    }
    assert!(matches!(read(&format!("a: {}{}", "[".repeat(99), "]".repeat(99)), false), Err(ValuesError::Yaml { .. })));
    assert!(matches!(read(&" ".repeat((1 << 20) + 1), false), Err(ValuesError::TooLong { .. })));
}
