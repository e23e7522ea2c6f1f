//! Passwords in commands, health checks and files: where something before them says that they are one.

use bundle_format::template::{Component, ConfigFile, EnvName, ExecProbe};

use super::draft::{Content, Draft};
use super::passwords::{embeds, secret_value};

/// Whether a command, an argument or a health check of `component` has the password `value`.
pub(super) fn in_component(component: &Component, value: &str) -> bool {
    let mut lists = vec![&component.command, &component.args];
    lists.extend(checks(component).map(|exec| &exec.command));
    lists.into_iter().any(|words| in_words(words, value, "").is_some())
}

/// Lets commands, arguments and health checks of `component` have the variable `holder` instead of the password `value`.
pub(super) fn replace(component: &mut Component, value: &str, holder: &EnvName) {
    for words in [&mut component.command, &mut component.args] {
        if let Some(new) = in_words(words, value, &format!("$({holder})")) {
            *words = new;
        }
    }
    let probes = &mut component.probes;
    for probe in [&mut probes.readiness, &mut probes.liveness, &mut probes.startup].into_iter().flatten() {
        if let Some(exec) = &mut probe.exec
            && let Some(new) = in_check(&exec.command, value, &format!("${{{holder}}}"))
        {
            exec.command = new;
        }
    }
}

/// A place that has the password `value`, and in which no variable can stand.
pub(super) fn elsewhere(draft: &Draft, components: &[Component], value: &str) -> Option<String> {
    for component in components {
        if let Some(file) = component.config.iter().find(|file| in_file(draft, file, value)) {
            return Some(format!("the file {} of {}", file.path, component.name));
        }
        let fixed = |exec: &&ExecProbe| {
            in_words(&exec.command, value, "").is_some() && in_check(&exec.command, value, "").is_none()
        };
        if checks(component).any(|exec| fixed(&exec)) {
            return Some(format!("the health check of {}", component.name));
        }
    }
    for plugin in &draft.template.plugins {
        let in_env = plugin.env.iter().any(|e| secret_value(e) == Some(value) || embeds(e, value));
        let words = [&plugin.command, &plugin.args].into_iter().any(|words| in_words(words, value, "").is_some());
        if in_env || words || plugin.config.iter().any(|file| in_file(draft, file, value)) {
            return Some(format!("the plugin {}", plugin.name));
        }
    }
    let groups = draft.template.config_groups.iter();
    let has = |name: &EnvName, text: &str| {
        let env = super::draft::variable(name.clone(), text.to_owned());
        secret_value(&env) == Some(value) || embeds(&env, value)
    };
    let found = groups.flat_map(|g| g.items.iter().map(move |item| (g, item))).find(|(_, i)| has(&i.name, &i.value));
    found.map(|(group, item)| format!("{} of the group {}", item.name, group.name))
}

fn checks(component: &Component) -> impl Iterator<Item = &ExecProbe> {
    let probes = &component.probes;
    let all = [&probes.readiness, &probes.liveness, &probes.startup];
    all.into_iter().flatten().filter_map(|probe| probe.exec.as_ref())
}

fn in_file(draft: &Draft, file: &ConfigFile, value: &str) -> bool {
    let beside = file.file.as_ref().and_then(|path| match draft.files.get(path) {
        Some(Content::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
        _ => None,
    });
    file.content.as_deref().or(beside).is_some_and(|text| in_text("", text, value, "").is_some())
}

/// `words` with the password `value` replaced by `with`; `None` if none of them has it.
fn in_words(words: &[String], value: &str, with: &str) -> Option<Vec<String>> {
    let mut found = false;
    let mut before = "";
    let mut out = Vec::new();
    for word in words {
        let new = in_text(before, word, value, with);
        found |= new.is_some();
        out.push(new.unwrap_or_else(|| word.clone()));
        before = word;
    }
    found.then_some(out)
}

/// The command of a health check with `value` replaced. Kubernetes puts no variables into it, so a shell has to.
fn in_check(command: &[String], value: &str, with: &str) -> Option<Vec<String>> {
    let new = in_words(command, value, with)?;
    let quoted = |word: &String| word.contains(&format!("'{value}")) || word.contains(&format!("{value}'"));
    match command {
        [shell, flag, _] if shell.ends_with("sh") && flag.starts_with('-') && flag.ends_with('c') => {
            (!command.iter().any(quoted)).then_some(new)
        }
        words => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@,%+".contains(c);
            let simple = words.iter().all(|word| !word.is_empty() && word.chars().all(plain));
            simple.then(|| vec!["sh".to_owned(), "-c".to_owned(), new.join(" ")])
        }
    }
}

/// `text`, which follows the word `before`, with the password `value` replaced by `with` wherever it is called one.
fn in_text(before: &str, text: &str, value: &str, with: &str) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(value) {
        let (left, right) = (&text[..at], &text[at + value.len()..]);
        let ends = !right.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_'));
        if ends && (is_called_one(before, left) || (left.ends_with(':') && right.starts_with('@'))) {
            out.push_str(&text[done..at]);
            out.push_str(with);
            done = at + value.len();
        }
    }
    out.push_str(text.get(done..)?);
    (done > 0).then_some(out)
}

/// Whether what stands before a value, in its own word and as the word before, says that it is a password.
fn is_called_one(before: &str, left: &str) -> bool {
    let open = ['"', '\'', '='];
    let word = left.trim_end_matches(open);
    // `-pVALUE`, `--password=VALUE`
    let (word, joined) = match word.trim_end_matches([' ', '\t', ':', '>']) {
        "" => (before, false),
        trimmed => (trimmed, left.len() == word.len() && trimmed.len() == word.len()),
    };
    let word = word.rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default().to_ascii_lowercase();
    if joined {
        return word == "-p" || word == "-a";
    }
    word == "-p" || word == "-a" || ["pass", "secret", "token", "auth"].iter().any(|said| word.contains(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_command_is_one_where_that_is_said() {
        for (line, new) in [
            ("redis-server --requirepass hunter2", Some("redis-server --requirepass X")),
            ("redis-cli -a hunter2 ping", Some("redis-cli -a X ping")),
            ("mysqladmin ping -phunter2", Some("mysqladmin ping -pX")),
            ("mysqladmin --password=\"hunter2\" ping", Some("mysqladmin --password=\"X\" ping")),
            ("psql postgres://u:hunter2@db/x", Some("psql postgres://u:X@db/x")),
            ("pg_isready -U hunter2", None),
            ("--password=hunter22", None),
            ("app hunter2", None),
        ] {
            assert_eq!(in_text("", line, "hunter2", "X").as_deref(), new, "{line}");
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(in_words(&words, "hunter2", "X").map(|w| w.join(" ")).as_deref(), new, "{words:?}");
        }
        for (file, has) in [
            ("requirepass hunter2\n", true),
            ("spring:\n  password: hunter2\n", true),
            ("<password>hunter2</password>", true),
            ("user: hunter2\n", false),
        ] {
            assert_eq!(in_text("", file, "hunter2", "").is_some(), has, "{file}");
        }
    }

    #[test]
    fn a_health_check_asks_a_shell_for_its_password() {
        let words = |text: &[&str]| text.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        for (command, new) in [
            (words(&["redis-cli", "-a", "pw", "ping"]), Some(words(&["sh", "-c", "redis-cli -a ${X} ping"]))),
            (words(&["sh", "-c", "mysql -ppw -e 'x'"]), Some(words(&["sh", "-c", "mysql -p${X} -e 'x'"]))),
            (words(&["sh", "-c", "mysql -p'pw'"]), None),
            (words(&["mysql", "-ppw", "-e", "a; b"]), None),
        ] {
            assert_eq!(in_check(&command, "pw", "${X}"), new, "{command:?}");
        }
    }
}
