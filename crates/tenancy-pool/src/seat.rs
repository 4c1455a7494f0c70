//! Guards: whatever happens to a connection's task, its place in the budget comes back.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::arena::SlotId;
use crate::inner::Inner;
use crate::{Checkout, Manager};

/// A place in the budget, while its connection is in motion. Dropped, the place is free.
pub(crate) struct Permit<M: Manager> {
    inner: Arc<Inner<M>>,
    id: SlotId,
    held: bool,
}

impl<M: Manager> Permit<M> {
    pub(crate) fn new(inner: &Arc<Inner<M>>, id: SlotId) -> Self {
        Self {
            inner: Arc::clone(inner),
            id,
            held: true,
        }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner<M>> {
        &self.inner
    }

    pub(crate) fn id(&self) -> SlotId {
        self.id
    }

    fn into_inner(mut self) -> Arc<Inner<M>> {
        self.held = false;
        Arc::clone(&self.inner)
    }
}

impl<M: Manager> Drop for Permit<M> {
    fn drop(&mut self) {
        if self.held {
            self.inner.free(self.id);
        }
    }
}

/// A connection in motion, with its place. Dropped, the connection is, and then the place is free.
pub(crate) struct Seat<M: Manager> {
    // In this order: the place is not free before the connection is gone.
    pub(crate) connection: M::Connection,
    pub(crate) permit: Permit<M>,
}

impl<M: Manager> Seat<M> {
    pub(crate) fn new(inner: &Arc<Inner<M>>, id: SlotId, connection: M::Connection) -> Self {
        Self {
            connection,
            permit: Permit::new(inner, id),
        }
    }

    /// The parts, for whoever writes them down while the pool is locked.
    pub(crate) fn into_parts(self) -> (Arc<Inner<M>>, SlotId, M::Connection) {
        let id = self.permit.id();
        (self.permit.into_inner(), id, self.connection)
    }
}

/// A connection on its way to who waits for it. Dropped, it goes to the next one.
pub(crate) struct Grant<M: Manager> {
    seat: Option<Seat<M>>,
    bound: bool,
    reused: bool,
}

impl<M: Manager> Grant<M> {
    pub(crate) fn new(seat: Seat<M>, bound: bool, reused: bool) -> Self {
        Self {
            seat: Some(seat),
            bound,
            reused,
        }
    }

    pub(crate) fn into_checkout(mut self, runtime: Handle) -> Option<Checkout<M>> {
        let seat = self.seat.take()?;
        Some(Checkout::new(seat, self.bound, self.reused, runtime))
    }
}

impl<M: Manager> Drop for Grant<M> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            Inner::put_back(seat);
        }
    }
}
