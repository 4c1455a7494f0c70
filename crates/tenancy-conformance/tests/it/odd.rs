//! Adapters that are no use to the suite, which has to say so.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tenancy_conformance::{Body, Harness, Row, Session, TransactionSession};
use tenancy_core::{BoxError, TenantScope};

use crate::reference::Reference;

/// Two adapters that answer in turns, as a pool of two connections would.
pub(crate) struct InTurns {
    both: [Reference; 2],
    turn: AtomicUsize,
}

impl InTurns {
    pub(crate) fn new(first: Reference, second: Reference) -> Self {
        Self {
            both: [first, second],
            turn: AtomicUsize::new(0),
        }
    }

    fn next(&self) -> &Reference {
        &self.both[self.turn.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

impl Harness for InTurns {
    fn adapter(&self) -> &'static str {
        "in turns"
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        self.next().acquire(scope)
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        self.next().begin(scope)
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        self.next().transaction(scope, body)
    }
}

/// An adapter that panics, or never answers.
pub(crate) struct Hopeless {
    pub(crate) stuck: bool,
}

impl Hopeless {
    fn fails<'a, T: Send + 'a>(&'a self) -> BoxFuture<'a, Result<T, BoxError>> {
        async move {
            if self.stuck {
                return std::future::pending().await;
            }
            std::panic::resume_unwind(Box::new("hopeless"))
        }
        .boxed()
    }
}

impl Harness for Hopeless {
    fn adapter(&self) -> &'static str {
        "hopeless"
    }

    fn acquire<'a>(
        &'a self,
        _: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        self.fails()
    }

    fn begin<'a>(
        &'a self,
        _: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        self.fails()
    }

    fn transaction<'a>(
        &'a self,
        _: &'a TenantScope,
        _: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        self.fails()
    }
}
