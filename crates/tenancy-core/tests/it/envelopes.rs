//! Envelopes: sealed, forged, late, and opened in the wrong place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tenancy_core::{
    CentralScope, EnvelopeError, EnvelopeKey, EnvelopeKeys, Error, MemoryStore, Refusal,
    ScopeEnvelope, Tenancy, TenantId, TenantScope, TenantStatus,
};

use crate::support::{Watched, id, tenant, visit};

const SECRET: [u8; 33] = *b"0123456789abcdef0123456789abcdef!";
const OTHER: [u8; 33] = *b"fedcba9876543210fedcba9876543210!";
const HOUR: Duration = Duration::from_hours(1);

fn key(id: &str, secret: [u8; 33]) -> EnvelopeKey {
    EnvelopeKey::new(id, secret.to_vec()).unwrap()
}

/// A clock that is set by hand.
#[derive(Clone)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_000_000_000_000)))
    }

    fn pass(&self, time: Duration) {
        self.0
            .fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn on(&self, keys: EnvelopeKeys) -> EnvelopeKeys {
        let hands = self.clone();
        keys.with_clock(move || UNIX_EPOCH + Duration::from_millis(hands.0.load(Ordering::SeqCst)))
    }
}

fn tenants() -> MemoryStore {
    MemoryStore::new([tenant("acme"), tenant("beta")])
}

fn with_keys(keys: EnvelopeKeys) -> Tenancy {
    Tenancy::builder(tenants())
        .without_requests()
        .envelope_keys(keys)
        .build()
}

fn tenancy() -> (Tenancy, Hands) {
    let hands = Hands::new();
    (
        with_keys(hands.on(EnvelopeKeys::new(key("k1", SECRET)))),
        hands,
    )
}

async fn seal(tenancy: &Tenancy, valid_for: Duration) -> Result<ScopeEnvelope, Error> {
    tenancy
        .run("acme", async |scope: &TenantScope| {
            tenancy.envelope(scope, valid_for)
        })
        .await
}

async fn seal_central(tenancy: &Tenancy, reason: &'static str) -> Result<ScopeEnvelope, Error> {
    tenancy
        .central(reason, async |scope: &CentralScope| {
            tenancy.central_envelope(scope, HOUR)
        })
        .await
}

async fn open(tenancy: &Tenancy, envelope: impl AsRef<str>) -> Result<TenantId, Error> {
    tenancy
        .run_envelope(envelope, async |scope: &TenantScope| -> Result<_, Error> {
            assert_eq!(TenantScope::current()?.tenant_id(), scope.tenant_id());
            Ok(scope.tenant_id().clone())
        })
        .await
}

async fn open_central(tenancy: &Tenancy, envelope: impl AsRef<str>) -> Result<String, Error> {
    tenancy
        .run_central_envelope(envelope, async |scope: &CentralScope| -> Result<_, Error> {
            Ok(scope.reason().to_owned())
        })
        .await
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, why: EnvelopeError) {
    match result {
        Err(Error::Envelope(said)) => assert_eq!(said, why),
        other => panic!("{other:?}, expected {why:?}"),
    }
}

/// A payload signed as a holder of the key could, whatever it says.
fn forge(secret: &[u8], head: &str, payload: &[u8]) -> String {
    let signed = format!("{head}.{}", BASE64.encode(payload));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    let mac = mac
        .chain_update(b"tenancy scope envelope\0")
        .chain_update(&signed)
        .finalize();
    format!("{signed}.{}", BASE64.encode(mac.into_bytes()))
}

fn payload(mode: u8, expires: u64, audience: &[u8], subject: &[u8]) -> Vec<u8> {
    let length = [u8::try_from(audience.len()).unwrap()];
    [
        &[mode][..],
        &expires.to_be_bytes(),
        &length,
        audience,
        subject,
    ]
    .concat()
}

#[tokio::test]
async fn it_goes_round() {
    let (tenancy, _) = tenancy();
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    let text = envelope.as_str();
    assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    );
    assert!(text.len() < 160, "{} bytes", text.len());
    assert_eq!(open(&tenancy, &envelope).await.unwrap(), id("acme"));
    assert_eq!(
        open(&tenancy, text).await.unwrap(),
        id("acme"),
        "as often as one likes"
    );
    assert!(!format!("{envelope:?}").contains(&text[10..]));

    let json = serde_json::to_string(&envelope).unwrap();
    assert!(serde_json::from_str::<ScopeEnvelope>(&json).unwrap() == envelope);
    assert!(serde_json::from_str::<ScopeEnvelope>("\"a b\"").is_err());

    let central = seal_central(&tenancy, "nightly report").await.unwrap();
    assert_eq!(
        open_central(&tenancy, central).await.unwrap(),
        "nightly report"
    );
}

#[tokio::test]
async fn our_own_forgery_is_true_to_the_format() {
    // Without this, the tests below could pass for a wrong reason.
    let (tenancy, _) = tenancy();
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    let expires = 1_000_000_000_000 + 3_600_000;
    assert_eq!(
        forge(&SECRET, "te1.k1", &payload(1, expires, b"", b"acme")),
        envelope.as_str()
    );
}

#[tokio::test]
async fn every_changed_byte_is_refused() {
    let (tenancy, _) = tenancy();
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    let text = envelope.as_str();
    for position in 0..text.len() {
        for new in (0..128_u8).map(char::from) {
            if text.as_bytes()[position] == new as u8 {
                continue;
            }
            let mut changed = text.to_owned();
            changed.replace_range(position..=position, new.encode_utf8(&mut [0; 4]));
            match open(&tenancy, &changed).await {
                Err(Error::Envelope(_)) => {}
                other => panic!("{new:?} at {position}: {other:?}"),
            }
        }
        let dropped = [&text[..position], &text[position + 1..]].concat();
        assert!(matches!(
            open(&tenancy, dropped).await,
            Err(Error::Envelope(_))
        ));
        assert!(matches!(
            open(&tenancy, &text[..position]).await,
            Err(Error::Envelope(_))
        ));
    }
    for longer in [
        format!("{text}A"),
        format!("{text}="),
        format!("{text}.A"),
        format!("{text}\n"),
    ] {
        assert!(matches!(
            open(&tenancy, longer).await,
            Err(Error::Envelope(_))
        ));
    }
}

#[tokio::test]
async fn what_is_not_signed_with_a_known_key_is_refused() {
    let (tenancy, _) = tenancy();
    let good = payload(1, u64::MAX, b"", b"acme");
    assert_eq!(
        open(&tenancy, forge(&SECRET, "te1.k1", &good))
            .await
            .unwrap(),
        id("acme")
    );
    refused(
        open(&tenancy, forge(&OTHER, "te1.k1", &good)).await,
        EnvelopeError::Forged,
    );
    refused(
        open(&tenancy, forge(&[], "te1.k1", &good)).await,
        EnvelopeError::Forged,
    );
    refused(
        open(&tenancy, forge(&SECRET, "te1.k2", &good)).await,
        EnvelopeError::UnknownKey,
    );
    refused(
        open(&tenancy, forge(&SECRET, "te2.k1", &good)).await,
        EnvelopeError::UnknownVersion,
    );
    refused(
        open(&tenancy, forge(&SECRET, "te1.K1", &good)).await,
        EnvelopeError::Malformed,
    );
    refused(
        open(&tenancy, forge(&SECRET, "te1", &good)).await,
        EnvelopeError::Malformed,
    );
    refused(
        open(&tenancy, forge(&SECRET, "te1.k1.k1", &good)).await,
        EnvelopeError::Malformed,
    );

    // Signed with the key, but not as an envelope.
    let signed = format!("te1.k1.{}", BASE64.encode(&good));
    let mac = Hmac::<Sha256>::new_from_slice(&SECRET)
        .unwrap()
        .chain_update(&signed)
        .finalize();
    let bare = format!("{signed}.{}", BASE64.encode(mac.into_bytes()));
    refused(open(&tenancy, bare).await, EnvelopeError::Forged);

    // No signature, a shortened one, another's.
    for signature in ["", "AA", &BASE64.encode([0; 32])] {
        refused(
            open(&tenancy, format!("{signed}.{signature}")).await,
            EnvelopeError::Forged,
        );
    }
    let whole = forge(&SECRET, "te1.k1", &good);
    let half = BASE64.encode(&BASE64.decode(whole.rsplit_once('.').unwrap().1).unwrap()[..16]);
    refused(
        open(&tenancy, format!("{signed}.{half}")).await,
        EnvelopeError::Forged,
    );
    let beta = forge(&SECRET, "te1.k1", &payload(1, u64::MAX, b"", b"beta"));
    let swapped = format!("{signed}.{}", beta.rsplit_once('.').unwrap().1);
    refused(open(&tenancy, swapped).await, EnvelopeError::Forged);
}

#[tokio::test]
async fn what_no_envelope_says_is_refused_even_when_signed() {
    let (tenancy, _) = tenancy();
    let far = u64::MAX.to_be_bytes();
    let good = payload(1, u64::MAX, b"", b"acme");
    for odd in [
        vec![],
        vec![1],
        good[..8].to_vec(),
        good[..9].to_vec(),
        good[..10].to_vec(),
        payload(0, u64::MAX, b"", b"acme"),
        payload(3, u64::MAX, b"", b"acme"),
        payload(1, u64::MAX, b"", b""),
        payload(1, u64::MAX, b"", b"Acme"),
        payload(1, u64::MAX, b"", b"acme\0"),
        payload(1, u64::MAX, b"", b"../beta"),
        payload(1, u64::MAX, b"\xff", b"acme"),
        payload(2, u64::MAX, b"", b"\xff\xfe"),
        [&[1][..], &far, &[200], b"acme"].concat(),
    ] {
        let text = forge(&SECRET, "te1.k1", &odd);
        refused(open(&tenancy, text).await, EnvelopeError::Malformed);
    }
}

#[tokio::test]
async fn texts_that_are_no_envelope_are_refused() {
    let (tenancy, _) = tenancy();
    for odd in [
        "",
        ".",
        "te1...",
        "te1",
        "te1.k1",
        "te1.k1.AAAA",
        "a b",
        "te1.k1.===.===",
        "ä",
        "\0",
    ] {
        refused(open(&tenancy, odd).await, EnvelopeError::Malformed);
    }
    refused(
        open(&tenancy, "a".repeat(1025)).await,
        EnvelopeError::TooLong,
    );
    refused(
        open(&tenancy, "a".repeat(10_000_000)).await,
        EnvelopeError::TooLong,
    );
    // Other spellings of one value: padding, the other alphabet, stray bits.
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    let text = envelope.as_str();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    refused(
        open(&tenancy, format!("{text}=")).await,
        EnvelopeError::Malformed,
    );
    let bytes = BASE64.decode(signature).unwrap();
    let same = |last: char| {
        let spelt = format!("{}{last}", &signature[..signature.len() - 1]);
        (BASE64.decode(&spelt).is_err()).then_some(spelt)
    };
    let stray = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        .chars()
        .filter_map(same)
        .collect::<Vec<_>>();
    assert!(!stray.is_empty() && bytes.len() == 32);
    for spelt in stray {
        refused(
            open(&tenancy, format!("{signed}.{spelt}")).await,
            EnvelopeError::Malformed,
        );
    }
}

#[tokio::test]
async fn it_expires_to_the_millisecond() {
    let (tenancy, hands) = tenancy();
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    hands.pass(HOUR.checked_sub(Duration::from_millis(1)).unwrap());
    assert!(open(&tenancy, &envelope).await.is_ok());
    hands.pass(Duration::from_millis(1));
    refused(open(&tenancy, &envelope).await, EnvelopeError::Expired);

    // It is judged when it runs, not when the future is made.
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    let later = open(&tenancy, &envelope);
    hands.pass(HOUR);
    refused(later.await, EnvelopeError::Expired);

    for out_of_range in [
        Duration::ZERO,
        Duration::from_micros(1),
        169 * HOUR,
        Duration::MAX,
    ] {
        refused(seal(&tenancy, out_of_range).await, EnvelopeError::Validity);
    }
    assert!(seal(&tenancy, 168 * HOUR).await.is_ok());

    let keys = EnvelopeKeys::new(key("k1", SECRET));
    let before_1970 = keys.with_clock(|| SystemTime::UNIX_EPOCH - HOUR);
    let tenancy = with_keys(before_1970);
    refused(open(&tenancy, &envelope).await, EnvelopeError::Clock);
    refused(seal(&tenancy, HOUR).await, EnvelopeError::Clock);
}

#[tokio::test]
async fn the_system_clock_is_the_default() {
    let tenancy = with_keys(EnvelopeKeys::new(key("k1", SECRET)));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    let at = |expires| forge(&SECRET, "te1.k1", &payload(1, expires, b"", b"acme"));
    assert!(open(&tenancy, at(now + 600_000)).await.is_ok());
    refused(open(&tenancy, at(now - 1)).await, EnvelopeError::Expired);
}

#[tokio::test]
async fn the_mode_can_not_be_replaced() {
    let (tenancy, _) = tenancy();
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    let central = seal_central(&tenancy, "acme").await.unwrap();
    refused(
        open_central(&tenancy, &envelope).await,
        EnvelopeError::WrongMode,
    );
    refused(open(&tenancy, &central).await, EnvelopeError::WrongMode);

    // By hand, with the old signature.
    let (head, rest) = envelope.as_str().split_at("te1.k1.".len());
    let (body, signature) = rest.split_once('.').unwrap();
    let mut bytes = BASE64.decode(body).unwrap();
    bytes[0] = 2;
    let replaced = format!("{head}{}.{signature}", BASE64.encode(bytes));
    refused(
        open_central(&tenancy, replaced).await,
        EnvelopeError::Forged,
    );
}

#[tokio::test]
async fn an_audience_opens_its_own_alone() {
    let (tenancy, _) = tenancy();
    let mails = tenancy.audience("mails").unwrap();
    let for_mails = tenancy
        .run("acme", async |scope: &TenantScope| {
            mails.envelope(scope, HOUR)
        })
        .await
        .unwrap();
    let for_all = seal(&tenancy, HOUR).await.unwrap();
    let work = async |scope: &TenantScope| -> Result<_, Error> { Ok(scope.tenant_id().clone()) };
    assert_eq!(
        mails.clone().run_envelope(&for_mails, work).await.unwrap(),
        id("acme")
    );
    refused(
        open(&tenancy, &for_mails).await,
        EnvelopeError::WrongAudience,
    );
    refused(
        mails.clone().run_envelope(&for_all, work).await,
        EnvelopeError::WrongAudience,
    );
    let reports = tenancy.audience("reports").unwrap();
    refused(
        reports.run_envelope(&for_mails, work).await,
        EnvelopeError::WrongAudience,
    );

    let central = tenancy
        .central("digest", async |scope: &CentralScope| {
            mails.central_envelope(scope, HOUR)
        })
        .await
        .unwrap();
    refused(
        open_central(&tenancy, &central).await,
        EnvelopeError::WrongAudience,
    );
    let work = async |_: &CentralScope| -> Result<(), Error> { Ok(()) };
    mails.run_central_envelope(&central, work).await.unwrap();

    for bad in ["", "Mails", "a b", &"a".repeat(65)] {
        refused(
            tenancy.audience(bad).map(|_| ()),
            EnvelopeError::InvalidAudience,
        );
    }
}

#[tokio::test]
async fn keys_rotate() {
    let old = with_keys(EnvelopeKeys::new(key("k1", SECRET)));
    let both = EnvelopeKeys::new(key("k2", OTHER))
        .accept(key("k1", SECRET))
        .unwrap();
    let both = with_keys(both);
    let new = with_keys(EnvelopeKeys::new(key("k2", OTHER)));
    let from_old = seal(&old, HOUR).await.unwrap();
    let from_both = seal(&both, HOUR).await.unwrap();
    assert!(open(&both, &from_old).await.is_ok());
    assert!(open(&both, &from_both).await.is_ok());
    assert!(open(&new, &from_both).await.is_ok());
    refused(open(&new, &from_old).await, EnvelopeError::UnknownKey);
    refused(open(&old, &from_both).await, EnvelopeError::UnknownKey);
    let twice = EnvelopeKeys::new(key("k1", SECRET)).accept(key("k1", OTHER));
    assert_eq!(twice.unwrap_err(), EnvelopeError::DuplicateKey);
}

#[test]
fn keys_are_checked_and_never_shown() {
    let written = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let read: EnvelopeKey = written.parse().unwrap();
    assert_eq!(format!("{read:?}"), "EnvelopeKey { id: \"k1\", .. }");
    assert!(written.trim_end_matches('=').parse::<EnvelopeKey>().is_ok());
    let wrong = |text: &str| text.parse::<EnvelopeKey>().unwrap_err();
    for malformed in [
        "",
        "k1",
        ":MDEy",
        "K1:MDEy",
        "k.1:MDEy",
        "k1:%%",
        "k1:MDEy MDEy",
    ] {
        assert_eq!(wrong(malformed), EnvelopeError::MalformedKey, "{malformed}");
    }
    assert_eq!(wrong("k1:"), EnvelopeError::WeakKey);
    assert_eq!(
        wrong("k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQ=="),
        EnvelopeError::WeakKey
    );
    assert_eq!(
        EnvelopeKey::new("k1", vec![0; 32]).unwrap_err(),
        EnvelopeError::WeakKey
    );
    assert!(EnvelopeKey::random("k1").is_ok());
}

#[tokio::test]
async fn without_keys_nothing_is_sealed_or_opened() {
    let (with, _) = tenancy();
    let envelope = seal(&with, HOUR).await.unwrap();
    let without = Tenancy::builder(tenants()).without_requests().build();
    refused(seal(&without, HOUR).await, EnvelopeError::NoKeys);
    refused(open(&without, &envelope).await, EnvelopeError::NoKeys);
    refused(
        open_central(&without, &envelope).await,
        EnvelopeError::NoKeys,
    );
}

#[tokio::test]
async fn the_tenant_is_looked_up_anew() {
    let store = tenants();
    let watched = Watched::new(&store);
    let keys = EnvelopeKeys::new(key("k1", SECRET));
    let tenancy = Tenancy::builder(watched.clone())
        .without_requests()
        .envelope_keys(keys)
        .build();
    let envelope = seal(&tenancy, HOUR).await.unwrap();
    for status in [
        TenantStatus::Suspended,
        TenantStatus::Provisioning,
        TenantStatus::Archived,
    ] {
        store.set_status(&id("acme"), status).unwrap();
        assert!(
            visit(&tenancy, "acme").await.is_ok(),
            "the cache has not heard of it yet"
        );
        match open(&tenancy, &envelope).await {
            Err(Error::Refused(Refusal::NotActive(said))) => assert_eq!(said, status),
            other => panic!("{other:?}"),
        }
    }
    store.remove(&id("acme")).unwrap();
    let gone = open(&tenancy, &envelope).await;
    assert!(
        matches!(gone, Err(Error::Refused(Refusal::Unknown))),
        "{gone:?}"
    );
    watched.fail(true);
    assert!(matches!(
        open(&tenancy, &envelope).await,
        Err(Error::Store(_))
    ));
}

#[tokio::test]
async fn an_envelope_is_no_way_into_another_scope() {
    let (tenancy, _) = tenancy();
    let for_acme = seal(&tenancy, HOUR).await.unwrap();
    let central = seal_central(&tenancy, "report").await.unwrap();
    tenancy
        .run("beta", async |_: &TenantScope| -> Result<(), Error> {
            assert!(matches!(
                open(&tenancy, &for_acme).await,
                Err(Error::NestedTenant)
            ));
            let inside = open_central(&tenancy, &central).await;
            assert!(matches!(inside, Err(Error::CentralInsideTenant)));
            Ok(())
        })
        .await
        .unwrap();
    let ended = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<_, Error> {
            Ok(scope.ticket())
        })
        .await
        .unwrap();
    assert!(matches!(
        tenancy.envelope(&ended, HOUR),
        Err(Error::ScopeEnded)
    ));
    let other = with_keys(EnvelopeKeys::new(key("k1", SECRET)));
    let foreign = tenancy
        .run("acme", async |scope: &TenantScope| {
            other.envelope(scope, HOUR)
        })
        .await;
    assert!(matches!(foreign, Err(Error::ScopeMismatch)));
}

#[tokio::test]
async fn a_long_reason_is_refused_and_the_longest_fits() {
    let (tenancy, _) = tenancy();
    let sealed = async |length: usize| {
        tenancy
            .central("r".repeat(length), async |scope: &CentralScope| {
                tenancy
                    .audience("a".repeat(64))?
                    .central_envelope(scope, HOUR)
            })
            .await
    };
    assert!(sealed(200).await.unwrap().as_str().len() <= ScopeEnvelope::MAX_LEN);
    refused(sealed(201).await, EnvelopeError::ReasonTooLong);
}
