//! One physical connection.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::CacheSize;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{ConnectionError, QueryResult};
use diesel_async::{AnsiTransactionManager, AsyncConnection as _, AsyncPgConnection};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tenancy_postgres_pool::Row;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::Failure;
use crate::ask::{batch, message};
use crate::watch::Watched;

/// How soon a server that has ended a connection closes it.
const CLOSING: Duration = Duration::from_millis(100);

/// One physical connection: Diesel's, with what is known of it.
pub struct Connection {
    conn: AsyncPgConnection,
    /// Drives the connection, and ends with it.
    task: JoinHandle<()>,
    watched: Arc<Watched>,
    cache: CacheSize,
}

impl Connection {
    pub(crate) async fn over(
        client: Client,
        task: JoinHandle<()>,
        cache: CacheSize,
    ) -> Result<Self, ConnectionError> {
        let mut connection = Self {
            conn: AsyncPgConnection::try_from(client).await?,
            task,
            watched: Arc::default(),
            cache,
        };
        connection.forget_its_user();
        Ok(connection)
    }

    /// Sends a message of the pool's own, and reads its answer.
    pub(crate) async fn message(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        self.watched.ours(true);
        let kept = self.watched.kept_ours();
        let mut answer = message(&self.conn, sql).await;
        // The first time its queries are prepared one behind the other, so a count of what is prepared
        // would miss those behind it. The pool counts on the number never falling.
        if answer.as_ref().is_ok_and(|rows| rows.len() > 1) && self.watched.kept_ours() != kept {
            answer = message(&self.conn, sql).await;
        }
        self.watched.ours(false);
        match answer {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.failure(error).await),
        }
    }

    /// Sends messages of the pool's own, all together. The answers are in their order.
    pub(crate) async fn all<const N: usize>(&mut self, sql: [&str; N]) -> Vec<QueryResult<()>> {
        self.watched.ours(true);
        let answers = join_all(sql.map(|sql| batch(&self.conn, sql))).await;
        self.watched.ours(false);
        answers
    }

    /// Puts a message on the wire, and leaves its answer unread. `false` where nothing could be sent.
    pub(crate) fn queue(&mut self, sql: &str) -> bool {
        self.watched.ours(true);
        // The first poll sends it.
        let sent = batch(&self.conn, sql).now_or_never();
        self.watched.ours(false);
        !matches!(sent, Some(Err(_)))
    }

    /// Forgets what its last user told Diesel: a transaction that it believes to be open, the cache's
    /// size, and who listens to its queries.
    pub(crate) fn forget_its_user(&mut self) {
        *self.conn.transaction_state() = AnsiTransactionManager::default();
        self.conn.set_prepared_statement_cache_size(self.cache);
        self.conn.set_instrumentation(self.watched.watch());
    }

    /// How many statements of the application Diesel keeps prepared, at least.
    pub(crate) fn kept(&self) -> usize {
        self.watched.kept()
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }

    /// What a failed message says of the connection. The server's code is not shown, so whether it has
    /// ended the connection is seen by its closing.
    pub(crate) async fn failure(&mut self, error: DieselError) -> Failure {
        let lost = match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _) => true,
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, _) => {
                self.task.is_finished() || timeout(CLOSING, &mut self.task).await.is_ok()
            }
            _ => false,
        };
        if lost {
            Failure::Lost(error)
        } else {
            Failure::Refused(error)
        }
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.conn
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.conn
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Or it would wait for what still runs.
        self.task.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
