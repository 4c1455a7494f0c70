//! A connection, and what is known of it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use tenancy_postgres::seal::Challenge;
use tokio::time::Instant;

use crate::route::Route;

/// A driver's connection with what is known of it.
pub struct Link<C> {
    connection: C,
    pub(crate) stage: Stage,
    pub(crate) known: Option<Known>,
    /// Whose scope was last opened on it.
    pub(crate) route: Option<Arc<Route>>,
    /// Since when that scope is open, where it is the session's.
    pub(crate) bound_at: Option<Instant>,
}

/// What the last scrub saw of a connection. Nothing through a transaction pooler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// The backend's process: tells one connection from another that took its place.
    pub(crate) backend: i32,
    /// Prepared statements that the driver does not count.
    pub(crate) uncounted: u64,
}

/// How far a connection is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Nothing was said on it yet.
    Fresh,
    /// Bound to nothing. The challenge is the last `leave()`'s, for one `enter`.
    Clean(Option<Challenge>),
    /// On its tenant's shelf: the scope is open, and nothing was said in it yet.
    Bound,
    /// A scope is being opened, and the answer is not known: never to be used again from here.
    Opening,
    /// In use.
    Open,
}

impl<C> Link<C> {
    pub(crate) fn new(connection: C) -> Self {
        Self {
            connection,
            stage: Stage::Fresh,
            known: None,
            route: None,
            bound_at: None,
        }
    }

    /// The scope is open, or what opens it is queued ahead of everything else on this connection:
    /// from here on a scrub may make it clean again.
    pub fn opened(&mut self) {
        self.stage = Stage::Open;
    }

    pub(crate) fn into_inner(self) -> C {
        self.connection
    }
}

impl<C> Deref for Link<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

impl<C> DerefMut for Link<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.connection
    }
}

impl<C> fmt::Debug for Link<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
