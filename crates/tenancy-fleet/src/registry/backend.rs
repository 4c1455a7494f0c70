//! The pool of the base database, by its URL.

#[cfg(feature = "mysql")]
pub(super) mod mysql;
#[cfg(feature = "postgres")]
pub(super) mod postgres;
#[cfg(feature = "sqlite")]
pub(super) mod sqlite;

use secrecy::{ExposeSecret as _, SecretString};

use super::RegistryError;
use crate::db::{Fault, Kind, Lane, fault};

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
            Self::Postgres(pool) => Box::pin(pool.acquire())
                .await
                .map(|lane| Box::new(lane) as _),
            #[cfg(feature = "mysql")]
            Self::Mysql(pool) => Box::pin(pool.acquire())
                .await
                .map(|lane| Box::new(lane) as _),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => Box::pin(pool.acquire())
                .await
                .map(|lane| Box::new(lane) as _),
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
