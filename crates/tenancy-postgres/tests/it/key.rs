//! Keys and their text form.

use secrecy::ExposeSecret as _;
use tenancy_postgres::Error;
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::key::{KeyId, SealingKey};

use crate::support::key;

#[test]
fn the_text_form_is_read_back_and_nothing_else_is() {
    let text = key(7).to_secret_string();
    let text = text.expose_secret();
    assert_eq!(text, "7:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    let back: SealingKey = text.parse().unwrap();
    assert_eq!(back.to_secret_string().expose_secret(), text);
    let base64 = text.strip_prefix("7:").unwrap();
    for bad in [
        String::new(),
        base64.to_owned(),
        format!(":{base64}"),
        format!("0:{base64}"),
        format!("+7:{base64}"),
        format!("-7:{base64}"),
        format!(" 7:{base64}"),
        format!("2147483648:{base64}"),
        format!("7:{}", &base64[4..]),
        format!("7:{base64}AA=="),
        format!("7:{}", base64.replace("Bw", "_-")),
        format!("7:{base64}\n"),
    ] {
        assert!(
            matches!(bad.parse::<SealingKey>(), Err(Error::KeyText { .. })),
            "{bad}"
        );
    }
}

#[test]
fn ids_are_what_an_integer_holds() {
    assert!(KeyId::new(0).is_err());
    assert!(KeyId::new(u32::MAX).is_err());
    assert_eq!(KeyId::new(2_147_483_647).unwrap().get(), i32::MAX);
}

#[test]
fn generated_keys_differ() {
    let generate = || {
        SealingKey::generate(KeyId::new(1).unwrap())
            .unwrap()
            .to_secret_string()
    };
    assert_ne!(generate().expose_secret(), generate().expose_secret());
}

#[test]
fn a_key_is_printed_nowhere() {
    let roles = Roles::new(
        "r".parse().unwrap(),
        "c".parse().unwrap(),
        "o".parse().unwrap(),
    )
    .unwrap();
    let install = Install::new(roles, key(7));
    let plan = install.plan();
    let printed = format!("{install:?} {plan:?} {:?}", key(7));
    // 7 padded is 0x31 and 0x5b.
    for secret in ["0707", "BwcH", "31313131", "5b5b5b5b", "[7, 7"] {
        assert!(!printed.contains(secret), "{secret}");
    }
    let secret: Vec<_> = plan
        .steps()
        .iter()
        .filter(|step| step.is_secret())
        .collect();
    assert_eq!(secret.len(), 1);
    assert!(secret[0].sql().contains("31313131"));
}
