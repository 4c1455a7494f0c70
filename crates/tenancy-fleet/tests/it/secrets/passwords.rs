//! Passwords from the system's random source.

use std::collections::HashSet;

use secrecy::ExposeSecret as _;
use tenancy_fleet::secrets::{PASSWORD_LEN, generate_password};

#[test]
fn a_password_is_long_plain_and_never_the_same() {
    let mut seen = HashSet::new();
    let mut characters = HashSet::new();
    for _ in 0..1_000 {
        let password = generate_password().unwrap();
        let text = password.expose_secret();
        assert!(text.len() == PASSWORD_LEN && PASSWORD_LEN >= 32);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(text.starts_with(|first: char| first.is_ascii_alphabetic()));
        characters.extend(text.chars());
        assert!(seen.insert(text.to_owned()));
        assert!(!format!("{password:?}").contains(text));
    }
    // 40,000 draws leave none of 62 out.
    assert_eq!(characters.len(), 62);
}
