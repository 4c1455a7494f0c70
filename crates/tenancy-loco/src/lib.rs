//! [`tenancy`](https://docs.rs/tenancy) for Loco 1: an initializer that opens the tenant's scope
//! around the routes of an application.
//!
//! A Loco application is an axum application, so its handlers have `tenancy-tower`'s extractors
//! ([`TenantScope`], [`Tenant`], [`CentralScope`]), its contract and its endings: the scope lasts as
//! long as the response body. What Loco adds is where the layer goes, and that the routes are known
//! when it starts.
//!
//! ```
//! use std::sync::Arc;
//! use async_trait::async_trait;
//! use loco_rs::prelude::*;
//! use loco_rs::app::{AppContext, Hooks, Initializer};
//! # use loco_rs::bgworker::Queue;
//! # use loco_rs::boot::{BootResult, StartMode, create_app};
//! # use loco_rs::config::Config;
//! # use loco_rs::controller::AppRoutes;
//! # use loco_rs::environment::Environment;
//! # use loco_rs::task::Tasks;
//! use tenancy_core::{BoxError, RequestView, Subdomain, Tenancy, TenantId};
//! use tenancy_loco::{TenancyInitializer, TenancyLayer, TenantScope};
//! # use tenancy_core::MemoryStore;
//!
//! async fn list(scope: TenantScope, State(_ctx): State<AppContext>) -> Result<Response> {
//!     format::text(scope.tenant_id().as_str())
//! }
//!
//! struct App;
//!
//! #[async_trait]
//! impl Hooks for App {
//!     fn routes(_: &AppContext) -> AppRoutes {
//!         AppRoutes::with_default_routes().add_route(Routes::new().prefix("/notes").add("/", get(list)))
//!     }
//!
//!     // One `Tenancy` for the whole process: tasks, workers and the scheduler find it here, too.
//!     async fn after_context(ctx: AppContext) -> Result<AppContext> {
//! #       let store = MemoryStore::default();
//!         let tenancy = Tenancy::builder(store)
//!             .resolve(Subdomain::of("example.com"))
//!             .authorize(|_: &TenantId, _: &dyn RequestView| async { Ok::<_, BoxError>(false) })
//!             .build();
//!         ctx.shared_store.insert(tenancy);
//!         Ok(ctx)
//!     }
//!
//!     async fn initializers(ctx: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
//!         let tenancy = tenancy_loco::tenancy(ctx)?;
//!         Ok(vec![Box::new(
//!             TenancyInitializer::<Self>::new(TenancyLayer::new(tenancy))
//!                 .tenant("/notes")
//!                 .open_monitoring(), // /_ping, /_health, /_readiness
//!         )])
//!     }
//!     // ..
//! #   fn app_name() -> &'static str { "notes" }
//! #   async fn boot(mode: StartMode, environment: &Environment, config: Config) -> Result<BootResult> {
//! #       create_app::<Self>(mode, environment, config).await
//! #   }
//! #   async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> { Ok(()) }
//! #   fn register_tasks(_: &mut Tasks) {}
//! }
//! ```
//!
//! The core's own scope is no extractor, for it could be kept:
//! ```compile_fail
//! use axum::routing::get;
//! use loco_rs::controller::Routes;
//!
//! async fn list(scope: tenancy_core::TenantScope) -> String {
//!     scope.tenant_id().to_string()
//! }
//!
//! let routes = Routes::new().add("/notes", get(list));
//! ```
//!
//! # Tenant, central or open
//! The initializer looks at all of [`Hooks::routes`](loco_rs::app::Hooks::routes) when the
//! application starts, and a route that nothing was said of [ends the start](Undeclared), as it
//! fails `cargo loco doctor`. What other initializers or `Hooks::after_routes` add to the router is
//! not among them: it has no scope, and a handler of it that asks for one answers 500.
//!
//! # The order of layers
//! An initializer's layer is outside all of Loco's own middlewares and around those of initializers
//! before it. So authentication is either the layer's own ([`TenancyLayer::authenticate`], with
//! `Jwt` under the feature `jwt`), or an initializer **behind** this one in the list, which hands
//! its findings over as [`Principal`]. One that is before it comes too late, and nobody is a member.
//!
//! # A transaction per request
//! [`TenancyLayer::transaction_per_request`] gives each request of a tenant's one: an adapter's pool
//! begins it at the first use, and the answer's status ends it.
//!
//! # Work without a request
//! A task, a scheduled job or a worker takes [`tenancy`](fn@tenancy) out of its context and calls
//! [`Tenancy::run`](tenancy_core::Tenancy::run). A worker's arguments carry the scope of the request
//! that queued them as a [`ScopeEnvelope`](tenancy_core::ScopeEnvelope), and
//! [`Audience::work_off`](tenancy_core::Audience::work_off) opens it.

mod access;
mod context;
mod doors;
mod initializer;

pub use access::Undeclared;
pub use context::{NoTenancy, tenancy};
pub use initializer::TenancyInitializer;
pub use tenancy_tower::{
    Authenticate, Authenticated, Central, CentralScope, Headers, MissingLayer, NextService,
    NextServiceError, NotSent, Principal, Refused, RetryAfter, SCOPE_HEADER, ScopedBody,
    TenancyLayer, Tenant, TenantScope, VerifiedClaims,
};
#[cfg(feature = "jwt")]
pub use tenancy_tower::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
