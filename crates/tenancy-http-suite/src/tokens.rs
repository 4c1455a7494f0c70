//! An issuer of tokens, and what attackers make of them, for the integrations' own tests.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tenancy_core::{
    BoxError, Claim, Header, MemoryStore, RequestView, Tenancy, Tenant, TenantId, TenantStatus,
};
use tenancy_http::{Jwt, JwtAlgorithm, JwtKeys, VerifiedToken};

use crate::stage::{Ends, Headers};

/// The key pair of RFC 8037, appendix A, in PKCS #8.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
/// Its public half.
pub const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
/// What the key is called.
pub const KID: &str = "2026-11";
pub const ISSUER: &str = "https://login.example";
pub const AUDIENCE: &str = "notes";

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// The issuer's private key.
pub fn ed25519() -> EncodingKey {
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    der.extend(BASE64.decode(SEED).unwrap());
    EncodingKey::from_ed_der(&der)
}

/// The issuer's key set, as it is published.
pub fn jwks() -> String {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": KID, "x": PUBLIC});
    json!({ "keys": [key] }).to_string()
}

/// Takes the issuer's tokens.
pub fn jwt() -> Jwt {
    let keys = JwtKeys::from_jwks(jwks(), &[JwtAlgorithm::EdDsa]).unwrap();
    Jwt::new(ISSUER, AUDIENCE, keys).unwrap()
}

/// The header of a good token.
pub fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "JWT", "kid": KID})
}

/// The claims of a good token, of a caller who is a member of `tenant`.
pub fn claims(tenant: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "tenant": tenant,
        "exp": now() + 600, "nbf": now() - 5,
    })
}

/// A token of exactly this, signed with `key`.
pub fn signed(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A good token's text.
pub fn token(tenant: &str) -> String {
    signed(&header(), &claims(tenant), &ed25519(), Algorithm::EdDSA)
}

/// A good header's value.
pub fn bearer(tenant: &str) -> String {
    format!("Bearer {}", token(tenant))
}

/// The same JSON with one entry changed, or without it.
pub fn with(mut object: Value, name: &str, value: Value) -> Value {
    let entries = object.as_object_mut().unwrap();
    if value.is_null() {
        entries.remove(name);
    } else {
        entries.insert(name.to_owned(), value);
    }
    object
}

/// What a member of `acme` can make of what there is to know: tokens that must open nothing. Each
/// with what is wrong with it.
pub fn forged() -> Vec<(&'static str, String)> {
    let good = claims("acme");
    let ours =
        |header: &Value, claims: &Value| signed(header, claims, &ed25519(), Algorithm::EdDSA);
    let other = EncodingKey::from_ed_der(
        &[
            b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".as_slice(),
            &[7; 32],
        ]
        .concat(),
    );
    let part = |value: &Value| BASE64.encode(value.to_string());
    let unsigned = |alg: &str| {
        let header = with(header(), "alg", json!(alg));
        format!("{}.{}.", part(&header), part(&good))
    };
    let hmac = |secret: &[u8]| {
        let header = with(header(), "alg", json!("HS256"));
        let secret = EncodingKey::from_secret(secret);
        signed(&header, &good, &secret, Algorithm::HS256)
    };
    let claim = |name: &str, value: Value| ours(&header(), &with(good.clone(), name, value));
    let named = |name: &str, value: Value| ours(&with(header(), name, value), &good);
    let whole = token("acme");
    let (message, signature) = whole.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    vec![
        ("no algorithm", unsigned("none")),
        ("no algorithm, in capitals", unsigned("NONE")),
        ("an algorithm of nobody's", unsigned("HS257")),
        ("no signature", format!("{message}.")),
        (
            "the public key as a secret",
            hmac(&BASE64.decode(PUBLIC).unwrap()),
        ),
        ("its text as a secret", hmac(PUBLIC.as_bytes())),
        ("the key set as a secret", hmac(jwks().as_bytes())),
        (
            "another's key",
            signed(&header(), &good, &other, Algorithm::EdDSA),
        ),
        (
            "another's key, which it brings itself",
            signed(
                &with(
                    header(),
                    "jwk",
                    json!({"kty": "OKP", "crv": "Ed25519", "x": PUBLIC}),
                ),
                &good,
                &other,
                Algorithm::EdDSA,
            ),
        ),
        ("another key's id", named("kid", json!("2026-10"))),
        ("no key's id", named("kid", Value::Null)),
        ("a critical extension", named("crit", json!(["exp"]))),
        (
            "another tenant under the same signature",
            format!("{head}.{}.{signature}", part(&claims("globex"))),
        ),
        ("another audience", claim("aud", json!("billing"))),
        ("no audience", claim("aud", Value::Null)),
        ("another issuer", claim("iss", json!("https://login.evil"))),
        (
            "several issuers",
            claim("iss", json!([ISSUER, "https://login.evil"])),
        ),
        ("no issuer", claim("iss", Value::Null)),
        ("expired", claim("exp", json!(now() - 301))),
        ("no expiry", claim("exp", Value::Null)),
        (
            "an expiry that is a text",
            claim("exp", json!((now() + 600).to_string())),
        ),
        ("not valid yet", claim("nbf", json!(now() + 301))),
        ("no beginning", claim("nbf", Value::Null)),
        ("no subject", claim("sub", Value::Null)),
        ("an empty subject", claim("sub", json!(""))),
        ("too long", claim("padding", json!("x".repeat(9_000)))),
        ("no token", "acme".to_owned()),
        ("nothing", String::new()),
    ]
}

/// The `Authorization` headers of requests that must open nothing.
pub fn bad_authorizations() -> Vec<(&'static str, Vec<String>)> {
    let forged = forged().into_iter();
    let mut bad: Vec<_> = forged
        .map(|(what, token)| (what, vec![format!("Bearer {token}")]))
        .collect();
    let good = bearer("acme");
    bad.extend([
        ("twice", vec![good.clone(), good.clone()]),
        (
            "twice, the second forged",
            vec![good.clone(), "Bearer x.y.z".to_owned()],
        ),
        ("twice in one", vec![format!("{good}, {good}")]),
        ("another scheme", vec![format!("Basic {}", token("acme"))]),
        ("no scheme", vec![token("acme")]),
        ("two spaces", vec![good.replace(' ', "  ")]),
    ]);
    bad
}

/// As [`stage::tenancy`](crate::stage::tenancy), for callers with tokens: the claim `tenant` and the
/// header `x-tenant-id` name the tenant, and the claim `tenant` says of what the caller is a member.
pub fn tenancy() -> (Tenancy, Ends) {
    let ends = Ends::default();
    let id = |name| TenantId::new(name).unwrap();
    let active = ["acme", "globex"].map(|name| Tenant::new(id(name)));
    let sleepy = Tenant::new(id("sleepy")).with_status(TenantStatus::Suspended);
    let tenancy = Tenancy::builder(MemoryStore::new(active.into_iter().chain([sleepy])))
        .resolve(Header::named("x-tenant-id"))
        .resolve(Claim::named("tenant"))
        .authorize(|tenant: &TenantId, request: &dyn RequestView| {
            let token = request.principal_as::<VerifiedToken>();
            let member = token.is_some_and(|token| token.claim("tenant") == Some(tenant.as_str()));
            async move { Ok::<_, BoxError>(member) }
        })
        .listen(ends.clone())
        .build();
    (tenancy, ends)
}

/// What every framework answers to tokens. `answer` gives these headers to a tenant's route behind a
/// layer over [`tenancy`] that authenticates with [`jwt`]; its handler answers with the tenant's id, a
/// space, and the token's subject.
pub async fn judge(ends: &Ends, answer: impl AsyncFn(Headers) -> (u16, String)) {
    let ask = async |tokens: &[String], named: Option<&str>| {
        let token = tokens.iter().map(|token| ("authorization", token.clone()));
        let named = named.map(|tenant| ("x-tenant-id", tenant.to_owned()));
        answer(token.chain(named).collect()).await
    };
    for tenant in ["acme", "globex"] {
        let (status, text) = ask(&[bearer(tenant)], None).await;
        assert_eq!((status, text), (200, format!("{tenant} ann")));
    }
    assert_eq!(ends.take().len(), 2);
    let unknown = ask(&[bearer("nobody")], None).await;
    assert_eq!(unknown, (404, "not found\n".to_owned()));
    for (what, tokens) in bad_authorizations() {
        for named in [None, Some("acme"), Some("nobody")] {
            assert_eq!(ask(&tokens, named).await, unknown, "{what}");
        }
    }
    assert_eq!(ask(&[bearer("sleepy")], None).await, unknown, "suspended");
    assert_eq!(ask(&[], Some("acme")).await, unknown, "nobody asks");
    let conflict = ask(&[bearer("acme")], Some("globex")).await;
    assert_eq!(conflict.0, 400, "the token and the header disagree");
    assert!(ends.take().is_empty(), "no scope was opened");
    assert_eq!(ask(&[bearer("acme")], Some("acme")).await.0, 200);
    ends.take();
}
