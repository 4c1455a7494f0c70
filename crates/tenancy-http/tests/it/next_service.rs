//! Scopes on their way to the next service.

use std::time::Duration;

use http::Uri;
use tenancy_core::{CentralScope, Error, MemoryStore, Tenancy, TenantScope};
use tenancy_http::{NextService, NextServiceError, NotSent, SCOPE_HEADER};
use tenancy_http_suite::envelopes::{SERVICE, Stage};

fn next(stage: &Stage) -> NextService {
    let origins = ["https://notes.internal:8443", "http://127.0.0.1:9000"];
    NextService::new(&stage.tenancy, SERVICE, origins).unwrap()
}

/// What is said of a request to `to`, in the scope of `acme`.
async fn said(stage: &Stage, to: &str) -> Result<String, NotSent> {
    let (next, to): (_, Uri) = (next(stage), to.parse().unwrap());
    let said = stage
        .tenancy
        .run("acme", async |_: &TenantScope| -> Result<_, Error> {
            Ok(next.header(&to))
        });
    let (name, value) = said.await.unwrap()?;
    assert_eq!(name, SCOPE_HEADER);
    assert!(value.is_sensitive());
    Ok(value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn its_origins_are_told_and_nobody_else() {
    let stage = Stage::new();
    for to in [
        "https://notes.internal:8443/",
        "https://NOTES.internal:8443/list?all",
        "http://127.0.0.1:9000",
    ] {
        let envelope = said(&stage, to).await.unwrap();
        assert!(!envelope.is_empty(), "{to}");
    }
    for to in [
        "http://notes.internal:8443/",
        "https://notes.internal/",
        "https://notes.internal:8444/",
        "https://notes.internal.evil:8443/",
        "https://notes.internal.:8443/",
        "https://evil.notes.internal:8443/",
        "https://notes.internal:8443@evil/",
        "https://user@notes.internal:8443/",
        "https://evil/notes.internal:8443",
        "ftp://notes.internal:8443/",
        "/list",
        "*",
        "notes.internal:8443",
    ] {
        let error = said(&stage, to).await.unwrap_err();
        assert!(matches!(error, NotSent::Origin), "{to}: {error}");
    }
}

#[tokio::test]
async fn without_a_scope_nothing_is_sent() {
    let stage = Stage::new();
    let to: Uri = "https://notes.internal:8443/".parse().unwrap();
    let next = next(&stage);
    let error = next.header(&to).unwrap_err();
    assert!(matches!(error, NotSent::Scope(Error::NoScope)), "{error}");

    let central = stage
        .tenancy
        .central("a test", async |_: &CentralScope| -> Result<_, Error> {
            Ok(next.header(&to).is_err())
        });
    assert!(central.await.unwrap(), "central work is no tenant's");

    // In a task of its own, and with a scope that has ended.
    let kept = stage
        .tenancy
        .run("acme", async |_: &TenantScope| -> Result<_, Error> {
            let (next, to) = (next.clone(), to.clone());
            let bare = tokio::spawn(async move { next.header(&to).is_err() });
            assert!(bare.await.unwrap());
            TenantScope::current()
        });
    let kept = kept.await.unwrap();
    let error = kept.scope(async { next.header(&to) }).await.unwrap_err();
    assert!(
        matches!(error, NotSent::Scope(Error::ScopeEnded)),
        "{error}"
    );
}

/// Where ids may be the same, and mean somebody else.
#[tokio::test]
async fn another_tenancys_scope_is_not_handed_over() {
    let (stage, other) = (Stage::new(), Stage::new());
    let to: Uri = "https://notes.internal:8443/".parse().unwrap();
    let next = next(&stage);
    let said = other
        .tenancy
        .run("acme", async |_: &TenantScope| -> Result<_, Error> {
            Ok(next.header(&to))
        });
    let error = said.await.unwrap().unwrap_err();
    assert!(
        matches!(error, NotSent::Scope(Error::ScopeMismatch)),
        "{error}"
    );
}

#[test]
fn what_could_not_work_is_found_at_the_start() {
    let stage = Stage::new();
    let new = |name, origins: &[&'static str]| {
        NextService::new(&stage.tenancy, name, origins.iter().copied()).unwrap_err()
    };
    let origin = "https://notes.internal";
    let (long, longest) = ("n".repeat(57), "n".repeat(56));
    for name in ["", "Notes", "no tes", "service notes", &long] {
        let error = new(name, &[origin]);
        assert!(matches!(error, NextServiceError::Envelope(_)), "{name}");
    }
    assert!(NextService::new(&stage.tenancy, &longest, [origin]).is_ok());
    assert!(matches!(new(SERVICE, &[]), NextServiceError::NoOrigin));
    for origin in [
        "notes.internal",
        "//notes.internal",
        "/notes",
        "https://notes.internal/",
        "https://notes.internal/path",
        "https://notes.internal?q",
        "https://user@notes.internal",
        "https://notes.internal:port",
        "https://notes.internal:",
        "ws://notes.internal",
        "https://",
        "",
    ] {
        let error = new(SERVICE, &[origin]);
        assert!(matches!(error, NextServiceError::Origin), "{origin}");
    }
    let no_keys = Tenancy::builder(MemoryStore::default())
        .without_requests()
        .build();
    assert!(NextService::new(&no_keys, SERVICE, [origin]).is_err());
    for time in [Duration::ZERO, Duration::from_secs(301)] {
        let next = NextService::new(&stage.tenancy, SERVICE, [origin]).unwrap();
        assert!(matches!(
            next.valid_for(time),
            Err(NextServiceError::Validity)
        ));
    }
}
