//! Loco applications without a command line.

use std::marker::PhantomData;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::Response;
use loco_rs::app::{AppContext, Hooks, Initializer as _};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, StartMode};
use loco_rs::config::Config;
use loco_rs::controller::AppRoutes;
use loco_rs::environment::Environment;
use loco_rs::task::Tasks;
use loco_rs::{Error, Result};
use tenancy_core::{
    BoxError, Header, MemoryStore, RequestView, Tenancy, Tenant, TenantId, TenantStatus,
};
use tenancy_loco::TenancyInitializer;

/// The routes of an application, of which the tests need no more.
pub(crate) trait App: Send + Sync + 'static {
    fn routes() -> AppRoutes;
}

pub(crate) struct Hooked<A>(PhantomData<A>);

#[async_trait]
impl<A: App> Hooks for Hooked<A> {
    fn app_name() -> &'static str {
        "test"
    }

    fn routes(_: &AppContext) -> AppRoutes {
        A::routes()
    }

    async fn boot(_: StartMode, _: &Environment, _: Config) -> Result<BootResult> {
        Err(Error::string("nothing is booted here"))
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}
}

/// A context with a `Tenancy` of two tenants, whose members everybody is, and one that is suspended.
pub(crate) fn context() -> AppContext {
    let context = empty_context();
    let store = MemoryStore::new(
        ["acme", "globex", "suspended"].map(|id| Tenant::new(TenantId::new(id).unwrap())),
    );
    let suspended = TenantId::new("suspended").unwrap();
    store
        .set_status(&suspended, TenantStatus::Suspended)
        .unwrap();
    let tenancy = Tenancy::builder(store)
        .resolve(Header::named("x-tenant-id"))
        .authorize(|_: &TenantId, _: &dyn RequestView| async { Ok::<_, BoxError>(true) })
        .build();
    context.shared_store.insert(tenancy);
    context
}

pub(crate) fn empty_context() -> AppContext {
    let config = serde_json::json!({
        "logger": { "enable": false, "level": "off", "format": "compact" },
        "server": { "port": 0, "host": "http://localhost" },
    });
    let config: Config = serde_json::from_value(config).unwrap();
    AppContext::builder(Environment::Test, config).build()
}

/// The router as Loco makes it.
pub(crate) async fn routed<A: App>(context: &AppContext) -> Router {
    let before = Hooked::<A>::before_routes(context).await.unwrap();
    A::routes()
        .to_router::<Hooked<A>>(context.clone(), before)
        .unwrap()
}

/// What Loco does with an initializer when the application starts.
pub(crate) async fn started<A: App>(
    context: &AppContext,
    initializer: TenancyInitializer<Hooked<A>>,
) -> Result<Router> {
    let router = routed::<A>(context).await;
    initializer.before_run(context).await?;
    initializer.after_routes(router, context).await
}

/// A request that names this tenant; `""` names none.
pub(crate) fn asked(path: &str, tenant: &str) -> Request<Body> {
    let mut request = Request::get(path);
    if !tenant.is_empty() {
        request = request.header("x-tenant-id", tenant);
    }
    request.body(Body::empty()).unwrap()
}

pub(crate) async fn text(answer: Response) -> String {
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}
