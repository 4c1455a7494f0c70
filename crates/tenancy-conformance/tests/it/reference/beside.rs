//! What the adapter offers beside its three verbs: streams, a bulk insert, and central work.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use tenancy_conformance::{Row, RowStream, Session, SqlError};
use tenancy_core::{BoxError, CentralScope, TenantScope};
use tenancy_postgres::scrub::{Nonce, ScrubAnswer};
use tenancy_postgres::seal::Binding;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use super::session::{rows, sql_error};
use super::way::plain_scrub;
use super::{Fault, Reference, last_row};

impl Reference {
    /// The checkout goes with the stream, and back with its end.
    pub(super) async fn streamed(
        &self,
        scope: &TenantScope,
        sql: &str,
    ) -> Result<RowStream, BoxError> {
        let mut checkout = self.check_out(scope, Binding::Session).await?;
        checkout.busy = true;
        let none: [&(dyn ToSql + Sync); 0] = [];
        let stream = checkout.connection()?.client.query_raw(sql, none).await?;
        let rows = stream.map_err(|error| sql_error(&error)).map_ok(|row| {
            (0..row.len())
                .map(|at| row.get::<_, Option<String>>(at))
                .collect::<Row>()
        });
        let owned = (Box::pin(rows), checkout);
        let stream = futures_util::stream::unfold(owned, async |(mut rows, mut checkout)| {
            let Some(row) = rows.next().await else {
                checkout.busy = false;
                return None;
            };
            Some((row, (rows, checkout)))
        });
        Ok(stream.boxed())
    }

    pub(super) async fn inserted(
        &self,
        scope: &TenantScope,
        ids: Vec<i64>,
        titles: Vec<String>,
    ) -> Result<u64, BoxError> {
        const INSERT: &str = "INSERT INTO conformance.notes (id, title) SELECT * FROM unnest($1::int8[], $2::text[])";
        let mut checkout = self.check_out(scope, Binding::Session).await?;
        checkout.busy = true;
        let parts = if self.pool.is(Fault::BulkInParts) {
            2
        } else {
            ids.len()
        };
        let mut inserted = 0;
        for (ids, titles) in ids.chunks(parts).zip(titles.chunks(parts)) {
            let client = &checkout.connection()?.client;
            inserted += client.execute(INSERT, &[&ids, &titles]).await?;
        }
        checkout.busy = false;
        Ok(inserted)
    }

    pub(super) async fn above(
        &self,
        scope: &CentralScope,
        central: &Central,
    ) -> Result<Box<dyn Session>, BoxError> {
        let is = |fault| self.pool.is(fault);
        if !is(Fault::TicketUnchecked) {
            scope.ensure_usable()?;
        }
        let mut connection = Arc::clone(&central.connection).lock_owned().await;
        if let Some(client) = connection.as_ref()
            && !is(Fault::NoScrub)
        {
            let nonce = Nonce::random()?;
            let answer = client.simple_query(&plain_scrub(&nonce, false)).await;
            let row = answer.ok().and_then(|rows| last_row(&rows));
            let row = row.unwrap_or_default();
            let row: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
            if ScrubAnswer::read(&row, &nonce).is_err() {
                *connection = None;
            }
        }
        if connection.is_none() {
            let (client, task) = tokio_postgres::connect(&central.url, NoTls).await?;
            tokio::spawn(task);
            *connection = Some(client);
        }
        Ok(Box::new(Above(connection)))
    }
}

/// One connection of the central role's.
pub(crate) struct Central {
    pub(crate) url: String,
    pub(crate) connection: Arc<Mutex<Option<Client>>>,
}

/// That connection, in use.
struct Above(OwnedMutexGuard<Option<Client>>);

impl Session for Above {
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        async move {
            let client = self.0.as_ref().expect("it is in use");
            let answer = client.simple_query(sql).await;
            Ok(rows(&answer.map_err(|error| sql_error(&error))?))
        }
        .boxed()
    }

    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        _: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        self.simple(sql)
    }
}
