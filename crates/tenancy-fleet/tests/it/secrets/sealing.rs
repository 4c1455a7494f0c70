//! What opens, and everything that must not.

use std::collections::HashSet;

use secrecy::ExposeSecret as _;
use tenancy_fleet::secrets::{Keyring, MAX_PLAINTEXT, Purpose, Sealed, SealingKey, SecretsError};

use super::{id, keyring, secret};

const PLAIN: &str = "correct horse 🐎 'battery' \\ \" ? $1 \n staple";

#[test]
fn a_sealed_value_opens_for_its_tenant_and_purpose() {
    let keyring = keyring("k1");
    let longest = "x".repeat(MAX_PLAINTEXT);
    for plain in ["", "a", PLAIN, &longest] {
        let sealed = keyring
            .seal(&id("acme"), Purpose::LOGIN, &secret(plain))
            .unwrap();
        let read: Sealed = sealed.to_string().parse().unwrap();
        assert_eq!(read, sealed);
        let opened = keyring.open(&id("acme"), Purpose::LOGIN, &read).unwrap();
        assert_eq!(opened.expose_secret(), plain);
    }
    let over = secret(&"x".repeat(MAX_PLAINTEXT + 1));
    let refused = keyring.seal(&id("acme"), Purpose::LOGIN, &over);
    assert_eq!(refused.unwrap_err(), SecretsError::TooLong);
}

#[test]
fn another_tenants_and_another_purposes_value_is_refused() {
    let keyring = keyring("k1");
    let other = Purpose::new("backup").unwrap();
    let sealed = keyring
        .seal(&id("acme"), Purpose::LOGIN, &secret(PLAIN))
        .unwrap();
    for (tenant, purpose) in [
        (id("beta"), Purpose::LOGIN),
        (id("acme-2"), Purpose::LOGIN),
        (id("acme"), other),
    ] {
        let refused = keyring.open(&tenant, purpose, &sealed);
        assert_eq!(refused.unwrap_err(), SecretsError::Refused);
    }
}

#[test]
fn a_change_of_any_byte_and_any_cut_is_refused() {
    let keyring = keyring("k1");
    let tenant = id("acme");
    let text = keyring
        .seal(&tenant, Purpose::LOGIN, &secret(PLAIN))
        .unwrap()
        .to_string();
    let opens = |text: &str| {
        text.parse::<Sealed>()
            .and_then(|sealed| keyring.open(&tenant, Purpose::LOGIN, &sealed))
            .is_ok()
    };
    assert!(opens(&text));
    for at in 0..text.len() {
        for with in ["A", "B", "z", "0", "-", "_", ".", "=", " ", "\0"] {
            let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
            assert!(changed == text || !opens(&changed), "{at} {with:?}");
        }
        assert!(!opens(&text[..at]), "cut to {at}");
        assert!(!opens(&text[at + 1..]), "cut from {at}");
    }
    for added in ["A", "=", "\n", " ", ".", "\0"] {
        assert!(!opens(&format!("{text}{added}")), "{added:?}");
        assert!(!opens(&format!("{added}{text}")), "{added:?}");
    }
}

#[test]
fn the_last_bits_of_a_text_have_one_spelling() {
    let keyring = keyring("k1");
    // One byte over a multiple of three, so that the last character has bits to spare.
    let spare = (0..3)
        .map(|len| {
            let plain = secret(&"x".repeat(len));
            let sealed = keyring.seal(&id("acme"), Purpose::LOGIN, &plain).unwrap();
            let text = sealed.to_string();
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let same = alphabet.chars().filter(|last| {
                let spelled = format!("{}{last}", &text[..text.len() - 1]);
                spelled.parse::<Sealed>().is_ok_and(|read| read == sealed)
            });
            same.count()
        })
        .collect::<Vec<_>>();
    assert_eq!(spare, [1, 1, 1]);
}

#[test]
fn another_key_an_unknown_one_and_another_version_are_told_apart() {
    let tenant = id("acme");
    let sealed = keyring("k1")
        .seal(&tenant, Purpose::LOGIN, &secret(PLAIN))
        .unwrap();
    for (ring, error) in [
        (keyring("k1"), SecretsError::Refused),
        (keyring("k2"), SecretsError::UnknownKey),
    ] {
        let refused = ring.open(&tenant, Purpose::LOGIN, &sealed);
        assert_eq!(refused.unwrap_err(), error);
    }
    let text = sealed.to_string();
    for (version, error) in [
        ("ts2", SecretsError::Version),
        ("ts0", SecretsError::Version),
        ("TS1", SecretsError::Malformed),
        ("ts", SecretsError::Malformed),
        ("", SecretsError::Malformed),
    ] {
        let other = text.replacen("ts1", version, 1);
        assert_eq!(other.parse::<Sealed>().unwrap_err(), error, "{version}");
    }
}

#[test]
fn a_value_does_not_open_under_another_keys_name() {
    let key = SealingKey::generate("k1").unwrap();
    let same_bytes = key.to_secret_text().expose_secret().replacen("k1", "k2", 1);
    let ring = Keyring::new(key)
        .accept(same_bytes.parse().unwrap())
        .unwrap();
    let sealed = ring
        .seal(&id("acme"), Purpose::LOGIN, &secret(PLAIN))
        .unwrap();
    let renamed = sealed.to_string().replacen("k1", "k2", 1);
    let refused = ring.open(&id("acme"), Purpose::LOGIN, &renamed.parse().unwrap());
    assert_eq!(refused.unwrap_err(), SecretsError::Refused);
}

#[test]
fn nonces_do_not_repeat() {
    let keyring = keyring("k1");
    let mut seen = HashSet::new();
    for _ in 0..10_000 {
        let sealed = keyring.seal(&id("acme"), Purpose::LOGIN, &secret("same"));
        let text = sealed.unwrap().to_string();
        // 12 bytes are 16 characters.
        let nonce = text.rsplit('.').next().unwrap()[..16].to_owned();
        assert!(seen.insert(nonce));
    }
}

#[test]
fn a_value_moves_to_the_current_key_and_stays_there() {
    let (old, new) = (
        SealingKey::generate("old").unwrap(),
        SealingKey::generate("new").unwrap(),
    );
    let tenant = id("acme");
    let before = Keyring::new(old.clone());
    let during = Keyring::new(new.clone()).accept(old).unwrap();
    let after = Keyring::new(new);
    let sealed = before
        .seal(&tenant, Purpose::LOGIN, &secret(PLAIN))
        .unwrap();
    let again = during
        .reseal(&tenant, Purpose::LOGIN, &sealed)
        .unwrap()
        .unwrap();
    assert_eq!(again.key_id(), "new");
    let opened = after.open(&tenant, Purpose::LOGIN, &again).unwrap();
    assert_eq!(opened.expose_secret(), PLAIN);
    let twice = during.reseal(&tenant, Purpose::LOGIN, &again).unwrap();
    assert_eq!(twice, None);
    let foreign = during.reseal(&id("beta"), Purpose::LOGIN, &again);
    assert_eq!(foreign.unwrap_err(), SecretsError::Refused);
}

#[test]
fn nothing_is_shown() {
    let ring = keyring("k1");
    let sealed = ring
        .seal(&id("acme"), Purpose::LOGIN, &secret("hunter2hunter2"))
        .unwrap();
    let text = sealed.to_string();
    let body = text.rsplit('.').next().unwrap();
    let key = SealingKey::generate("k9").unwrap();
    let plain_key = key.to_secret_text();
    let bytes = plain_key.expose_secret().split_once(':').unwrap().1;
    let opened = ring.open(&id("acme"), Purpose::LOGIN, &sealed).unwrap();
    let shown = format!("{ring:?} {sealed:?} {key:?} {opened:?} {plain_key:?}");
    for hidden in [body, bytes, "hunter2"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    assert!(!text.contains("hunter2"));
}
