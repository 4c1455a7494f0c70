//! [`tenancy`](https://docs.rs/tenancy) for Rocket 0.5: routes that open the tenant's scope around
//! a handler and its response body, and request guards that need it.
//!
//! Rocket has no middleware around handlers: a fairing sees the request before and the response
//! after, and a guard only before. So [`Routes`] is a fairing that mounts routes whose handlers it
//! has wrapped: guards, data guards, the handler and its responder all run inside the scope.
//!
//! # How long a scope lasts
//! From the moment the request is admitted until its response body has ended or is dropped, and no
//! longer: handler error, forward, panic, and a client that goes away close it too. Handler and
//! body run with it as the ambient scope. Handles on it are tickets; kept beyond the end, in a
//! spawned task or a static, they refuse every checkout with
//! [`ScopeEnded`](tenancy_core::Error::ScopeEnded). Catchers run after it, without a scope. **An
//! upgraded connection** (a WebSocket) outlives its response: its ticket has ended when the upgrade
//! is done. Let it open scopes of its own, with [`Tenancy::run`](tenancy_core::Tenancy::run), for
//! each message or batch.
//!
//! Rocket notices that a client has gone when it next writes to it: a handler that waits is still
//! run to its end, in its scope.
//!
//! # A transaction per request
//! [`TenancyLayer::transaction_per_request`] gives each request of a tenant's one: an adapter's pool
//! begins it at the first use, and the answer's status ends it.
//!
//! # The order of authentication
//! Authentication comes before the membership check, which needs to know who asks: a fairing's
//! `on_request` does it, and hands its findings over with [`Identify`]. A request guard comes too
//! late: what it says is not heard any more, and so nobody is a member. Or the layer authenticates itself, with
//! [`TenancyLayer::authenticate`].
//!
//! # From service to service
//! [`NextService::header`] hands the ambient scope over to another service, which opens it with
//! [`TenancyLayer::from_envelopes`].
//!
//! # Tenant, central or open
//! [`Routes`] asks of every route which of the three it is. A route that was mounted past it stops
//! the launch, and so do a guard of this crate without [`Routes`], and a [`Scoped`] without its
//! pool in the managed state.
//!
//! # What Rocket does not tell
//! - A header's value that is not UTF-8 is dropped before anybody sees it, so an identifier in it
//!   is missing, not malformed, and one that stands beside it is the only one.
//! - The authority of a request line in absolute form is not kept: the `Host` header stands alone.

mod body;
mod extract;
mod handler;
mod head;
mod identify;
mod layer;
mod refusal;
mod routes;
mod slot;

pub use extract::{CentralScope, MissingLayer, NoConnection, Scoped, Tenant, TenantScope};
pub use identify::Identify;
pub use layer::TenancyLayer;
pub use routes::Routes;
pub use tenancy_http::{
    Authenticate, Authenticated, Central, Headers, NextService, NextServiceError, NotSent,
    Principal, Refused, RetryAfter, SCOPE_HEADER, VerifiedClaims,
};
#[cfg(feature = "jwt")]
pub use tenancy_http::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
