//! Where a request's guards find its ticket, and who asks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rocket::Request;
use tenancy_http::{Principal, Ticket};

/// Lies in the request's cache. It can be emptied, which the cache itself can't: a request that is
/// forwarded comes to another route, with a scope of its own, and with an authentication of its own.
#[derive(Default)]
pub(crate) struct Slot(Mutex<Held>);

#[derive(Default)]
struct Held {
    ticket: Option<Ticket>,
    principal: Option<Principal>,
}

impl Slot {
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    pub(crate) fn ticket(&self) -> Option<Ticket> {
        self.lock().ticket.clone()
    }

    /// Who asks, as the layer itself found out.
    pub(crate) fn principal(&self) -> Option<Principal> {
        self.lock().principal.clone()
    }

    pub(crate) fn put(&self, ticket: Ticket, principal: Option<Principal>) {
        let ticket = Some(ticket);
        *self.lock() = Held { ticket, principal };
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Held::default();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
