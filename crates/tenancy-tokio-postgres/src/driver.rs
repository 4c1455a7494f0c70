//! tokio-postgres, as the pools use it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use futures_util::FutureExt as _;
use tenancy_postgres::schema::BindParameters;
use tenancy_postgres::seal::Proof;
use tenancy_postgres_pool::{
    Adapter, Begin, Central, Connect, Driver, Fault, Opening, Prepared, Row, Tenants,
};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, SimpleQueryMessage, Statement};

use crate::connector::{config, is_lost};
use crate::{CentralPool, Error, TenantPool, Tls};

/// How long a cancel request may take before the connection is closed without it.
const CANCEL: Duration = Duration::from_secs(1);

/// The driver.
#[derive(Debug, Clone)]
pub struct TokioPostgres {
    tls: Tls,
}

impl TokioPostgres {
    pub(crate) fn new(tls: Tls) -> Self {
        Self { tls }
    }
}

/// One physical connection: deadpool-postgres's client, with what opens scopes on it prepared.
pub struct Connection {
    client: ClientWrapper,
    opening: Option<Statement>,
}

impl Connection {
    /// Puts what opens a scope on the wire. Whether it is opened is the server's answer, to whatever
    /// comes behind.
    fn open(&self, opening: &Opening) -> bool {
        match (opening, &self.opening) {
            (Opening::Proof(proof), Some(enter)) => self.enter(enter, proof),
            (Opening::Schema { schema, binding }, Some(bind)) => {
                self.bind(bind, &schema.bind_parameters(*binding))
            }
            _ => opening.sql().is_none_or(|sql| self.queue(&sql)),
        }
    }

    fn enter(&self, enter: &Statement, proof: &Proof) -> bool {
        let (key, meta, pieces, mac) = proof.parameters();
        let mac = mac.as_slice();
        let parameters = [&key as &(dyn ToSql + Sync), &meta]
            .into_iter()
            .chain(pieces.iter().map(|piece| piece as &(dyn ToSql + Sync)))
            .chain([&mac as &(dyn ToSql + Sync)]);
        self.queue_prepared(enter, parameters.collect())
    }

    fn bind(&self, bind: &Statement, to: &BindParameters) -> bool {
        let parameters: [&(dyn ToSql + Sync); 4] =
            [&to.search_path, &to.schema, &to.mark, &to.is_local];
        self.queue_prepared(bind, parameters.to_vec())
    }

    /// The first poll sends it, and fails only where nothing could be sent.
    fn queue_prepared(&self, statement: &Statement, with: Vec<&(dyn ToSql + Sync)>) -> bool {
        let sent = self.client.query_raw(statement, with).now_or_never();
        !matches!(sent, Some(Err(_)))
    }

    fn queue(&self, sql: &str) -> bool {
        let sent = self.client.simple_query_raw(sql).now_or_never();
        matches!(sent, Some(Ok(_)))
    }
}

impl Deref for Connection {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.client
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Driver for TokioPostgres {
    type Options = Config;
    type Connection = Connection;
    type Error = tokio_postgres::Error;

    fn parse(&self, url: &str) -> Result<Config, tokio_postgres::Error> {
        url.parse()
    }

    fn user(&self, options: &Config) -> Option<String> {
        options.get_user().map(str::to_owned)
    }

    async fn connect(
        &self,
        options: &Config,
        how: &Connect,
    ) -> Result<Connection, tokio_postgres::Error> {
        Ok(Connection {
            client: self.tls.connect(&config(options, how)).await?,
            opening: None,
        })
    }

    async fn prepare(
        &self,
        connection: &mut Connection,
        opening: &'static str,
    ) -> Result<(), tokio_postgres::Error> {
        connection.opening = Some(connection.client.prepare(opening).await?);
        Ok(())
    }

    async fn message(
        &self,
        connection: &mut Connection,
        sql: String,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        Ok(rows(&connection.client.simple_query(&sql).await?))
    }

    fn queue_opening(&self, connection: &mut Connection, opening: &Opening) -> bool {
        connection.open(opening)
    }

    fn queue_begin(&self, connection: &mut Connection, begin: &Begin) -> bool {
        match begin.opening() {
            // In the failed transaction that a refused proof leaves, everything is refused.
            opening @ Opening::Proof(_) => {
                begin.begin_sql().is_none_or(|sql| connection.queue(sql))
                    && connection.open(opening)
                    && begin
                        .read_only_sql()
                        .is_none_or(|sql| connection.queue(sql))
            }
            _ => connection.queue(&begin.sql()),
        }
    }

    fn prepared_statements(&self, connection: &Connection) -> Prepared {
        let opening = usize::from(connection.opening.is_some());
        Prepared::Some(connection.client.statement_cache.size() + opening)
    }

    fn forget_statements(&self, connection: &mut Connection) {
        connection.client.statement_cache.clear();
    }

    fn is_in_transaction(&self, _connection: &Connection) -> bool {
        false // it does not say, and the scrub has ended it
    }

    fn is_alive(&self, connection: &Connection) -> bool {
        !connection.client.is_closed()
    }

    fn can_cancel(&self) -> bool {
        true
    }

    async fn close(&self, connection: Connection, may_be_at_work: bool) {
        if may_be_at_work && !connection.client.is_closed() {
            let token = connection.client.cancel_token();
            // It may reach the server late, so this connection is never used again.
            let _late = tokio::time::timeout(CANCEL, self.tls.cancel(&token)).await;
        }
        drop(connection);
    }

    fn fault(&self, error: &tokio_postgres::Error) -> Fault {
        let code = error.code().map(|state| state.code().to_owned());
        Fault {
            lost: match &code {
                Some(code) => Fault::code_is_lost(code),
                None => is_lost(error),
            },
            kind: if code.is_some() { "database" } else { "driver" },
            code,
        }
    }
}

impl Adapter for TokioPostgres {
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

pub(crate) fn rows(messages: &[SimpleQueryMessage]) -> Vec<Row> {
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| {
        (0..row.len())
            .map(|at| row.get(at).map(str::to_owned))
            .collect()
    })
    .collect()
}
