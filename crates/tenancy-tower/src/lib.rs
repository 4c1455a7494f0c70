//! [`tenancy`](https://docs.rs/tenancy) for tower and axum: a layer that opens the tenant's scope
//! around a handler and its response body, and extractors that need it.
//!
//! [`TenancyLayer`] works with every tower service over [`http::Request`]; the extractors
//! `TenantScope`, `Tenant` and `Scoped` come with the feature `axum`.
//!
//! # How long a scope lasts
//! From the moment the request is admitted until its response body has ended or is dropped, and no
//! longer: handler error, panic, and a client that goes away close it too. Handler and body run
//! with it as the ambient scope. Handles on it are tickets; kept beyond the end, in a spawned task
//! or a static, they refuse every checkout with
//! [`ScopeEnded`](tenancy_core::Error::ScopeEnded). **An upgraded connection** (a WebSocket)
//! outlives its response: its ticket has ended when the upgrade is done. Let it open scopes of its
//! own, with [`Tenancy::run`](tenancy_core::Tenancy::run), for each message or batch.
//!
//! # A transaction per request
//! [`TenancyLayer::transaction_per_request`] gives each request of a tenant's one: an adapter's pool
//! begins it at the first use, and the answer's status ends it.
//!
//! # The order of layers
//! Authentication goes outside [`TenancyLayer`], since the membership check needs to know who
//! asks; it hands its findings over as the request extensions [`VerifiedClaims`] and
//! [`Principal`]. Or the layer does it itself, with [`TenancyLayer::authenticate`].
//!
//! # From service to service
//! [`CarryScopeLayer`], around an HTTP client, hands the ambient scope over to one [`NextService`],
//! which opens it with [`TenancyLayer::from_envelopes`].
//!
//! Path resolvers see the path as it was sent, with the feature `axum` also inside a nested router.
//! Another router that cuts off a prefix belongs inside the layer.
//!
//! # Tenant, central or open
//! With axum, `Routes` asks of every route which of the three it is. axum can't list the routes of
//! a router, so one that was added past `Routes` is not found at start-up: it has no scope, and a
//! handler on it that asks for one answers 500.

mod carry;
#[cfg(feature = "axum")]
mod extract;
mod head;
mod layer;
#[cfg(feature = "limits")]
mod limits;
#[cfg(feature = "axum")]
mod routes;
mod service;

pub use carry::{CarryScope, CarryScopeFuture, CarryScopeLayer};
#[cfg(feature = "axum")]
pub use extract::{
    CentralScope, DatabaseIn, MissingLayer, NoConnection, Scoped, Tenant, TenantScope,
};
pub use layer::TenancyLayer;
#[cfg(feature = "limits")]
pub use limits::{LimitFuture, LimitLayer, LimitService, Limited, LimitedBody, Limits};
#[cfg(feature = "axum")]
pub use routes::Routes;
pub use service::{ResponseFuture, TenancyService};
pub use tenancy_http::{
    Authenticate, Authenticated, Central, Headers, NextService, NextServiceError, NotSent,
    Principal, Refused, RetryAfter, SCOPE_HEADER, ScopedBody, VerifiedClaims,
};
#[cfg(feature = "jwt")]
pub use tenancy_http::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
