//! The adapters, each in a file of its own and of one shape.

mod diesel;
mod sea_orm;
mod sqlx;
mod tokio_postgres;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use futures_util::future::{BoxFuture, LocalBoxFuture};
use serde::Serialize;
use tenancy_core::TenantScope;

use crate::Failed;
use crate::case::Case;
use crate::place::Place;

/// An adapter that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// tenancy-tokio-postgres.
    TokioPostgres,
    /// tenancy-diesel.
    Diesel,
    /// tenancy-sqlx.
    Sqlx,
    /// tenancy-sea-orm.
    SeaOrm,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokioPostgres => "tokio-postgres",
            Self::Diesel => "diesel",
            Self::Sqlx => "sqlx",
            Self::SeaOrm => "sea-orm",
        })
    }
}

/// How a case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// (a) Unscoped, on a held connection of the driver: on a table without a wall, or where the
    /// tenant's own one lies.
    Unscoped,
    /// (b) On a held connection whose scope was bound before, or which is the tenant's own.
    Bound,
    /// (c) Unscoped, through the driver's own pool with its defaults.
    Pooled,
    /// (d) Begin, set, run, commit in sequence, on a held connection: under the usual policy, or with
    /// the search path. There is nothing to set on one that is the tenant's own.
    Usual,
    /// Through tenancy's pool, with a connection on the tenant's shelf, or of the tenant's own.
    Warm,
    /// Through tenancy's pool, with a connection that is bound to nobody.
    Cold,
}

impl Kind {
    /// All of them, those that the others are compared with first.
    pub const ALL: [Self; 6] = [
        Self::Unscoped,
        Self::Bound,
        Self::Pooled,
        Self::Usual,
        Self::Warm,
        Self::Cold,
    ];
}

/// One way to run the cases, on connections of its own, so that ways can be run in turn.
pub trait Way {
    /// Runs the case once. `row` is the first row that it asks for, or the one to be inserted.
    fn run(&mut self, case: Case, row: i64) -> LocalBoxFuture<'_, Result<(), Failed>>;

    /// Whether what the last run left to be done in the background is done.
    fn is_settled(&self) -> bool {
        true
    }
}

/// A tenant pool that many tasks share.
pub trait Crowd: Send + Sync {
    /// One row by its primary key, in a scope.
    fn select<'a>(&'a self, scope: &'a TenantScope, row: i64) -> BoxFuture<'a, Result<(), Failed>>;

    /// A statement that takes this long, in a scope.
    fn sleep<'a>(
        &'a self,
        scope: &'a TenantScope,
        long: Duration,
    ) -> BoxFuture<'a, Result<(), Failed>>;

    /// Closes every connection.
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl Adapter {
    /// Whether what opens a scope is on the wire ahead of the first statement.
    pub fn is_pipelined(self) -> bool {
        match self {
            Self::TokioPostgres | Self::Diesel => true,
            Self::Sqlx | Self::SeaOrm => false,
        }
    }

    /// A tenant pool of so many connections, with the defaults otherwise.
    ///
    /// # Errors
    /// The adapter's.
    pub async fn crowd(self, place: &Place, connections: u32) -> Result<Arc<dyn Crowd>, Failed> {
        match self {
            Self::TokioPostgres => tokio_postgres::crowd(place, connections).await,
            Self::Diesel => diesel::crowd(place, connections).await,
            Self::Sqlx => sqlx::crowd(place, connections).await,
            Self::SeaOrm => sea_orm::crowd(place, connections).await,
        }
    }

    /// Connects for this kind. `None` where the adapter has no such way for this case.
    ///
    /// # Errors
    /// The adapter's.
    pub async fn way(
        self,
        kind: Kind,
        case: Case,
        place: &Place,
    ) -> Result<Option<Box<dyn Way>>, Failed> {
        match self {
            Self::TokioPostgres => tokio_postgres::way(kind, case, place).await,
            Self::Diesel => diesel::way(kind, case, place).await,
            Self::Sqlx => sqlx::way(kind, case, place).await,
            Self::SeaOrm => sea_orm::way(kind, case, place).await,
        }
    }
}
