//! The same work for many tenants, each in its own scope.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenancy_core::{
    Context, Error, MemoryStore, Refusal, Tenancy, TenantScope, TenantStatus, Visit,
};
use tokio::sync::Barrier;

use crate::support::{id, tenant};

fn named(ids: &[&str]) -> (Tenancy, MemoryStore) {
    let store = MemoryStore::new(ids.iter().map(|id| tenant(id)));
    let tenancy = Tenancy::builder(store.clone()).without_requests().build();
    (tenancy, store)
}

/// The work has the ambient scope of its tenant, and no other's, at every await.
#[tokio::test]
async fn each_is_in_its_own_scope() {
    let ids: Vec<_> = (0..50).map(|n| format!("t{n}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let (tenancy, _) = named(&ids);
    let all = Arc::new(Barrier::new(10));
    let report = tenancy
        .round(ids.iter().map(|tenant| id(tenant)))
        .at_once(10)
        .run({
            let all = Arc::clone(&all);
            async move |scope: &TenantScope| -> Result<String, Error> {
                // Ten are under way, or this never ends.
                all.wait().await;
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                    scope.ensure_usable()?;
                    assert_eq!(TenantScope::current()?.tenant_id(), scope.tenant_id());
                }
                Ok(scope.tenant_id().to_string())
            }
        })
        .await
        .unwrap();
    assert!(report.is_whole());
    assert_eq!(report.done(), 50);
    let outcomes = report.into_outcomes();
    for ((tenant, outcome), given) in outcomes.iter().zip(&ids) {
        assert_eq!(tenant.as_str(), *given, "the order is kept");
        assert!(matches!(outcome, Visit::Done(own) if own == given));
    }
    assert!(matches!(Context::current(), Context::None));
}

#[tokio::test]
async fn no_more_than_said_are_under_way() {
    let ids = ["a", "b", "c", "d", "e", "f", "g"];
    let (tenancy, _) = named(&ids);
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for (limit, expected) in [(0, 1), (1, 1), (3, 3), (100, 7)] {
        most.store(0, Ordering::SeqCst);
        let report = tenancy
            .round(ids.map(id))
            .at_once(limit)
            .run(async |_: &TenantScope| -> Result<(), Error> {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(report.done(), 7);
        assert_eq!(most.load(Ordering::SeqCst), expected);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
struct No;

/// Its own error type needs to know nothing of scopes.
#[tokio::test(start_paused = true)]
async fn everyone_has_an_outcome_and_stops_nobody_else() {
    let ids = ["done", "fails", "panics", "hangs", "suspended", "last"];
    let (tenancy, store) = named(&ids);
    store
        .set_status(&id("suspended"), TenantStatus::Suspended)
        .unwrap();
    let given = ids.iter().chain(["unknown", "done"].iter());
    let visits = Mutex::new(Vec::new());
    let report = tenancy
        .round(given.map(|tenant| id(tenant)))
        .time_limit(Duration::from_secs(5))
        .run(async |scope: &TenantScope| -> Result<u8, No> {
            let own = scope.tenant_id().to_string();
            visits.lock().unwrap().push(own.clone());
            match own.as_str() {
                "fails" => Err(No),
                "panics" => panic!("on purpose"),
                "hangs" => std::future::pending().await,
                _ => Ok(1),
            }
        })
        .await
        .unwrap();
    assert_eq!(
        report.outcomes().len(),
        7,
        "who is given twice is visited once"
    );
    let visited: BTreeSet<_> = visits.into_inner().unwrap().into_iter().collect();
    assert_eq!(
        visited,
        BTreeSet::from(["done", "fails", "hangs", "last", "panics"].map(str::to_owned))
    );
    for (tenant, outcome) in report.outcomes() {
        let right = match tenant.as_str() {
            "done" | "last" => matches!(outcome, Visit::Done(1)),
            "fails" => matches!(outcome, Visit::Failed(No)),
            "panics" => matches!(outcome, Visit::Panicked),
            "hangs" => matches!(outcome, Visit::TimedOut),
            "suspended" => matches!(
                outcome,
                Visit::Refused(Error::Refused(Refusal::NotActive(TenantStatus::Suspended)))
            ),
            _ => matches!(outcome, Visit::Refused(Error::Refused(Refusal::Unknown))),
        };
        assert!(right, "{tenant}: {outcome:?}");
    }
    assert_eq!(
        (report.done(), report.failed(), report.refused()),
        (2, 3, 2)
    );
    assert!(!report.is_whole());
    let line = report.to_string();
    assert!(
        line.starts_with("2 done, 3 failed, 2 refused, 0 not tried, in "),
        "{line}"
    );
    // What was dropped at its limit has ended its scope.
    tenancy.settled().await;
    let again = crate::support::visit(&tenancy, "hangs").await;
    assert!(again.is_ok());
}

#[tokio::test]
async fn it_stops_after_so_many_failures() {
    let ids = ["a", "b", "c", "d", "e"];
    let (tenancy, store) = named(&ids);
    // Who is not to be served is no failure.
    store.set_status(&id("a"), TenantStatus::Suspended).unwrap();
    let report = tenancy
        .round(ids.map(id))
        .at_once(1)
        .stop_after(2)
        .run(async |_: &TenantScope| -> Result<(), No> { Err(No) })
        .await
        .unwrap();
    assert_eq!(
        (report.refused(), report.failed(), report.not_tried()),
        (1, 2, 2)
    );
    assert!(!report.is_whole());
}

/// A handler can't make work for everybody out of one tenant's scope.
#[tokio::test]
async fn inside_a_tenants_scope_nobody_is_visited() {
    let (tenancy, _) = named(&["a", "b"]);
    let visited = AtomicUsize::new(0);
    let refused = tenancy
        .run("a", async |_: &TenantScope| -> Result<bool, Error> {
            let round = tenancy.round([id("a"), id("b")]);
            let round = round.run(async |_: &TenantScope| -> Result<(), Error> {
                visited.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
            Ok(matches!(round.await, Err(Error::NestedTenant)))
        })
        .await
        .unwrap();
    assert!(refused);
    assert_eq!(visited.into_inner(), 0);
}

/// Dropped at any await, it leaves no scope open.
#[tokio::test]
async fn dropping_it_drops_all_work() {
    let ids = ["a", "b", "c"];
    let (tenancy, _) = named(&ids);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let begun = Arc::new(Barrier::new(4));
    let round = {
        let (tenancy, kept, begun) = (tenancy.clone(), Arc::clone(&kept), Arc::clone(&begun));
        async move {
            let work = async move |_: &TenantScope| -> Result<(), Error> {
                kept.lock().unwrap().push(TenantScope::current()?);
                begun.wait().await;
                std::future::pending().await
            };
            tenancy.round(ids.map(id)).run(work).await
        }
    };
    let task = tokio::spawn(round);
    begun.wait().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    tenancy.settled().await;
    let kept = kept.lock().unwrap();
    assert_eq!(kept.len(), 3);
    for scope in &*kept {
        assert!(scope.ensure_usable().is_err());
    }
}

/// What a queue goes by.
#[tokio::test]
async fn refused_and_failed_are_told_apart() {
    use tenancy_core::{EnvelopeKey, EnvelopeKeys, ScopeEnvelope, Undone};
    let store = MemoryStore::new([tenant("acme")]);
    let keys = EnvelopeKeys::new(EnvelopeKey::random("k1").unwrap());
    let tenancy = Tenancy::builder(store.clone())
        .without_requests()
        .envelope_keys(keys)
        .build();
    let envelope = tenancy
        .run(
            "acme",
            async |scope: &TenantScope| -> Result<ScopeEnvelope, Error> {
                tenancy
                    .audience("mail")?
                    .envelope(scope, Duration::from_mins(1))
            },
        )
        .await
        .unwrap();
    let work_off = async |queue: &str| {
        let audience = tenancy.audience(queue).unwrap();
        let fails = async |_: &TenantScope| -> Result<(), No> { Err(No) };
        audience.work_off(&envelope, fails).await.unwrap_err()
    };
    assert!(matches!(work_off("mail").await, Undone::Work(No)));
    let strange = work_off("other").await;
    assert!(matches!(strange, Undone::Scope(Error::Envelope(_))));
    assert!(!strange.is_passing());
    store
        .set_status(&id("acme"), TenantStatus::Suspended)
        .unwrap();
    let refused = work_off("mail").await;
    assert!(matches!(refused, Undone::Scope(Error::Refused(_))));
}
