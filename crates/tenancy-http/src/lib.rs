//! What the integrations of [`tenancy`](https://docs.rs/tenancy) share: how a request's head is
//! read, how a scope is opened for it, how long it lasts, and what a refused client is told.
//!
//! Applications don't name this crate: each integration re-exports what its users need. It knows
//! no framework, so whoever writes another integration finds the whole contract here:
//!
//! 1. ask the layer's [`Authentication`], where it has one, and show the request's head as a
//!    [`Head`], with the [`Principal`] and [`VerifiedClaims`] that this, or the application's
//!    authentication, found;
//! 2. [`Access::open`] the scope, or answer with the [`Refused`] that comes instead, as
//!    [`Refused::response`] says;
//! 3. give the request a [`Ticket`] for its extractors, and run the handler in [`Opened::around`];
//! 4. where the layer gives a request a transaction, open [`with`](Opened::with_transaction) it, and
//!    say when the request is [`answered`](Opened::answered), before the answer goes out;
//! 5. keep the scope with the response's body, as a [`Kept`] or a [`ScopedBody`].

mod access;
mod answered;
mod authenticate;
mod body;
mod central;
mod claims;
mod handed_over;
mod head;
#[cfg(feature = "jwt")]
mod jwt;
mod kept;
mod next_service;
mod opened;
mod principal;
mod refused;
mod retry_after;
mod ticket;

pub use access::Access;
pub use answered::Answered;
pub use authenticate::{Authenticate, Authenticated, Authentication};
pub use body::ScopedBody;
pub use central::Central;
pub use claims::VerifiedClaims;
pub use handed_over::{HandedOver, SCOPE_HEADER};
pub use head::{Head, Headers};
#[cfg(feature = "jwt")]
pub use jwt::{Jwt, JwtAlgorithm, JwtError, JwtKeys, JwtKeysError, VerifiedToken};
pub use kept::Kept;
pub use next_service::{NextService, NextServiceError, NotSent};
pub use opened::Opened;
pub use principal::Principal;
pub use refused::Refused;
pub use retry_after::RetryAfter;
pub use ticket::Ticket;
