//! Key sets: what is taken from them, and what is refused.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tenancy_http::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError};
use tenancy_http_suite::tokens::{AUDIENCE, ISSUER, KID, PUBLIC, claims, signed, with};

// Made for these tests: openssl genrsa 2048, openssl genpkey -algorithm EC.
const RSA: &[u8] = include_bytes!("rsa.der");
const P256: &[u8] = include_bytes!("p256.der");
const N: &str = "ye81V3wGScxPQJs4nCob0B3QJtNuhkgnVmj7VQ5Le3ZyaetfJpx7T9IBFO8lzEwW59zEl_omUdtWWrQio5dmpYmu8Ao7Vg9wW9fJejzggLyzr9XoTq0xuxdCMABa0Yar0V7_0xAoKjzKIMCVxeMnzOoC6GJEganyq5Xiaq2RkE7ei5dVsUpq2yUQNccdMOGfO9jF4M90FZOuT6dnbH2wy5qQrVKXAzSnoyFYufQmPn-dDsCbenet68psEScrJaO5OFQ_oYUTwhcYBm2AqH4wJGzNj3aeGJ36j9tpqYljzUL3REqhMTHQMcsUJM7xuovlACtkk7wA3oH8Y8OOgbvT5Q";
const X: &str = "byLJkXP0KY5Bfq3d98QJj9Rp0tdo_4dINW0oCUNROwc";
const Y: &str = "4mWT3RbCgEjfivT_IOwHttvxU9mQmlwML8NlGPnU-nI";

fn ed() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": KID, "x": PUBLIC})
}

fn ec() -> Value {
    json!({"kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "x": X, "y": Y})
}

fn rsa() -> Value {
    json!({"kty": "RSA", "kid": "rsa", "alg": "RS256", "n": N, "e": "AQAB"})
}

const ALL: [JwtAlgorithm; 4] = [
    JwtAlgorithm::EdDsa,
    JwtAlgorithm::Es256,
    JwtAlgorithm::Rs256,
    JwtAlgorithm::Ps256,
];

fn read(keys: &[Value], allowed: &[JwtAlgorithm]) -> Result<JwtKeys, JwtKeysError> {
    JwtKeys::from_jwks(json!({ "keys": keys }).to_string(), allowed)
}

#[test]
fn tokens_of_each_kind_of_key_are_verified() {
    let keys = read(&[ed(), ec(), rsa()], &ALL).unwrap();
    let jwt = Jwt::new(ISSUER, AUDIENCE, keys).unwrap();
    let of = |alg: &str, kid: &str, key: &EncodingKey, algorithm| {
        let header = json!({"alg": alg, "kid": kid});
        jwt.verify(&signed(&header, &claims("acme"), key, algorithm))
    };
    let (ec, rsa) = (
        EncodingKey::from_ec_der(P256),
        EncodingKey::from_rsa_der(RSA),
    );
    assert!(of("ES256", "ec", &ec, Algorithm::ES256).is_ok());
    assert!(of("RS256", "rsa", &rsa, Algorithm::RS256).is_ok());
    // A good signature of the key, by an algorithm that it is not for.
    let other = of("PS256", "rsa", &rsa, Algorithm::PS256);
    assert_eq!(other.unwrap_err(), JwtError::WrongAlgorithm);
    // RSA's public key, which everybody knows, as the secret of an HMAC.
    for secret in [N.as_bytes(), RSA] {
        let hmac = EncodingKey::from_secret(secret);
        let confused = of("HS256", "rsa", &hmac, Algorithm::HS256);
        assert_eq!(confused.unwrap_err(), JwtError::WrongAlgorithm);
        let disguised = of("RS256", "rsa", &hmac, Algorithm::HS256);
        assert_eq!(disguised.unwrap_err(), JwtError::Forged);
    }
}

#[test]
fn keys_for_something_else_are_left_out() {
    let left_out = [
        with(ed(), "use", json!("enc")),
        with(ed(), "key_ops", json!(["sign"])),
        with(ed(), "alg", json!("ES256")),
        with(ed(), "crv", json!("Ed448")),
        with(ec(), "alg", json!("ECDH-ES")),
        with(rsa(), "alg", json!("RSA-OAEP")),
        with(rsa(), "alg", json!("RS1")),
        json!({"kty": "oct", "kid": "o", "alg": "HS256", "k": PUBLIC}),
    ];
    for key in left_out {
        let alone = read(std::slice::from_ref(&key), &ALL).err();
        assert!(
            matches!(alone, Some(JwtKeysError::Empty | JwtKeysError::Malformed)),
            "{key}: {alone:?}"
        );
    }
    assert_eq!(
        read(&[rsa(), ec()], &[JwtAlgorithm::EdDsa]).unwrap_err(),
        JwtKeysError::Empty
    );
    let keys = read(&[ed(), with(rsa(), "use", json!("enc"))], &ALL).unwrap();
    assert_eq!(
        format!("{keys:?}"),
        format!(r#"JwtKeys {{ ids: ["{KID}"] }}"#)
    );
}

#[test]
fn a_set_that_leaves_something_open_is_refused() {
    let error = |keys: &[Value]| read(keys, &ALL).unwrap_err();
    assert_eq!(error(&[]), JwtKeysError::Empty);
    assert_eq!(error(&[with(ed(), "kid", Value::Null)]), JwtKeysError::NoId);
    assert_eq!(error(&[with(ed(), "kid", json!(""))]), JwtKeysError::NoId);
    assert_eq!(
        error(&[ed(), with(ec(), "kid", json!(KID))]),
        JwtKeysError::DuplicateId
    );
    // RS256 and PS256 are both allowed, and the key does not say.
    assert_eq!(
        error(&[with(rsa(), "alg", Value::Null)]),
        JwtKeysError::Ambiguous
    );
    for text in ["", "[]", "{}", "not json"] {
        let error = JwtKeys::from_jwks(text, &ALL).unwrap_err();
        assert_eq!(error, JwtKeysError::Malformed, "{text}");
    }
}

/// Short ones, too: the library would take a short Ed25519 key apart without looking.
#[test]
fn weak_and_broken_keys_are_refused() {
    let short = &N[..200];
    for key in [
        with(ed(), "x", json!("AAAA")),
        with(ed(), "x", json!("")),
        with(ed(), "x", json!(format!("{PUBLIC}AAAA"))),
        with(ec(), "x", json!("AAAA")),
        with(ec(), "y", json!(X)),
        with(rsa(), "n", json!(short)),
        with(rsa(), "e", json!("AQ")),
        with(rsa(), "e", json!("AA")),
        with(rsa(), "n", json!(format!("{}{short}", "A".repeat(400)))),
    ] {
        let error = read(std::slice::from_ref(&key), &ALL).unwrap_err();
        assert_eq!(error, JwtKeysError::Weak, "{key}");
    }
    for secret in [&[7; 32][..], &[1, 2, 3], &[]] {
        let error = JwtKeys::from_secret("k", secret).unwrap_err();
        assert_eq!(error, JwtKeysError::Weak);
    }
    let secret: Vec<u8> = (0..32).collect();
    assert_eq!(
        JwtKeys::from_secret("", &secret).unwrap_err(),
        JwtKeysError::NoId
    );
}

#[test]
fn nothing_is_verified_for_nobody() {
    let keys = || read(&[ed()], &ALL).unwrap();
    assert_eq!(
        Jwt::new("", AUDIENCE, keys()).unwrap_err(),
        JwtKeysError::Empty
    );
    assert_eq!(
        Jwt::new(ISSUER, "", keys()).unwrap_err(),
        JwtKeysError::Empty
    );
}
