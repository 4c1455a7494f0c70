//! Tokens that are verified, and tokens that are not.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tenancy_http::{Authenticate as _, Jwt, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
use tenancy_http_suite::tokens::{
    AUDIENCE, ISSUER, KID, bad_authorizations, bearer, claims, ed25519, forged, header, jwt, now,
    signed, token, with,
};

fn sign(header: &Value, claims: &Value) -> String {
    signed(header, claims, &ed25519(), Algorithm::EdDSA)
}

fn with_claim(name: &str, value: Value) -> String {
    sign(&header(), &with(claims("acme"), name, value))
}

/// The application's own view of a token.
#[derive(serde::Deserialize)]
struct Own {
    tenant: String,
    exp: u64,
}

#[test]
fn a_good_token_is_verified() {
    let token = jwt().verify(&token("acme")).unwrap();
    assert_eq!(token.subject(), "ann");
    assert_eq!(token.claim("tenant"), Some("acme"));
    let own: Own = token.read().unwrap();
    assert_eq!(own.tenant, "acme");
    assert!(own.exp > now());
}

#[test]
fn nothing_else_is() {
    for (what, token) in forged() {
        assert!(jwt().verify(&token).is_err(), "{what}");
    }
}

/// So that none of them is refused for another's reason.
#[test]
fn each_for_its_own_reason() {
    let reason = |wanted: &str| {
        let (_, token) = forged()
            .into_iter()
            .find(|(what, _)| *what == wanted)
            .unwrap();
        jwt().verify(&token).unwrap_err()
    };
    for (what, expected) in [
        ("no algorithm", JwtError::Malformed),
        ("no signature", JwtError::Forged),
        ("the public key as a secret", JwtError::WrongAlgorithm),
        ("its text as a secret", JwtError::WrongAlgorithm),
        ("another's key", JwtError::Forged),
        ("another's key, which it brings itself", JwtError::Forged),
        ("another key's id", JwtError::UnknownKey),
        ("no key's id", JwtError::UnknownKey),
        ("a critical extension", JwtError::Critical),
        ("another tenant under the same signature", JwtError::Forged),
        ("another audience", JwtError::WrongAudience),
        ("no audience", JwtError::MissingClaim),
        ("another issuer", JwtError::WrongIssuer),
        ("several issuers", JwtError::WrongIssuer),
        ("no issuer", JwtError::MissingClaim),
        ("expired", JwtError::Expired),
        ("no expiry", JwtError::MissingClaim),
        ("an expiry that is a text", JwtError::MissingClaim),
        ("not valid yet", JwtError::NotYetValid),
        ("no beginning", JwtError::MissingClaim),
        ("no subject", JwtError::MissingClaim),
        ("an empty subject", JwtError::MissingClaim),
        ("too long", JwtError::TooLong),
        ("no token", JwtError::Malformed),
    ] {
        assert_eq!(reason(what), expected, "{what}");
    }
}

#[test]
fn the_leeway_is_kept_and_bounded() {
    let late = with_claim("exp", json!(now() - 60));
    assert_eq!(jwt().verify(&late).unwrap_err(), JwtError::Expired);
    let patient = jwt().leeway(Duration::from_mins(4)).unwrap();
    assert!(patient.verify(&late).is_ok());
    let early = with_claim("nbf", json!(now() + 60));
    assert_eq!(jwt().verify(&early).unwrap_err(), JwtError::NotYetValid);
    assert!(patient.verify(&early).is_ok());
    let long = jwt().leeway(Duration::from_secs(301));
    assert_eq!(long.unwrap_err(), JwtKeysError::Leeway);
}

#[test]
fn an_issuer_that_writes_no_beginning_is_named_as_one() {
    let without = with_claim("nbf", Value::Null);
    let lenient = jwt().without_not_before();
    assert!(lenient.verify(&without).is_ok());
    let early = with_claim("nbf", json!(now() + 3_600));
    assert_eq!(lenient.verify(&early).unwrap_err(), JwtError::NotYetValid);
}

#[test]
fn one_of_several_audiences_will_do() {
    let listed = with_claim("aud", json!(["billing", AUDIENCE]));
    assert!(jwt().verify(&listed).is_ok());
    let others = with_claim("aud", json!(["billing", "notes2"]));
    assert_eq!(jwt().verify(&others).unwrap_err(), JwtError::WrongAudience);
}

/// Two keys of two algorithms: neither's id leads to the other, whatever a token says.
#[test]
fn a_key_is_for_its_own_algorithm_alone() {
    let secret: Vec<u8> = (0..32).collect();
    let keys = JwtKeys::from_secret("internal", &secret).unwrap();
    let keys = jwks_keys().and(keys).unwrap();
    let jwt = Jwt::new(ISSUER, AUDIENCE, keys).unwrap();
    let hmac = EncodingKey::from_secret(&secret);
    let named = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let by_secret = |header: &Value| signed(header, &claims("acme"), &hmac, Algorithm::HS256);

    assert!(jwt.verify(&by_secret(&named("HS256", "internal"))).is_ok());
    assert!(jwt.verify(&sign(&header(), &claims("acme"))).is_ok());
    for header in [named("HS256", KID), named("EdDSA", "internal")] {
        for token in [by_secret(&header), sign(&header, &claims("acme"))] {
            let error = jwt.verify(&token).unwrap_err();
            assert_eq!(error, JwtError::WrongAlgorithm);
        }
    }
    // The right algorithm, and the other one's signature.
    let swapped = by_secret(&named("EdDSA", KID));
    assert_eq!(jwt.verify(&swapped).unwrap_err(), JwtError::Forged);
    let swapped = sign(&named("HS256", "internal"), &claims("acme"));
    assert_eq!(jwt.verify(&swapped).unwrap_err(), JwtError::Forged);
}

fn jwks_keys() -> JwtKeys {
    let jwks = tenancy_http_suite::tokens::jwks();
    JwtKeys::from_jwks(jwks, &[tenancy_http::JwtAlgorithm::EdDsa]).unwrap()
}

#[test]
fn keys_are_rotated_in_all_clones() {
    let jwt = jwt();
    let clone = jwt.clone();
    let next: Vec<u8> = (1..=32).collect();
    let next_key = EncodingKey::from_secret(&next);
    let next_token = signed(
        &json!({"alg": "HS256", "kid": "2026-12"}),
        &claims("acme"),
        &next_key,
        Algorithm::HS256,
    );
    assert_eq!(clone.verify(&next_token).unwrap_err(), JwtError::UnknownKey);
    let both = jwks_keys().and(JwtKeys::from_secret("2026-12", &next).unwrap());
    jwt.rotate(both.unwrap());
    assert!(clone.verify(&next_token).is_ok());
    assert!(clone.verify(&token("acme")).is_ok());
    jwt.rotate(JwtKeys::from_secret("2026-12", &next).unwrap());
    assert!(clone.verify(&next_token).is_ok());
    let old = clone.verify(&token("acme")).unwrap_err();
    assert_eq!(old, JwtError::UnknownKey);
}

fn headers(values: &[String]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append("authorization", HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn one_header_says_who_asks() {
    let found = |values: &[String]| jwt().authenticate(&headers(values));
    assert!(found(&[]).unwrap().is_none(), "nobody asks");
    for good in [bearer("acme"), bearer("acme").replace("Bearer", "bEARER")] {
        let found = found(&[good]).unwrap().unwrap();
        let token = found.principal.get::<VerifiedToken>().unwrap();
        assert_eq!(token.subject(), "ann");
        assert_eq!(found.claims.get("tenant"), Some("acme"));
    }
    for (what, values) in bad_authorizations() {
        assert!(found(&values).is_err(), "{what}");
    }
    let mut not_text = HeaderMap::new();
    let value = HeaderValue::from_bytes(b"Bearer \xff").unwrap();
    not_text.insert("authorization", value);
    assert!(jwt().authenticate(&not_text).is_err());
}

/// A tenant's claim that is no text is there: it must not read as if the token named none.
#[test]
fn a_claim_of_another_form_names_nobody() {
    for (value, expected) in [
        (json!(42), Some("42")),
        (json!(["acme"]), Some("(not a text)")),
        (json!({"id": "acme"}), Some("(not a text)")),
        (json!(true), Some("(not a text)")),
        (json!(1.5), Some("(not a text)")),
        (json!(-1), Some("(not a text)")),
    ] {
        let token = with_claim("tenant", value.clone());
        let values = [format!("Bearer {token}")];
        let found = jwt().authenticate(&headers(&values)).unwrap().unwrap();
        assert_eq!(found.claims.get("tenant"), expected, "{value}");
    }
    let null = claims("acme").to_string().replace(r#""acme""#, "null");
    let null = serde_json::from_str(&null).unwrap();
    let values = [format!("Bearer {}", sign(&header(), &null))];
    let found = jwt().authenticate(&headers(&values)).unwrap().unwrap();
    let claim = found.claims.get("tenant").unwrap();
    assert!(tenancy_core::TenantId::new(claim).is_err());
}

#[test]
fn nothing_of_a_token_or_a_key_is_shown() {
    let secret: Vec<u8> = (b'a'..=b'z').chain(b'A'..=b'F').collect();
    let keys = JwtKeys::from_secret("internal", &secret).unwrap();
    let jwt = Jwt::new(ISSUER, AUDIENCE, keys.clone()).unwrap();
    let token = self::jwt().verify(&token("acme")).unwrap();
    let shown = format!("{keys:?} {jwt:?} {token:?}");
    for hidden in ["abcdef", "97, 98", "acme", "ann"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    for (_, forged) in forged() {
        let error = self::jwt().verify(&forged).unwrap_err();
        let shown = format!("{error} {error:?}");
        for hidden in ["acme", "globex", "evil", "billing"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
