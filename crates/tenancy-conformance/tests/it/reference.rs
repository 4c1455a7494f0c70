//! A small adapter over tokio-postgres with one connection. Healthy, it passes the whole suite;
//! each [`Fault`] breaks one thing that an adapter has to do.

mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tenancy_conformance::{Body, Harness, Row, Session, SqlError, TransactionSession};
use tenancy_core::{BoxError, TenantId, TenantScope};
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::scrub::{Nonce, ScrubAnswer, scrub_sql};
use tenancy_postgres::seal::{Binding, Challenge, ENTER, LEAVE, Proof, TenantKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, Statement};

use self::session::rows;

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The scope is never bound.
    NoBind,
    /// The scope is bound on another connection than the one that is handed out.
    BindElsewhere,
    /// Every scope is bound as the tenant that came first.
    FirstTenant,
    /// The scope is bound as the tenant that asked before.
    TenantBefore,
    /// A transaction's scope lasts for the session.
    SessionForTransaction,
    /// The connection goes to the next scope as it is, with no more than its own ROLLBACK.
    NoScrub,
    /// The scrub is sent, and whatever it answers is taken for good.
    ScrubUnread,
    /// One statement of the scrub is missing.
    ScrubWithout(&'static str),
    /// What was not committed is committed at release.
    CommitOnDrop,
    /// A closure that failed is committed.
    CommitOnError,
    /// The first challenge is answered every time.
    ChallengeKept,
    /// A tenant's first proof is used every time.
    ProofKept,
    /// A query whose future was dropped goes on, and is waited for.
    NoCancel,
    /// New connections take what the role's settings say.
    NotPinned,
    /// `enter` is kept prepared, and the scrub's answer is not read.
    EnterPrepared,
    /// A checkout that is given up takes its place in the pool with it.
    PlaceLost,
    /// Whether a scope is still open is not asked.
    TicketUnchecked,
    /// A panic in a closure leaves the transaction open, and the connection in use.
    PanicKeeps,
}

pub(crate) struct Reference {
    pool: Arc<Pool>,
}

struct Pool {
    config: Config,
    key: SealingKey,
    kind: TenantKind,
    fault: Option<Fault>,
    places: Arc<Semaphore>,
    idle: Mutex<Option<Connection>>,
    seen: Mutex<Vec<TenantId>>,
}

struct Connection {
    client: Client,
    challenge: Challenge,
    statements: HashMap<String, Statement>,
    kept: HashMap<TenantId, Proof>,
}

/// The one connection, on loan.
struct Checkout {
    pool: Arc<Pool>,
    place: Option<OwnedSemaphorePermit>,
    connection: Option<Connection>,
    /// An answer is still owed: the future that waited for it may have been dropped.
    busy: bool,
    /// `enter` or its like failed: the connection is not used again.
    spoilt: bool,
}

impl Reference {
    pub(crate) fn new(url: &str, key: SealingKey, kind: TenantKind, fault: Option<Fault>) -> Self {
        let mut config: Config = url.parse().expect("the test's own URL");
        if fault != Some(Fault::NotPinned) {
            let pinned = tenancy_postgres::settings::startup_options().iter();
            let options: Vec<String> = pinned
                .chain(&[("client_connection_check_interval", "100")])
                .map(|(name, value)| {
                    format!(
                        "-c {name}={}",
                        value.replace('\\', r"\\").replace(' ', r"\ ")
                    )
                })
                .collect();
            config.options(options.join(" "));
        }
        let places = Arc::new(Semaphore::new(1));
        let pool = Pool {
            config,
            key,
            kind,
            fault,
            places,
            idle: Mutex::new(None),
            seen: Mutex::new(Vec::new()),
        };
        Self {
            pool: Arc::new(pool),
        }
    }

    async fn check_out(&self, scope: &TenantScope, binding: Binding) -> Result<Checkout, BoxError> {
        let pool = &self.pool;
        if !pool.is(Fault::TicketUnchecked) {
            scope.ensure_usable()?;
        }
        let patience = Duration::from_secs(if pool.fault.is_some() { 1 } else { 5 });
        let place = timeout(patience, Arc::clone(&pool.places).acquire_owned()).await??;
        let idle = pool
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let usable = idle.filter(|connection| !connection.client.is_closed());
        let connection = match usable {
            Some(connection) => connection,
            None => pool.connect().await?,
        };
        let mut checkout = Checkout {
            pool: Arc::clone(pool),
            place: Some(place),
            connection: Some(connection),
            busy: false,
            spoilt: true,
        };
        checkout.enter(scope.tenant_id(), binding).await?;
        checkout.spoilt = false;
        Ok(checkout)
    }
}

impl Pool {
    async fn connect(&self) -> Result<Connection, BoxError> {
        let (client, connection) = self.config.connect(NoTls).await?;
        tokio::spawn(connection);
        let rows = client.simple_query(LEAVE).await?;
        let challenge = first_row(&rows)
            .and_then(|row| row[0].clone())
            .ok_or("no challenge")?;
        let challenge = Challenge::parse(&challenge)?;
        Ok(Connection {
            client,
            challenge,
            statements: HashMap::new(),
            kept: HashMap::new(),
        })
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Who is bound, when `asked` asks.
    fn bound(&self, asked: &TenantId) -> TenantId {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(asked.clone());
        match self.fault {
            Some(Fault::FirstTenant) => seen[0].clone(),
            Some(Fault::TenantBefore) => seen[seen.len().saturating_sub(2)].clone(),
            _ => asked.clone(),
        }
    }

    /// Cleans a connection. `None`: it is not to be used again.
    async fn clean(&self, mut connection: Connection, busy: bool) -> Option<Connection> {
        if busy && !self.is(Fault::NoCancel) {
            // The driver does not wait for the cancel to arrive: it may hit the next scope's query,
            // so there is none on this connection.
            let _ = connection.client.cancel_token().cancel_query(NoTls).await;
            return None;
        }
        let nonce = Nonce::random().ok()?;
        let mut sql = match self.fault {
            Some(Fault::NoScrub) => format!("ROLLBACK; {LEAVE}"),
            Some(Fault::ScrubWithout(statement)) => {
                let whole = scrub_sql(&nonce);
                let (before, rest) = whole
                    .split_once(statement)
                    .expect("a statement of the scrub");
                let (_, after) = rest.split_once(';').unwrap_or(("", rest));
                format!("{before}{after}")
            }
            _ => scrub_sql(&nonce),
        };
        if self.is(Fault::CommitOnDrop) {
            sql.insert_str(0, "COMMIT; ");
        }
        let patience = Duration::from_secs(if self.is(Fault::NoCancel) { 120 } else { 3 });
        let answer = timeout(patience, connection.client.simple_query(&sql))
            .await
            .ok()?;
        if matches!(
            self.fault,
            Some(Fault::NoScrub | Fault::ScrubUnread | Fault::EnterPrepared)
        ) {
            let row = match answer {
                Ok(rows) => last_row(&rows)?,
                Err(_) => last_row(&connection.client.simple_query(LEAVE).await.ok()?)?,
            };
            connection.challenge = Challenge::parse(row[0].as_deref()?).ok()?;
            return Some(connection);
        }
        let row = last_row(&answer.ok()?)?;
        let row: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
        let answer = ScrubAnswer::read(&row, &nonce).ok()?;
        // Fewer than the driver knows of: SQL took some away.
        if answer.prepared() < connection.statements.len() as u64 {
            return None;
        }
        if !self.is(Fault::ChallengeKept) {
            connection.challenge = answer.into_challenge();
        }
        Some(connection)
    }
}

impl Checkout {
    fn connection(&mut self) -> Result<&mut Connection, SqlError> {
        self.connection
            .as_mut()
            .ok_or_else(|| SqlError::without_code("given back"))
    }

    async fn enter(&mut self, tenant: &TenantId, binding: Binding) -> Result<(), BoxError> {
        let pool = Arc::clone(&self.pool);
        let tenant = pool.bound(tenant);
        let binding = if pool.is(Fault::SessionForTransaction) {
            Binding::Session
        } else {
            binding
        };
        let begin = if binding == Binding::Session && !pool.is(Fault::SessionForTransaction) {
            ""
        } else {
            "BEGIN; "
        };
        let connection = self.connection()?;
        let mut proof = pool
            .key
            .prove(&tenant, pool.kind, binding, &connection.challenge)?;
        if pool.is(Fault::ProofKept) {
            proof = connection
                .kept
                .entry(tenant.clone())
                .or_insert(proof)
                .clone();
        }
        match pool.fault {
            Some(Fault::NoBind) => {
                connection
                    .client
                    .simple_query(&format!("{begin}SELECT 1"))
                    .await?;
            }
            Some(Fault::BindElsewhere) => {
                connection
                    .client
                    .simple_query(&format!("{begin}SELECT 1"))
                    .await?;
                let elsewhere = pool.connect().await?;
                let proof = pool
                    .key
                    .prove(&tenant, pool.kind, binding, &elsewhere.challenge)?;
                elsewhere.client.simple_query(&proof.enter_sql()).await?;
            }
            Some(Fault::EnterPrepared) => {
                connection.client.simple_query(begin).await?;
                let statement = connection.statement(ENTER).await?;
                let (key, meta, pieces, mac) = proof.parameters();
                let mac = &mac[..];
                let mut params: Vec<&(dyn ToSql + Sync)> = vec![&key, &meta];
                params.extend(pieces.iter().map(|piece| piece as &(dyn ToSql + Sync)));
                params.push(&mac);
                connection.client.query(&statement, &params).await?;
            }
            _ => {
                let rows = connection
                    .client
                    .simple_query(&format!("{begin}{}", proof.enter_sql()))
                    .await?;
                let answer = last_row(&rows)
                    .and_then(|row| row[0].clone())
                    .unwrap_or_default();
                if !proof.is_answered_by(&answer) {
                    return Err("another answer came back from enter".into());
                }
            }
        }
        Ok(())
    }
}

impl Connection {
    async fn statement(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let (Some(connection), place) = (self.connection.take(), self.place.take()) else {
            return;
        };
        let (pool, busy, spoilt) = (Arc::clone(&self.pool), self.busy, self.spoilt);
        if (spoilt && pool.is(Fault::PlaceLost))
            || (std::thread::panicking() && pool.is(Fault::PanicKeeps))
        {
            if let Some(place) = place {
                place.forget();
            }
            return;
        }
        tokio::spawn(async move {
            let cleaned = if spoilt {
                None
            } else {
                pool.clean(connection, busy).await
            };
            *pool.idle.lock().unwrap_or_else(PoisonError::into_inner) = cleaned;
            drop(place);
        });
    }
}

impl Harness for Reference {
    fn adapter(&self) -> &'static str {
        "reference"
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        async move {
            let checkout = self.check_out(scope, Binding::Session).await?;
            Ok(Box::new(checkout) as Box<dyn Session + 'a>)
        }
        .boxed()
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        async move {
            let checkout = self.check_out(scope, Binding::Transaction).await?;
            Ok(Box::new(checkout) as Box<dyn TransactionSession + 'a>)
        }
        .boxed()
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        async move {
            let mut checkout = Box::new(self.check_out(scope, Binding::Transaction).await?);
            let result = body.run(&mut *checkout).await;
            if result.is_ok() || self.pool.is(Fault::CommitOnError) {
                checkout.commit().await?;
            }
            result
        }
        .boxed()
    }
}

fn first_row(messages: &[SimpleQueryMessage]) -> Option<Row> {
    rows(messages).into_iter().next()
}

fn last_row(messages: &[SimpleQueryMessage]) -> Option<Row> {
    rows(messages).pop()
}
