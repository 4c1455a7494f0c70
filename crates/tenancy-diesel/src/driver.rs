//! diesel-async, as the pools use it.

use std::fmt;
use std::time::Duration;

use diesel::ConnectionError;
use diesel::connection::CacheSize;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tenancy_postgres_pool::{
    Adapter, Begin, Central, Connect, Driver, Fault, Opening, Prepared, Row, Tenants,
};
use tenancy_tokio_postgres::{config, is_lost};
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use crate::{CentralPool, Connection, Error, TenantPool, Tls};

/// How long a cancel request may take before the connection is closed without it.
const CANCEL: Duration = Duration::from_secs(1);

/// The code of a database's error: Diesel does not show it.
const HIDDEN: &str = "?????";

/// The driver.
#[derive(Debug, Clone)]
pub struct Diesel {
    tls: Tls,
}

impl Diesel {
    pub(crate) fn new(tls: Tls) -> Self {
        Self { tls }
    }
}

/// What the driver says, by where it says it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The URL can't be read, or no connection could be made.
    #[error(transparent)]
    Connect(tokio_postgres::Error),
    /// Diesel can't work through a transaction pooler.
    #[error(
        "diesel-async prepares statements outside of transactions, which a transaction pooler does not carry: connect to PostgreSQL itself"
    )]
    Pooled,
    /// Diesel could not set a new connection up.
    #[error(transparent)]
    Setup(ConnectionError),
    /// The connection was lost under a message of the pool's own.
    #[error(transparent)]
    Lost(DieselError),
    /// The database refused a message of the pool's own, or its answer can't be read.
    #[error(transparent)]
    Refused(DieselError),
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Connect(_) => "Connect",
            Self::Pooled => "Pooled",
            Self::Setup(_) => "Setup",
            Self::Lost(_) => "Lost",
            Self::Refused(_) => "Refused",
        };
        f.debug_struct(kind).finish_non_exhaustive()
    }
}

impl Driver for Diesel {
    type Options = Config;
    type Connection = Connection;
    type Error = Failure;

    fn parse(&self, url: &str) -> Result<Config, Failure> {
        url.parse().map_err(Failure::Connect)
    }

    fn user(&self, options: &Config) -> Option<String> {
        options.get_user().map(str::to_owned)
    }

    async fn connect(&self, options: &Config, how: &Connect) -> Result<Connection, Failure> {
        if how.options.is_empty() {
            return Err(Failure::Pooled);
        }
        // Diesel works in UTC, and a scrub returns to what stands here.
        let mut how = how.clone();
        let utc = ("TimeZone".to_owned(), "UTC".to_owned());
        how.options.insert(0, utc);
        let config = config(options, &how);
        let (client, task) = self.tls.open(&config).await.map_err(Failure::Connect)?;
        // Diesel's knows no other sizes.
        let cache = match how.statement_cache_capacity {
            0 => CacheSize::Disabled,
            _ => CacheSize::Unbounded,
        };
        Connection::over(client, task, cache)
            .await
            .map_err(Failure::Setup)
    }

    async fn message(&self, connection: &mut Connection, sql: String) -> Result<Vec<Row>, Failure> {
        connection.message(&sql).await
    }

    fn queue_opening(&self, connection: &mut Connection, opening: &Opening) -> bool {
        opening.sql().is_none_or(|sql| connection.queue(&sql))
    }

    fn queue_begin(&self, connection: &mut Connection, begin: &Begin) -> bool {
        connection.queue(&begin.sql())
    }

    async fn settled(&self, connection: &mut Connection) -> bool {
        connection.forget_its_user();
        true
    }

    fn prepared_statements(&self, connection: &Connection) -> Prepared {
        Prepared::Some(connection.kept())
    }

    fn is_in_transaction(&self, _connection: &Connection) -> bool {
        false // it was made to forget, and the scrub has ended it
    }

    fn is_alive(&self, connection: &Connection) -> bool {
        connection.is_alive()
    }

    fn can_cancel(&self) -> bool {
        true
    }

    async fn close(&self, connection: Connection, may_be_at_work: bool) {
        if may_be_at_work && connection.is_alive() {
            let token = connection.cancel_token();
            // It may reach the server late, so this connection is never used again.
            let _late = tokio::time::timeout(CANCEL, self.tls.cancel(&token)).await;
        }
        drop(connection);
    }

    fn fault(&self, error: &Failure) -> Fault {
        let code = match error {
            Failure::Connect(error) => error.code().map(SqlState::code),
            Failure::Refused(error) => code(error),
            Failure::Pooled | Failure::Setup(_) | Failure::Lost(_) => None,
        };
        Fault {
            lost: match (error, code) {
                (Failure::Lost(_), _) => true,
                (_, Some(code)) => Fault::code_is_lost(code),
                (Failure::Connect(error), None) => is_lost(error),
                (Failure::Pooled | Failure::Setup(_) | Failure::Refused(_), None) => false,
            },
            kind: if code.is_some() { "database" } else { "driver" },
            code: code.map(str::to_owned),
        }
    }
}

impl Adapter for Diesel {
    type TenantPool = TenantPool;
    type CentralPool = CentralPool;
    type AdapterError = Error;

    fn tenant_pool(tenants: Tenants<Self>) -> TenantPool {
        TenantPool::over(tenants)
    }

    fn central_pool(central: Central<Self>) -> CentralPool {
        CentralPool::over(central)
    }
}

/// The code, as far as Diesel shows it.
fn code(error: &DieselError) -> Option<&'static str> {
    let DieselError::DatabaseError(kind, _) = error else {
        return None;
    };
    match kind {
        DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => None,
        DatabaseErrorKind::UniqueViolation => Some("23505"),
        DatabaseErrorKind::ForeignKeyViolation => Some("23503"),
        DatabaseErrorKind::NotNullViolation => Some("23502"),
        DatabaseErrorKind::CheckViolation => Some("23514"),
        DatabaseErrorKind::RestrictViolation => Some("23001"),
        DatabaseErrorKind::ExclusionViolation => Some("23P01"),
        DatabaseErrorKind::SerializationFailure => Some("40001"),
        DatabaseErrorKind::ReadOnlyTransaction => Some("25006"),
        _ => Some(HIDDEN),
    }
}
