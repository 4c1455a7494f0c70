//! Bootstrappers around a request: initialized before the handler, reverted behind the body.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::stream;
use http::StatusCode;
use tenancy_core::{Bootstrapper, BoxError, Header, Tenancy, TenantScope};
use tenancy_tower::{Refused, TenancyLayer};

use crate::support::{Members, app, request, send, status_and_text, store, text};

/// How many leases are held. `globex` gets none.
#[derive(Clone, Default)]
struct Leases(Arc<AtomicUsize>);

impl Leases {
    fn held(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Bootstrapper for Leases {
    type State = ();

    fn name(&self) -> &'static str {
        "leases"
    }

    async fn initialize(&self, scope: &TenantScope) -> Result<(), BoxError> {
        if scope.tenant_id().as_str() == "globex" {
            return Err("the lease server at 10.0.0.7 is down".into());
        }
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn revert(&self, scope: &TenantScope, (): ()) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        scope.ensure_usable()?;
        self.0.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

fn leased(leases: &Leases) -> (Router, Tenancy) {
    let tenancy = Tenancy::builder(store())
        .resolve(Header::named("x-tenant-id"))
        .authorize(Members)
        .bootstrap(leases.clone())
        .build();
    let held = leases.clone();
    let handler = async move || {
        assert_eq!(held.held(), 1);
        let frames = ["one", "two"].map(Ok::<_, std::convert::Infallible>);
        Body::from_stream(stream::iter(frames))
    };
    let routes = Router::new().route("/", get(handler));
    (app(routes, TenancyLayer::new(tenancy.clone())), tenancy)
}

#[tokio::test]
async fn what_was_initialized_is_reverted_behind_the_body() {
    let leases = Leases::default();
    let (app, tenancy) = leased(&leases);
    let response = send(&app, request("acme", "/")).await;
    tenancy.settled().await;
    assert_eq!(leases.held(), 1, "the body is not sent yet");
    assert_eq!(text(response).await, "onetwo");
    tenancy.settled().await;
    assert_eq!(leases.held(), 0);
}

#[tokio::test]
async fn what_was_initialized_is_reverted_when_the_client_goes_away() {
    let leases = Leases::default();
    let (app, tenancy) = leased(&leases);
    drop(send(&app, request("acme", "/")).await);
    tenancy.settled().await;
    assert_eq!(leases.held(), 0);
}

#[tokio::test]
async fn a_bootstrapper_that_fails_is_unavailable_without_a_detail() {
    let leases = Leases::default();
    let (app, _) = leased(&leases);
    let answer = status_and_text(&app, request("globex", "/")).await;
    assert_eq!(
        answer,
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Refused::TryLater.message().to_owned()
        )
    );
    assert_eq!(leases.held(), 0);
}
