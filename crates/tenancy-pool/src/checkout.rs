//! A connection that is out.

use std::fmt;
use std::ops::{Deref, DerefMut};

use tokio::runtime::Handle;

use crate::seat::Seat;
use crate::{Manager, task};

/// A connection that is checked out. Dropped, also by a panic or outside a runtime, it is cleaned
/// in a task of the pool's before anyone else gets it, or closed.
pub struct Checkout<M: Manager> {
    seat: Option<Seat<M>>,
    bound: bool,
    reused: bool,
    spoiled: bool,
    runtime: Handle,
}

impl<M: Manager> Checkout<M> {
    pub(crate) fn new(seat: Seat<M>, bound: bool, reused: bool, runtime: Handle) -> Self {
        Self {
            seat: Some(seat),
            bound,
            reused,
            spoiled: false,
            runtime,
        }
    }

    /// Whether the tenant's scope is open on it already: it was on that tenant's shelf.
    pub fn is_bound(&self) -> bool {
        self.bound
    }

    /// Whether it was used before or at rest, and so may have been lost without a word. `false` for
    /// one that was made just now.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// It is never used again: dropped, it is closed rather than cleaned.
    pub fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// The runtime that it was checked out on.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

impl<M: Manager> Deref for Checkout<M> {
    type Target = M::Connection;

    #[allow(clippy::expect_used)] // taken by `drop` only
    fn deref(&self) -> &M::Connection {
        let seat = self.seat.as_ref();
        &seat
            .expect("a checkout holds its connection until it ends")
            .connection
    }
}

impl<M: Manager> DerefMut for Checkout<M> {
    #[allow(clippy::expect_used)] // as above
    fn deref_mut(&mut self) -> &mut M::Connection {
        let seat = self.seat.as_mut();
        &mut seat
            .expect("a checkout holds its connection until it ends")
            .connection
    }
}

impl<M: Manager> Drop for Checkout<M> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            let runtime = Handle::try_current().unwrap_or_else(|_| self.runtime.clone());
            // On a runtime that has ended this drops the connection, and its place is free.
            runtime.spawn(task::release(seat, self.spoiled));
        }
    }
}

impl<M: Manager> fmt::Debug for Checkout<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkout")
            .field("bound", &self.bound)
            .field("reused", &self.reused)
            .field("spoiled", &self.spoiled)
            .finish_non_exhaustive()
    }
}
