//! [`tenancy`](https://docs.rs/tenancy) for Poem 3: a middleware that opens the tenant's scope
//! around a handler and its response body, and extractors that need it.
//!
//! # How long a scope lasts
//! From the moment the request is admitted until its response body has ended or is dropped, and no
//! longer: handler error, panic, and a client that goes away close it too. Handler and body run
//! with it as the ambient scope. Handles on it are tickets; kept beyond the end, in a spawned task
//! or a static, they refuse every checkout with
//! [`ScopeEnded`](tenancy_core::Error::ScopeEnded). A handler's error becomes a response outside
//! the scope, which has ended by then. **An upgraded connection** (a WebSocket) outlives its
//! response: its ticket has ended when the upgrade is done. Let it open scopes of its own, with
//! [`Tenancy::run`](tenancy_core::Tenancy::run), for each message or batch.
//!
//! Over HTTP/1 Poem runs a handler to its end, in its scope, also where its client has gone.
//!
//! # A transaction per request
//! [`TenancyLayer::transaction_per_request`] gives each request of a tenant's one: an adapter's pool
//! begins it at the first use, and the answer's status ends it.
//!
//! # The order of middleware
//! Poem runs what was added last, with `.with(..)`, first. Authentication goes outside
//! [`TenancyLayer`], since the membership check needs to know who asks; it hands its findings over
//! as the request extensions [`VerifiedClaims`] and [`Principal`]. Added the other way round, there
//! is no principal yet, and so nobody is a member.
//! Or the layer authenticates itself, with [`TenancyLayer::authenticate`].
//!
//! # From service to service
//! [`NextService::header`] hands the ambient scope over to another service, which opens it with
//! [`TenancyLayer::from_envelopes`].
//!
//! Path resolvers see the path as it was sent, also inside a nested route.
//!
//! # Tenant, central or open
//! [`Routes`] asks of every route which of the three it is. Poem can't list the routes of a
//! `Route`, so one that was added past [`Routes`] is not found at start-up: it has no scope, and a
//! handler on it that asks for one answers 500.

mod extract;
mod layer;
mod refusal;
mod routes;
mod service;

pub use extract::{CentralScope, MissingLayer, NoConnection, Scoped, Tenant, TenantScope};
pub use layer::TenancyLayer;
pub use routes::Routes;
pub use service::TenancyEndpoint;
pub use tenancy_http::{
    Authenticate, Authenticated, Central, Headers, NextService, NextServiceError, NotSent,
    Principal, Refused, RetryAfter, SCOPE_HEADER, ScopedBody, VerifiedClaims,
};
#[cfg(feature = "jwt")]
pub use tenancy_http::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
