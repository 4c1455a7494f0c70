//! A scope on its way through a queue, a cron table, a child process's environment or a request to
//! another service.
//!
//! A [`ScopeEnvelope`] says whose work this is, and no more: it is signed, it expires, and the
//! tenant is looked up again, status and all, when it is opened.

mod child;
mod error;
mod keys;
mod payload;
mod scope_envelope;
mod seal;
mod service;
mod verbs;

pub use error::EnvelopeError;
pub use keys::{EnvelopeKey, EnvelopeKeys};
pub use scope_envelope::ScopeEnvelope;
pub use verbs::Audience;
