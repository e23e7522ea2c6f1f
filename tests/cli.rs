//! What people read: the help of every verb, and what is said of the commonest mistakes. `TRYCMD=overwrite cargo test --test cli`
//! writes the texts anew.

#[test]
fn help_and_errors_are_as_written() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd").env("SEALIFT_PASSPHRASE", "").run();
}
