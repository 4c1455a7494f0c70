//! Scopes handed to a child process: this very program, started once more.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use tenancy_core::{
    CentralScope, EnvelopeKeys, Error, MemoryStore, Refusal, ScopeEnvelope, Tenancy, TenantScope,
    TenantStatus,
};

use crate::support::tenant;

const KEY: &str = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYh";
const OTHER: &str = "k1:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTAh";
/// Tells the program that it is the child, and which scope it is to open.
const ROLE: &str = "TENANCY_TEST_CHILD";
const MINUTE: Duration = Duration::from_mins(1);

fn with(keys: EnvelopeKeys) -> Tenancy {
    let beta = tenant("beta").with_status(TenantStatus::Suspended);
    Tenancy::builder(MemoryStore::new([tenant("acme"), beta]))
        .without_requests()
        .envelope_keys(keys)
        .build()
}

fn parent(key: &str) -> Tenancy {
    with(EnvelopeKeys::new(key.parse().unwrap()))
}

async fn sealed(tenancy: &Tenancy) -> ScopeEnvelope {
    tenancy
        .run("acme", async |scope: &TenantScope| {
            tenancy.child_process().envelope(scope, MINUTE)
        })
        .await
        .unwrap()
}

async fn sealed_central(tenancy: &Tenancy) -> ScopeEnvelope {
    tenancy
        .central("nightly", async |scope: &CentralScope| {
            tenancy.child_process().central_envelope(scope, MINUTE)
        })
        .await
        .unwrap()
}

/// What a child of this environment says.
fn started(role: &str, scope: Option<&str>, key: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "children::the_child", "--nocapture"])
        .env(ROLE, role)
        .env_remove(ScopeEnvelope::VARIABLE)
        .env_remove(EnvelopeKeys::VARIABLE);
    if let Some(scope) = scope {
        command.env(ScopeEnvelope::VARIABLE, scope);
    }
    if let Some(key) = key {
        command.env(EnvelopeKeys::VARIABLE, key);
    }
    said(command)
}

fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let start = text.find("[said ").unwrap_or_else(|| panic!("{text}")) + 6;
    let end = start + text[start..].find(" end]").unwrap();
    text[start..end].to_owned()
}

/// The child. Without a role, nothing: it is run with the other tests, too.
#[tokio::test]
async fn the_child() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let outcome = child(&role).await;
    let outcome = match &outcome {
        Ok(text) => text.clone(),
        Err(Error::Envelope(error)) => format!("{error:?}"),
        Err(Error::Refused(refusal)) => format!("{refusal:?}"),
        Err(error) => format!("other: {error}"),
    };
    println!("[said {outcome} end]");
}

async fn child(role: &str) -> Result<String, Error> {
    let tenancy = with(EnvelopeKeys::from_env(EnvelopeKeys::VARIABLE)?);
    match role {
        "tenant" => {
            tenancy
                .run_from_env(async |scope: &TenantScope| -> Result<_, Error> {
                    assert_eq!(TenantScope::current()?.tenant_id(), scope.tenant_id());
                    Ok(scope.tenant_id().to_string())
                })
                .await
        }
        "central" => {
            tenancy
                .run_central_from_env(async |scope: &CentralScope| -> Result<_, Error> {
                    Ok(scope.reason().to_owned())
                })
                .await
        }
        "job" => {
            let text = std::env::var(ScopeEnvelope::VARIABLE).unwrap_or_default();
            tenancy
                .run_envelope(text, async |scope: &TenantScope| -> Result<_, Error> {
                    Ok(scope.tenant_id().to_string())
                })
                .await
        }
        // Starts a child of its own, as any program may.
        "grandparent" => Ok(said({
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "children::the_child", "--nocapture"]);
            command.env(ROLE, "tenant");
            command
        })),
        "careful" => Ok(said({
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "children::the_child", "--nocapture"]);
            command
                .env(ROLE, "tenant")
                .env_remove(ScopeEnvelope::VARIABLE);
            command
        })),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_child_finds_its_scope() {
    let tenancy = parent(KEY);
    let scope = sealed(&tenancy).await;
    assert_eq!(started("tenant", Some(scope.as_str()), Some(KEY)), "acme");
    let central = sealed_central(&tenancy).await;
    assert_eq!(
        started("central", Some(central.as_str()), Some(KEY)),
        "nightly"
    );
    // A key that is being rotated in, with the old one behind it.
    let both = format!("k2:{}, \n {KEY}", &OTHER[3..]);
    assert_eq!(started("tenant", Some(scope.as_str()), Some(&both)), "acme");
}

#[tokio::test]
async fn without_a_scope_or_a_key_nothing_runs() {
    let scope = sealed(&parent(KEY)).await;
    let scope = Some(scope.as_str());
    assert_eq!(started("tenant", None, Some(KEY)), "NotInEnvironment");
    assert_eq!(started("central", None, Some(KEY)), "NotInEnvironment");
    assert_eq!(started("tenant", Some(""), Some(KEY)), "Malformed");
    assert_eq!(started("tenant", Some("acme"), Some(KEY)), "Malformed");
    assert_eq!(started("tenant", scope, None), "KeyVariable");
    assert_eq!(started("tenant", scope, Some(" ")), "NoKeys");
    assert_eq!(started("tenant", scope, Some("k1")), "MalformedKey");
    let twice = format!("{KEY} {OTHER}");
    assert_eq!(started("tenant", scope, Some(&twice)), "DuplicateKey");
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_no_scope() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "children::the_child", "--nocapture"])
        .env(ROLE, "tenant")
        .env(EnvelopeKeys::VARIABLE, KEY)
        .env(
            ScopeEnvelope::VARIABLE,
            OsString::from_vec(vec![0x74, 0xff]),
        );
    assert_eq!(said(command), "Malformed");
}

#[tokio::test]
async fn a_forged_or_late_scope_is_refused() {
    let forged = sealed(&parent(OTHER)).await;
    assert_eq!(
        started("tenant", Some(forged.as_str()), Some(KEY)),
        "Forged"
    );
    // Cut off, and changed.
    let scope = sealed(&parent(KEY)).await.as_str().to_owned();
    let cut = &scope[..scope.len() - 1];
    assert_ne!(started("tenant", Some(cut), Some(KEY)), "acme");
    let changed = scope.replacen("te1.k1.A", "te1.k1.B", 1);
    assert_ne!(changed, scope);
    assert_eq!(started("tenant", Some(&changed), Some(KEY)), "Forged");

    let long_ago = std::time::SystemTime::now() - 2 * MINUTE;
    let keys = EnvelopeKeys::new(KEY.parse().unwrap()).with_clock(move || long_ago);
    let expired = sealed(&with(keys)).await;
    assert_eq!(
        started("tenant", Some(expired.as_str()), Some(KEY)),
        "Expired"
    );
}

#[tokio::test]
async fn a_scope_is_for_its_own_kind_of_work() {
    let tenancy = parent(KEY);
    let (scope, central) = (sealed(&tenancy).await, sealed_central(&tenancy).await);
    assert_eq!(
        started("tenant", Some(central.as_str()), Some(KEY)),
        "WrongMode"
    );
    assert_eq!(
        started("central", Some(scope.as_str()), Some(KEY)),
        "WrongMode"
    );
    // A child's scope is no job's, and a job's no child's.
    assert_eq!(
        started("job", Some(scope.as_str()), Some(KEY)),
        "WrongAudience"
    );
    let jobs = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<_, Error> {
            let mail = tenancy.audience("mail")?.envelope(scope, MINUTE)?;
            Ok([tenancy.envelope(scope, MINUTE)?, mail])
        })
        .await
        .unwrap();
    for job in jobs {
        assert_eq!(
            started("tenant", Some(job.as_str()), Some(KEY)),
            "WrongAudience"
        );
    }
    // Nobody can name the children's audience.
    for name in ["child process", "child", "childprocess"] {
        let named = tenancy.audience(name);
        let Ok(named) = named else {
            continue;
        };
        let job = tenancy
            .run("acme", async |scope: &TenantScope| {
                named.envelope(scope, MINUTE)
            })
            .await
            .unwrap();
        assert_eq!(
            started("tenant", Some(job.as_str()), Some(KEY)),
            "WrongAudience"
        );
    }
}

#[tokio::test]
async fn a_tenant_that_was_suspended_since_is_refused() {
    let beta = MemoryStore::new([tenant("beta"), tenant("gone")]);
    let tenancy = Tenancy::builder(beta)
        .without_requests()
        .envelope_keys(EnvelopeKeys::new(KEY.parse().unwrap()))
        .build();
    for (id, refusal) in [
        ("beta", Refusal::NotActive(TenantStatus::Suspended)),
        ("gone", Refusal::Unknown),
    ] {
        let scope = tenancy
            .run(id, async |scope: &TenantScope| {
                tenancy.child_process().envelope(scope, MINUTE)
            })
            .await
            .unwrap();
        assert_eq!(
            started("tenant", Some(scope.as_str()), Some(KEY)),
            format!("{refusal:?}")
        );
    }
}

/// As documented: an environment is inherited. It ends with its expiry, or where it is taken out.
#[tokio::test]
async fn a_grandchild_inherits_the_scope_unless_it_is_taken_out() {
    let scope = sealed(&parent(KEY)).await;
    let scope = Some(scope.as_str());
    assert_eq!(started("grandparent", scope, Some(KEY)), "acme");
    assert_eq!(started("careful", scope, Some(KEY)), "NotInEnvironment");
}
