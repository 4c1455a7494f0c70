//! The three databases behind one small surface: run, read, and end a transaction.
//! Text and 64-bit numbers are the only types.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};

use super::error::{Fault, FaultKind, RegistryError};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // with one feature alone, two are never made
pub(crate) enum Kind {
    Postgres,
    Mysql,
    Sqlite,
}

/// A value for a statement.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

/// A value in a row.
#[derive(PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Int(i64),
}

pub(crate) type Row = Vec<Cell>;
type Answer<'a, T> = BoxFuture<'a, Result<T, sqlx::Error>>;

/// A connection that is checked out.
pub(crate) trait Lane: Send {
    /// Statements without values, in the simple protocol.
    fn raw(&mut self, sql: String) -> Answer<'_, ()>;
    fn run<'a>(&'a mut self, sql: String, values: &'a [Value<'a>]) -> Answer<'a, u64>;
    fn rows<'a>(&'a mut self, sql: String, values: &'a [Value<'a>]) -> Answer<'a, Vec<Row>>;
    /// Has it closed instead of handed back.
    fn discard(&mut self);
}

/// `SQLx`'s traits, applied to one database: `bind` and `cells` are in its file.
macro_rules! lane {
    ($database:ty) => {
        impl crate::registry::backend::Lane for sqlx::pool::PoolConnection<$database> {
            fn raw(
                &mut self,
                sql: String,
            ) -> futures_util::future::BoxFuture<'_, Result<(), sqlx::Error>> {
                Box::pin(async move {
                    use sqlx::Executor as _;
                    (&mut **self)
                        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)))
                        .await
                        .map(drop)
                })
            }

            fn run<'a>(
                &'a mut self,
                sql: String,
                values: &'a [crate::registry::backend::Value<'a>],
            ) -> futures_util::future::BoxFuture<'a, Result<u64, sqlx::Error>> {
                Box::pin(async move {
                    let query = values
                        .iter()
                        .fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
                    Ok(query.execute(&mut **self).await?.rows_affected())
                })
            }

            fn rows<'a>(
                &'a mut self,
                sql: String,
                values: &'a [crate::registry::backend::Value<'a>],
            ) -> futures_util::future::BoxFuture<
                'a,
                Result<Vec<crate::registry::backend::Row>, sqlx::Error>,
            > {
                Box::pin(async move {
                    let query = values
                        .iter()
                        .fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
                    let rows = query.fetch_all(&mut **self).await?;
                    rows.iter().map(cells).collect()
                })
            }

            fn discard(&mut self) {
                self.close_on_drop();
            }
        }
    };
}
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
use lane;

/// The pool of one of them.
#[derive(Clone)]
pub(crate) enum Pool {
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
    #[cfg(feature = "mysql")]
    Mysql(sqlx::MySqlPool),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
}

impl Pool {
    /// A pool by the URL's scheme. `create` makes a file of SQLite where there is none.
    pub(crate) async fn connect(
        url: &SecretString,
        connections: u32,
        create: bool,
    ) -> Result<Self, RegistryError> {
        #[cfg(not(all(feature = "postgres", feature = "mysql", feature = "sqlite")))]
        const NOT_BUILT: Result<Pool, RegistryError> = Err(RegistryError::Url {
            reason: "tenancy-fleet was built without its database: switch on the feature `postgres`, `mysql` or `sqlite`",
        });
        #[cfg(not(feature = "sqlite"))]
        let _ = create;
        let url = url.expose_secret();
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                Ok(Self::Postgres(postgres::pool(url, connections).await?))
            }
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => Ok(Self::Mysql(mysql::pool(url, connections).await?)),
            #[cfg(feature = "sqlite")]
            "sqlite" => Ok(Self::Sqlite(sqlite::pool(url, connections, create).await?)),
            #[cfg(not(feature = "postgres"))]
            "postgres" | "postgresql" => NOT_BUILT,
            #[cfg(not(feature = "mysql"))]
            "mysql" | "mariadb" => NOT_BUILT,
            #[cfg(not(feature = "sqlite"))]
            "sqlite" => NOT_BUILT,
            _ => Err(RegistryError::Url {
                reason: "it starts with none of postgres://, mysql://, mariadb:// and sqlite:",
            }),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match *self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Kind::Postgres,
            #[cfg(feature = "mysql")]
            Self::Mysql(_) => Kind::Mysql,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Kind::Sqlite,
        }
    }

    #[cfg(feature = "postgres")]
    #[allow(clippy::unnecessary_wraps)] // where it is the only one
    pub(crate) fn as_postgres(&self) -> Option<&sqlx::PgPool> {
        match self {
            Self::Postgres(pool) => Some(pool),
            #[cfg(any(feature = "mysql", feature = "sqlite"))]
            _ => None,
        }
    }

    pub(crate) async fn lane(&self) -> Result<Box<dyn Lane>, Fault> {
        let lane: Result<Box<dyn Lane>, sqlx::Error> = match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => pool.acquire().await.map(|lane| Box::new(lane) as _),
            #[cfg(feature = "mysql")]
            Self::Mysql(pool) => pool.acquire().await.map(|lane| Box::new(lane) as _),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => pool.acquire().await.map(|lane| Box::new(lane) as _),
        };
        lane.map_err(fault)
    }

    pub(crate) async fn close(&self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => pool.close().await,
            #[cfg(feature = "mysql")]
            Self::Mysql(pool) => pool.close().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => pool.close().await,
        }
    }
}

/// What went wrong, in a word and a code.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    let kind = match &error {
        sqlx::Error::Database(said) => {
            let code = said.code().map(std::borrow::Cow::into_owned);
            let kind = if said.is_unique_violation() {
                FaultKind::Unique
            } else if said.is_foreign_key_violation() {
                FaultKind::Reference
            } else if is_passing(said.as_ref()) {
                FaultKind::Passing
            } else {
                FaultKind::Refused
            };
            return Fault { kind, code };
        }
        sqlx::Error::PoolTimedOut => FaultKind::Busy,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => FaultKind::Lost,
        _ => FaultKind::Driver,
    };
    Fault::of(kind)
}

/// Whether the database rolled back for the others' sake.
fn is_passing(error: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return mysql::is_passing(error.number());
    }
    let code = error.code().unwrap_or_default();
    #[cfg(feature = "sqlite")]
    if error
        .try_downcast_ref::<sqlx::sqlite::SqliteError>()
        .is_some()
    {
        return sqlite::is_passing(&code);
    }
    // serialization_failure, deadlock_detected, lock_not_available
    matches!(code.as_ref(), "40001" | "40P01" | "55P03")
}
