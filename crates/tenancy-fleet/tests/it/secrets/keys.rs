//! Keys, and where they are read from.

use std::fs;
use std::path::Path;

use secrecy::ExposeSecret as _;
use tenancy_fleet::secrets::{Keyring, Purpose, SealingKey, SecretsError};

use super::{id, keyring, secret};

fn text(id: &str) -> String {
    let key = SealingKey::generate(id).unwrap();
    key.to_secret_text().expose_secret().to_owned()
}

#[test]
fn a_list_of_keys_is_read_with_the_current_one_first() {
    let (a, b) = (text("a"), text("b"));
    for list in [
        format!("{a},{b}"),
        format!("{a} {b}"),
        format!("# the keys\n{a}\r\n\n  # old:\n\t{b}\n"),
    ] {
        let ring = Keyring::parse(&secret(&list)).unwrap();
        assert_eq!(format!("{ring:?}"), r#"Keyring { ids: ["a", "b"], .. }"#);
        let old = Keyring::parse(&secret(&b)).unwrap();
        let sealed = old.seal(&id("acme"), Purpose::LOGIN, &secret("x")).unwrap();
        assert!(ring.open(&id("acme"), Purpose::LOGIN, &sealed).is_ok());
    }
}

#[test]
fn what_is_no_key_is_refused_and_not_repeated() {
    let good = text("a");
    let bytes = good.split_once(':').unwrap().1;
    let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (list, error) in [
        (String::new(), SecretsError::NoKey),
        ("# nothing\n, ,".to_owned(), SecretsError::NoKey),
        (bytes.to_owned(), SecretsError::MalformedKey),
        (format!("a:{}", &bytes[4..]), SecretsError::MalformedKey),
        (format!("a:AAAA{bytes}"), SecretsError::MalformedKey),
        (format!("a:*{}", &bytes[1..]), SecretsError::MalformedKey),
        (format!("A:{bytes}"), SecretsError::KeyId),
        (format!(":{bytes}"), SecretsError::KeyId),
        (format!("{}:{bytes}", "a".repeat(33)), SecretsError::KeyId),
        (format!("a.b:{bytes}"), SecretsError::KeyId),
        (format!("a:{zero}"), SecretsError::WeakKey),
        (format!("{good},{good}"), SecretsError::DuplicateKey),
        (format!("{good},rest"), SecretsError::MalformedKey),
    ] {
        let refused = Keyring::parse(&secret(&list)).unwrap_err();
        assert_eq!(refused, error);
        let shown = format!("{refused} {refused:?}");
        assert!(!shown.contains(bytes), "{shown}");
    }
}

#[test]
fn a_variable_that_is_not_there_is_an_error() {
    let missing = Keyring::from_env("TENANCY_FLEET_NO_SUCH_KEY");
    assert_eq!(missing.unwrap_err(), SecretsError::Variable);
    // Cargo sets it: a text that is no key.
    let other = Keyring::from_env("CARGO_PKG_NAME");
    assert_eq!(other.unwrap_err(), SecretsError::MalformedKey);
}

fn write(path: &Path, content: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_is_read_only_where_nobody_else_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for mode in [0o600, 0o400, 0o440, 0o640] {
        write(&path, &text("a"), mode);
        assert_eq!(Keyring::from_file(&path).unwrap().current(), "a");
        fs::remove_file(&path).unwrap();
    }
    for mode in [0o604, 0o602, 0o620, 0o644, 0o666, 0o777] {
        write(&path, &text("a"), mode);
        let refused = Keyring::from_file(&path).unwrap_err();
        assert_eq!(refused, SecretsError::OpenFile, "{mode:o}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_is_none_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let missing = Keyring::from_file(&path).unwrap_err();
    assert_eq!(missing, SecretsError::File(std::io::ErrorKind::NotFound));
    let a_folder = Keyring::from_file(folder.path()).unwrap_err();
    assert_eq!(a_folder, SecretsError::NotAFile);
    let a_device = Keyring::from_file("/dev/zero").unwrap_err();
    assert_eq!(a_device, SecretsError::NotAFile);
    write(&path, &"#".repeat(64 * 1024 + 1), 0o600);
    assert_eq!(
        Keyring::from_file(&path).unwrap_err(),
        SecretsError::TooManyKeys
    );
    fs::write(&path, [0xff; 9]).unwrap();
    assert_eq!(
        Keyring::from_file(&path).unwrap_err(),
        SecretsError::MalformedKey
    );
}

#[test]
fn one_id_is_one_key() {
    let taken = keyring("a").accept(SealingKey::generate("a").unwrap());
    assert_eq!(taken.unwrap_err(), SecretsError::DuplicateKey);
    for (bytes, error) in [
        (vec![1; 32], SecretsError::WeakKey),
        ((0..31).collect(), SecretsError::MalformedKey),
        ((0..33).collect(), SecretsError::MalformedKey),
        (Vec::new(), SecretsError::MalformedKey),
    ] {
        assert_eq!(SealingKey::new("a", bytes).unwrap_err(), error);
    }
    for word in ["", "Login", "log in", "login\0", "größe"] {
        assert_eq!(Purpose::new(word).unwrap_err(), SecretsError::Purpose);
    }
}
