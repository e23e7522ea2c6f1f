//! Files of users and logins: any bytes are read or refused; whoever is in a file can log in by that name.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use registry_lite::server::access::{FILE_BYTES, HEADER_BYTES, Login, UserName, Users};

fn basic(text: &[u8]) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(text)).into_bytes()
}

fn login(header: &[u8]) -> Option<Login> {
    Login::parse(header).ok().flatten()
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(users) = Users::parse(bytes) {
        assert!(bytes.len() <= FILE_BYTES);
        assert!(users.names().is_sorted_by(|a, b| a < b));
        for name in users.names() {
            let login = login(&basic(format!("{name}:password").as_bytes()));
            assert_eq!(login.as_ref().map(Login::user), Some(name));
        }
    }
    if Login::parse(bytes).is_ok() {
        assert!(bytes.len() <= HEADER_BYTES);
        assert!(bytes.to_ascii_lowercase().trim_ascii_start().starts_with(b"basic "));
    }
    // What RFC 7617 says, without its base64.
    let said = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(':'));
    let expected = said.and_then(|(user, password)| match password.contains(|c: char| c.is_ascii_control()) {
        true => None,
        false => user.parse::<UserName>().ok(),
    });
    let header = basic(bytes);
    let expected = expected.filter(|_| header.len() <= HEADER_BYTES);
    assert_eq!(login(&header).as_ref().map(Login::user), expected.as_ref());
});
