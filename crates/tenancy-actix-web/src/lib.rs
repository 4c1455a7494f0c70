//! [`tenancy`](https://docs.rs/tenancy) for Actix Web 4: a middleware that opens the tenant's scope
//! around a handler and its response body, and extractors that need it.
//!
//! # How long a scope lasts
//! From the moment the request is admitted until its response body has ended or is dropped, and no
//! longer: handler error, panic, and a client that goes away close it too. Handler and body run
//! with it as the ambient scope, on the worker's own thread; they need not be `Send`. Handles on it
//! are tickets; kept beyond the end, in a spawned task or a static, they refuse every checkout with
//! [`ScopeEnded`](tenancy_core::Error::ScopeEnded). `actix_web::rt::spawn` and `web::block` lose
//! the ambient scope, and so fail closed. **An upgraded connection** (a WebSocket) is sent as its
//! response's body, and so keeps its scope as long as it lasts; where what it does is spawned, let
//! it open scopes of its own, with [`Tenancy::run`](tenancy_core::Tenancy::run), for each message.
//!
//! Actix Web notices that a client has gone when it next writes to it: a handler that waits is
//! still run to its end, in its scope.
//!
//! # A transaction per request
//! [`TenancyLayer::transaction_per_request`] gives each request of a tenant's one: an adapter's pool
//! begins it at the first use, and the answer's status ends it.
//!
//! # The order of middleware
//! Actix Web runs the middleware that was wrapped last first. Authentication goes outside
//! [`TenancyLayer`], since the membership check needs to know who asks; it hands its findings over
//! as the request extensions [`VerifiedClaims`] and [`Principal`]. Wrapped the other way round,
//! there is no principal yet, and so nobody is a member.
//! Or the layer authenticates itself, with [`TenancyLayer::authenticate`].
//!
//! # From service to service
//! [`NextService::header`] hands the ambient scope over to another service, which opens it with
//! [`TenancyLayer::from_envelopes`].
//!
//! Path resolvers see the path as it was sent, also inside `web::scope`, unless a middleware
//! outside changed it: `NormalizePath` does.
//!
//! # Tenant, central or open
//! [`Routes`] asks of every resource which of the three it is. Actix Web can't list the routes of
//! an application, so one that was added past [`Routes`] is not found at start-up: it has no scope,
//! and a handler on it that asks for one answers 500.

mod body;
mod extract;
mod head;
mod layer;
mod refusal;
mod routes;
mod service;

pub use body::ScopedBody;
pub use extract::{CentralScope, MissingLayer, NoConnection, Scoped, Tenant, TenantScope};
pub use layer::TenancyLayer;
pub use routes::Routes;
pub use service::TenancyService;
pub use tenancy_http::{
    Authenticate, Authenticated, Central, Headers, NextService, NextServiceError, NotSent,
    Principal, Refused, RetryAfter, SCOPE_HEADER, VerifiedClaims,
};
#[cfg(feature = "jwt")]
pub use tenancy_http::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
