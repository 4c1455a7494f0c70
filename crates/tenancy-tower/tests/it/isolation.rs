//! Many requests at once, each in its own scope.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use tenancy_core::{Ending, Error, TenantScope as CoreScope};
use tenancy_tower::{Tenant, TenantScope};
use tokio::task::{JoinSet, yield_now};

use crate::support::{request, scoped_app, send, text};

/// The ambient tenant, which must be the explicit scope's too.
fn seen(scope: &CoreScope) -> Result<String, Error> {
    scope.ensure_usable()?;
    let ambient = CoreScope::current()?;
    assert!(ambient.is_same_scope(scope));
    Ok(ambient.tenant_id().to_string())
}

async fn interleaved(tenant: Tenant, scope: TenantScope) -> Body {
    let scope = scope.into_inner();
    for _ in 0..5 {
        assert_eq!(seen(&scope).unwrap(), tenant.id().as_str());
        yield_now().await;
    }
    Body::from_stream(stream::iter(0..3).then(move |_| {
        let scope = scope.ticket();
        async move {
            yield_now().await;
            seen(&scope).map(|id| Bytes::from(format!("{id};")))
        }
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_interleaved_requests_of_fifty_tenants_never_mix() {
    let (app, ends) = scoped_app(Router::new().route("/", get(interleaved)));
    let mut requests = JoinSet::new();
    for number in 0..2_000 {
        let app = app.clone();
        requests.spawn(async move {
            let tenant = format!("t{}", number % 50);
            let response = send(&app, request(&tenant, "/")).await;
            assert_eq!(text(response).await, format!("{tenant};").repeat(3));
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
    let ended = ends.all();
    assert_eq!(ended.len(), 2_000);
    assert!(ended.iter().all(|(_, ending)| *ending == Ending::Completed));
    for number in 0..50 {
        assert_eq!(ends.of(&format!("t{number}")).len(), 40);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_dropped_at_any_await_leave_no_scope_behind() {
    let (app, ends) = scoped_app(Router::new().route("/", get(interleaved)));
    let mut requests = JoinSet::new();
    for number in 0..2_000 {
        let app = app.clone();
        requests.spawn(async move {
            let tenant = format!("t{}", number % 50);
            let mut whole = Box::pin(async { text(send(&app, request(&tenant, "/")).await).await });
            // Some end before they are dropped, and must be right then.
            for _ in 0..number % 16 {
                if let Some(answer) = whole.as_mut().now_or_never() {
                    assert_eq!(answer, format!("{tenant};").repeat(3));
                    break;
                }
                yield_now().await;
            }
            drop(whole);
            assert!(CoreScope::current().is_err());
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
    let ended = ends.all();
    assert_eq!(ended.len(), ends.begun());
    assert!(ended.iter().any(|(_, ending)| *ending == Ending::Dropped));
    assert!(ended.iter().any(|(_, ending)| *ending == Ending::Completed));
}
