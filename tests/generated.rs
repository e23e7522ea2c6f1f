//! Documents in `spec/` that are made from the code. `UPDATE=1 cargo test -p sealift --test generated` writes them anew.

#![expect(clippy::expect_used, reason = "a test that cannot run has failed")]

use std::path::Path;
use std::process::Command;

/// What the command prints for these arguments.
fn sealift(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sealift")).args(args).output().expect("the command runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints UTF-8")
}

fn same(file: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, now).expect("the file can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == now, "{file} is stale: run `UPDATE=1 cargo test -p sealift --test generated`");
}

#[test]
fn the_table_of_errors_is_the_one_that_the_command_knows() {
    let errors: serde_json::Value = serde_json::from_str(&sealift(&["errors", "--json"])).expect("JSON");
    let mut text = String::from(
        "# Errors\n\nMade from the code by `UPDATE=1 cargo test -p sealift --test generated`. With `--json`, a failure is\n\
         `{\"error\": {\"code\", \"exit\", \"message\", \"hint\"}}` on stdout; the exit code of the command is the code's.\n\n\
         | code | exit | meaning |\n|---|---|---|\n",
    );
    for row in errors.as_array().expect("a list") {
        let field = |name: &str| row[name].to_string().trim_matches('"').to_owned();
        text.push_str(&format!("| `{}` | {} | {} |\n", field("code"), field("exit"), field("meaning")));
    }
    same("spec/errors.md", &text);
}

#[test]
fn the_schema_of_templates_is_the_one_that_the_command_prints() {
    same("spec/schema/template.schema.json", &sealift(&["template", "schema"]));
}

#[test]
fn the_schema_of_outputs_is_the_one_that_the_command_prints() {
    same("spec/schema/output.schema.json", &sealift(&["output-schema"]));
}

#[test]
fn the_readme_names_the_commands_that_ci_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let ci = std::fs::read_to_string(root.join(".ci/run")).expect(".ci/run");
    for command in ["cargo test --workspace", "cargo run --release -- demo"] {
        assert!(readme.contains(command), "README.md does not say `{command}`");
        assert!(ci.contains(command), ".ci/run does not run `{command}`");
    }
}
