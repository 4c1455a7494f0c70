//! Where a request's guards find its ticket.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rocket::Request;
use tenancy_http::Ticket;

/// Lies in the request's cache. It can be emptied, which the cache itself can't: a request that is
/// forwarded comes to another route, with a scope of its own.
#[derive(Default)]
pub(crate) struct Slot(Mutex<Option<Ticket>>);

impl Slot {
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(Self::default)
    }

    pub(crate) fn ticket(&self) -> Option<Ticket> {
        self.lock().clone()
    }

    pub(crate) fn put(&self, ticket: Ticket) {
        *self.lock() = Some(ticket);
    }

    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Ticket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
