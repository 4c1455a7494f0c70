//! A connection of the suite's own, past every adapter: the judge's, and an attacker's.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::poll_fn;
use tenancy_core::TenantId;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::seal::{Binding, Challenge, LEAVE, Proof, TenantKind};
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, SimpleQueryMessage};

use crate::verdict::{Stop, Verdict};
use crate::{Row, SqlError};

/// A tokio-postgres connection that keeps the notices it gets.
pub(crate) struct Direct {
    pub(crate) client: Client,
    /// How another one like it is made.
    pub(crate) config: Config,
    notices: Arc<Mutex<String>>,
    task: AbortHandle,
}

impl Direct {
    pub(crate) async fn connect(config: &Config) -> Result<Self, tokio_postgres::Error> {
        let (client, mut connection) = config.connect(NoTls).await?;
        let notices = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&notices);
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notice(notice) = message {
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    heard.push_str(notice.message());
                    heard.push_str(notice.detail().unwrap_or_default());
                    heard.push('\n');
                }
            }
        });
        Ok(Self {
            client,
            config: config.clone(),
            notices,
            task: task.abort_handle(),
        })
    }

    /// One message of the simple protocol.
    pub(crate) async fn simple(&self, sql: &str) -> Result<Vec<Row>, SqlError> {
        let messages = self
            .client
            .simple_query(sql)
            .await
            .map_err(|error| sql_error(&error))?;
        Ok(rows(&messages))
    }

    /// What came back beside the answers, until now.
    pub(crate) fn notices(&self) -> String {
        self.notices
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One value, or nothing where there is no row.
    pub(crate) async fn value(&self, sql: &str) -> Result<Option<String>, SqlError> {
        Ok(self
            .simple(sql)
            .await?
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next().flatten()))
    }

    /// Ends the scope, for a challenge.
    pub(crate) async fn leave(&self) -> Verdict<Challenge> {
        let answer = self
            .value(LEAVE)
            .await
            .map_err(|error| Stop::failed(format!("leave: {error}")))?;
        Challenge::parse(&answer.unwrap_or_default()).map_err(Stop::failed)
    }

    /// Leaves, and enters `tenant` with a proof of its own.
    pub(crate) async fn enter(
        &self,
        key: &SealingKey,
        tenant: &TenantId,
        kind: TenantKind,
        binding: Binding,
    ) -> Verdict<Proof> {
        let challenge = self.leave().await?;
        let proof = key
            .prove(tenant, kind, binding, &challenge)
            .map_err(Stop::failed)?;
        self.simple(&proof.enter_sql())
            .await
            .map_err(|error| Stop::failed(format!("an honest enter was refused: {error}")))?;
        Ok(proof)
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn rows(messages: &[SimpleQueryMessage]) -> Vec<Row> {
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|at| row.get(at).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        })
        .collect()
}

/// The server's words in full, for the oracle.
pub(crate) fn sql_error(error: &tokio_postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(db) => SqlError {
            code: Some(db.code().code().to_owned()),
            message: [Some(db.message()), db.detail(), db.hint(), db.where_()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("; "),
        },
        None => SqlError {
            code: error.code().map(|code| code.code().to_owned()),
            message: error.to_string(),
        },
    }
}
