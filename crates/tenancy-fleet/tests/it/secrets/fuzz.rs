//! The parsers against what nobody would write.

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use tenancy_fleet::secrets::{Keyring, Purpose, Sealed, SealingKey};

use super::{id, keyring, secret};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_text_is_refused_or_has_one_spelling(
        text in prop_oneof![".*", "ts1\\.[a-z0-9_-]{0,34}\\.[A-Za-z0-9_=+/-]{0,120}", "ts[0-9]{0,6}\\..{0,40}"]
    ) {
        if let Ok(sealed) = text.parse::<Sealed>() {
            prop_assert_eq!(sealed.to_string(), text);
        }
    }

    #[test]
    fn a_key_is_refused_or_stays_itself(text in prop_oneof![".*", "[a-z]{1,4}:[A-Za-z0-9+/]{43}=?"]) {
        if let Ok(key) = text.parse::<SealingKey>() {
            let written = key.to_secret_text();
            let again: SealingKey = written.expose_secret().parse().unwrap();
            let rewritten = again.to_secret_text();
            prop_assert_eq!(rewritten.expose_secret(), written.expose_secret());
        }
        // It may be a keyring of several, and must not panic.
        let _ = Keyring::parse(&secret(&text));
    }
}

proptest! {
    #[test]
    fn what_was_sealed_opens(plain in "(?s).{0,200}", tenant in "[a-z0-9]{1,20}") {
        let ring = keyring("k");
        let sealed = ring.seal(&id(&tenant), Purpose::LOGIN, &secret(&plain)).unwrap();
        let read: Sealed = sealed.to_string().parse().unwrap();
        let opened = ring.open(&id(&tenant), Purpose::LOGIN, &read).unwrap();
        prop_assert_eq!(opened.expose_secret(), plain);
    }
}
