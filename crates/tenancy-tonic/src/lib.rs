//! [`tenancy`](https://docs.rs/tenancy) for tonic 0.14: a layer that opens the tenant's scope
//! around a call, its handler and its streams, and handlers' way to that scope.
//!
//! Unary calls and streams in either or both directions are served alike. Resolvers read a call's
//! metadata and its `:authority`, as they read headers and the host of other requests; give
//! [`Header`](tenancy_core::Header) a key of ASCII metadata, not one that ends in `-bin`.
//!
//! # How long a scope lasts
//! From the moment the call is admitted until its response's last message and trailers are sent, or
//! the response is dropped, and no longer: a status of the handler or of a stream, panic, timeout,
//! and a client that cancels or goes away close it too. Handler and response stream run with it as
//! the ambient scope, so also what they read of the request's stream. Handles on it are tickets;
//! kept beyond the end, in a spawned task or a static, they refuse every checkout with
//! [`ScopeEnded`](tenancy_core::Error::ScopeEnded). **A task that feeds the response stream** is
//! such a task: spawn it with
//! [`in_current_scope`](tenancy_core::InCurrentScope::in_current_scope), or it has no scope at all.
//!
//! tonic's own timeouts (`grpc-timeout`, `Server::timeout`) end a handler, and with it its scope;
//! they don't end a response stream that has begun. A client that vanishes without closing its
//! connection is noticed with `Server::http2_keepalive_interval` alone. And tonic shows a handler
//! the same end of a request's stream where the client has sent all, and where it cancels.
//!
//! # What a refused client is told
//! A status and no message, the same in every call of a kind: `INVALID_ARGUMENT` where a call does
//! not name one tenant, `NOT_FOUND` where the tenant is unknown, suspended or not the caller's,
//! `UNAVAILABLE` where the store or the membership check failed, or the tenant is in maintenance,
//! `INTERNAL` where the application is put together wrongly, or a call's transaction could not be
//! committed.
//!
//! A call is always a `POST`, which may write: while a tenant is read-only, its members' calls are
//! answered with `UNAVAILABLE`.
//!
//! # A transaction per request
//! [`TenancyLayer::transaction_per_request`] gives each call of a tenant's one: an adapter's pool
//! begins it at the first use, and the call's status ends it.
//!
//! # The order of layers
//! Authentication goes outside [`TenancyLayer`], since the membership check needs to know who
//! asks: an `InterceptorLayer` on the server, which hands its findings over as the request
//! extensions [`VerifiedClaims`] and [`Principal`]. A service's own interceptor
//! (`NotesServer::with_interceptor`) runs inside the layer, in the scope: what it finds comes too
//! late, and so nobody is a member. Or the layer authenticates itself, with
//! [`TenancyLayer::authenticate`].
//!
//! # From service to service
//! [`CarryScopeLayer`], around a client's channel, hands the ambient scope over to one
//! [`NextService`], which opens it with [`TenancyLayer::from_envelopes`].
//!
//! # Tenant, central or open
//! [`Routes`] asks of every service which of the three it is. tonic can't list the services of its
//! own `Routes`, so one that was added past ours is not found at start-up: it has no scope, and a
//! handler of it that asks for one answers `INTERNAL`. Access belongs to a service and not to a
//! single method, so what only administrators may call is a service of its own.

mod layer;
mod refusal;
mod request;
mod routes;
mod service;

pub use layer::TenancyLayer;
pub use refusal::status;
pub use request::{MissingLayer, NoConnection, TenancyRequest};
pub use routes::Routes;
pub use service::TenancyService;
pub use tenancy_http::{
    Authenticate, Authenticated, Central, Headers, NextService, NextServiceError, NotSent,
    Principal, Refused, RetryAfter, SCOPE_HEADER, ScopedBody, VerifiedClaims,
};
#[cfg(feature = "jwt")]
pub use tenancy_http::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
pub use tenancy_tower::{CarryScope, CarryScopeFuture, CarryScopeLayer};
