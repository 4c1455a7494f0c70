//! What an adapter implements to be judged.

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tenancy_core::{BoxError, CentralScope, TenantId, TenantScope};

use crate::{Body, Row, RowStream, Session, TransactionSession};

/// An adapter, as the suite drives it: its three verbs, through its own public API alone.
///
/// Build the adapter with **one** connection, so that every scope gets the connection that the
/// scope before it left behind. The suite notices when that is not so.
///
/// The verbs that answer with an `Option` may be left out: the cases about them are left out then,
/// and [`Report::not_offered`](crate::Report::not_offered) names them.
///
/// A verb that can't open the scope returns an error, whichever: the suite judges by what an
/// independent connection sees, never by what the adapter says.
pub trait Harness: Send + Sync {
    /// The adapter's name, for the report: `tenancy-sqlx`.
    fn adapter(&self) -> &str;

    /// Checks a connection out, bound to `scope`. Dropping the session gives it back.
    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>>;

    /// Begins a transaction bound to `scope`. Dropping the session without a commit must roll it
    /// back.
    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>>;

    /// The verb that takes a closure. Inside it, hand the closure's connection to
    /// [`Body::run`] and return what that returns: `Ok` must commit; an error or a panic must roll
    /// back and come out of this call.
    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>>;

    /// Streams the rows of one statement in the scope, as an adapter does it for a response body: the
    /// stream owns its connection, and gives it back at its end or when it is dropped. `None` from an
    /// adapter that streams nothing.
    fn stream<'a>(
        &'a self,
        scope: &'a TenantScope,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<RowStream, BoxError>>> {
        let _ = (scope, sql);
        None
    }

    /// Inserts rows into `conformance.notes` (`id bigint`, `title text`; tenant column `tenant_id`) by
    /// the adapter's bulk insert, in a checkout of its own, for how many they were. `None` from an
    /// adapter that has none.
    fn bulk_insert<'a>(
        &'a self,
        scope: &'a TenantScope,
        ids: Vec<i64>,
        titles: Vec<String>,
    ) -> Option<BoxFuture<'a, Result<u64, BoxError>>> {
        let _ = (scope, ids, titles);
        None
    }

    /// Checks a connection of the central pool out, which has one too. `None` from an adapter, or a
    /// harness, without a central pool.
    fn central<'a>(
        &'a self,
        scope: &'a CentralScope,
    ) -> Option<BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>>> {
        let _ = scope;
        None
    }

    /// Empties what the adapter keeps for a tenant, as for one whose right has ended. `None` from an
    /// adapter that keeps nothing. For [`FaultRun`](crate::FaultRun) alone.
    fn evict<'a>(&'a self, tenant: &'a TenantId) -> Option<BoxFuture<'a, ()>> {
        let _ = tenant;
        None
    }

    /// Makes this the password that new connections of the tenant's login are made with: the server
    /// has it already. `None` from an adapter that knows no rotation. For
    /// [`FaultRun`](crate::FaultRun) alone.
    fn rotate<'a>(
        &'a self,
        tenant: &'a TenantId,
        password: &'a SecretString,
    ) -> Option<BoxFuture<'a, ()>> {
        let _ = (tenant, password);
        None
    }

    /// How many connections the adapter has now, by its own word. For
    /// [`FaultRun`](crate::FaultRun) alone.
    fn connections(&self) -> Option<Connections> {
        None
    }
}

/// How many connections an adapter has, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// The most that it may have.
    pub max: u32,
    /// Those it has, in whatever state.
    pub size: u32,
    /// Those of them that are not at rest.
    pub in_use: u32,
    /// Checkouts that wait for one.
    pub waiting: u32,
}

impl<H: Harness + ?Sized> Harness for Box<H> {
    fn adapter(&self) -> &str {
        (**self).adapter()
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        (**self).acquire(scope)
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        (**self).begin(scope)
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        (**self).transaction(scope, body)
    }

    fn evict<'a>(&'a self, tenant: &'a TenantId) -> Option<BoxFuture<'a, ()>> {
        (**self).evict(tenant)
    }

    fn rotate<'a>(
        &'a self,
        tenant: &'a TenantId,
        password: &'a SecretString,
    ) -> Option<BoxFuture<'a, ()>> {
        (**self).rotate(tenant, password)
    }

    fn connections(&self) -> Option<Connections> {
        (**self).connections()
    }

    fn stream<'a>(
        &'a self,
        scope: &'a TenantScope,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<RowStream, BoxError>>> {
        (**self).stream(scope, sql)
    }

    fn bulk_insert<'a>(
        &'a self,
        scope: &'a TenantScope,
        ids: Vec<i64>,
        titles: Vec<String>,
    ) -> Option<BoxFuture<'a, Result<u64, BoxError>>> {
        (**self).bulk_insert(scope, ids, titles)
    }

    fn central<'a>(
        &'a self,
        scope: &'a CentralScope,
    ) -> Option<BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>>> {
        (**self).central(scope)
    }
}
