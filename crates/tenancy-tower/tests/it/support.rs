//! The application that most tests run, and who listens to its scopes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http_body_util::BodyExt;
use tenancy_core::{
    BoxError, Claim, Ending, Event, Header, Listener, Membership, MemoryStore, RequestView,
    Tenancy, Tenant, TenantId, TenantStatus, TenantStore,
};
use tenancy_tower::{Principal, TenancyLayer, TenantScope, VerifiedClaims};
use tower::ServiceExt;

use crate::spans::collect_logs;

/// Who is logged in: the tenants that this caller is a member of.
pub(crate) struct User(Vec<String>);

/// The application's authentication: `authorization: acme,globex` stands for a checked session,
/// and `x-claim` for a claim in it.
pub(crate) async fn authenticate(mut request: Request, next: Next) -> Response {
    let text = |request: &Request, name: &str| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    if let Some(members) = text(&request, "authorization") {
        let user = User(members.split(',').map(str::to_owned).collect());
        request.extensions_mut().insert(Principal::new(user));
    }
    if let Some(claim) = text(&request, "x-claim") {
        request
            .extensions_mut()
            .insert(VerifiedClaims::from_iter([("tenant", claim)]));
    }
    next.run(request).await
}

pub(crate) struct Members;

impl Members {
    /// What [`authenticate`] inserts, for services that it isn't around.
    pub(crate) fn principal(tenant: &str) -> Principal {
        Principal::new(User(vec![tenant.to_owned()]))
    }
}

impl Membership for Members {
    async fn is_member(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, BoxError> {
        let user = request
            .principal()
            .and_then(|principal| principal.downcast_ref::<User>());
        Ok(user.is_some_and(|User(tenants)| tenants.iter().any(|own| own == tenant.as_str())))
    }
}

/// Remembers how each scope ended, and counts those that began.
#[derive(Clone, Default)]
pub(crate) struct Ends {
    ends: Arc<Mutex<Vec<(String, Ending)>>>,
    begun: Arc<AtomicUsize>,
}

impl Ends {
    pub(crate) fn all(&self) -> Vec<(String, Ending)> {
        self.ends.lock().unwrap().clone()
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn of(&self, tenant: &str) -> Vec<Ending> {
        self.all()
            .into_iter()
            .filter(|(id, _)| id == tenant)
            .map(|(_, ending)| ending)
            .collect()
    }

    /// Waits until `count` scopes have ended; for ends that come from another task.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<(String, Ending)> {
        for _ in 0..1_000 {
            if self.all().len() >= count {
                return self.all();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{} scopes ended, {count} were expected", self.all().len());
    }
}

impl Listener for Ends {
    fn on_event(&self, tenant: &TenantId, event: &Event<'_>) {
        match event {
            Event::Initializing => {
                self.begun.fetch_add(1, Ordering::SeqCst);
            }
            Event::Ended { ending, .. } => {
                self.ends
                    .lock()
                    .unwrap()
                    .push((tenant.to_string(), *ending));
            }
            _ => {}
        }
    }
}

pub(crate) fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

/// `acme`, `globex`, `private` and `t0` to `t49` are active, `sleepy` is suspended.
pub(crate) fn store() -> MemoryStore {
    collect_logs();
    let active = ["acme", "globex", "private"].map(str::to_owned);
    let numbered = (0..50).map(|number| format!("t{number}"));
    let active = active
        .into_iter()
        .chain(numbered)
        .map(|name| Tenant::new(id(&name)));
    let sleepy = Tenant::new(id("sleepy")).with_status(TenantStatus::Suspended);
    MemoryStore::new(active.chain([sleepy]))
}

pub(crate) fn tenancy_over(store: impl TenantStore) -> (Tenancy, Ends) {
    let ends = Ends::default();
    let tenancy = Tenancy::builder(store)
        .resolve(Header::named("x-tenant-id"))
        .resolve(Claim::named("tenant"))
        .authorize(Members)
        .listen(ends.clone())
        .build();
    (tenancy, ends)
}

pub(crate) fn tenancy() -> (Tenancy, Ends) {
    tenancy_over(store())
}

/// `routes` within the layer, within authentication.
pub(crate) fn app(routes: Router, layer: TenancyLayer) -> Router {
    routes.layer(layer).layer(from_fn(authenticate))
}

pub(crate) fn scoped_app(routes: Router) -> (Router, Ends) {
    let (tenancy, ends) = tenancy();
    (app(routes, TenancyLayer::new(tenancy)), ends)
}

pub(crate) async fn whoami(scope: TenantScope) -> String {
    let ambient = tenancy_core::TenantScope::current().unwrap();
    assert!(scope.is_same_scope(&ambient));
    scope.tenant_id().to_string()
}

pub(crate) fn whoami_routes() -> Router {
    Router::new().route("/whoami", get(whoami))
}

/// A request of a member of `acme`, `globex`, `sleepy` and `t0` to `t49`.
pub(crate) fn request(tenant: &str, path: &str) -> Request {
    collect_logs();
    let members = (0..50).fold("acme,globex,sleepy".to_owned(), |list, n| {
        format!("{list},t{n}")
    });
    Request::get(path)
        .header("host", "example.com")
        .header("x-tenant-id", tenant)
        .header("authorization", members)
        .body(Body::empty())
        .unwrap()
}

pub(crate) async fn send(app: &Router, request: Request) -> Response {
    app.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

pub(crate) async fn status_and_text(app: &Router, request: Request) -> (StatusCode, String) {
    let response = send(app, request).await;
    (response.status(), text(response).await)
}
