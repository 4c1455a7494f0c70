//! A small adapter over tokio-postgres, with one connection unless more are asked for. Healthy, it
//! passes the whole suite; each [`Fault`] breaks one thing that an adapter has to do.

mod beside;
mod clean;
mod fault;
mod open;
mod session;
mod way;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use secrecy::SecretString;
use tenancy_conformance::{
    Body, Connections, Harness, Row, RowStream, Session, Stage, TransactionSession,
};
use tenancy_core::{BoxError, CentralScope, TenantId, TenantScope};
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::seal::{Binding, Challenge, LEAVE, Proof, TenantKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, Statement};

use self::beside::Central;
pub(crate) use self::fault::Fault;
use self::session::rows;
use self::way::{NO_CHALLENGE, Target, Way};

pub(crate) struct Reference {
    pool: Arc<Pool>,
    central: Option<Central>,
}

struct Pool {
    way: Way,
    fault: Option<Fault>,
    most: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// With [`Fault::ConnectionLost`], nobody's.
    lost: Mutex<Vec<Connection>>,
    /// One more owner for each connection that there is.
    alive: Arc<()>,
    seen: Mutex<Vec<TenantId>>,
}

struct Connection {
    client: Client,
    task: AbortHandle,
    target: Target,
    /// Whose path or scope is set, with [`Fault::PathRemembered`] and [`Fault::ScopeRemembered`].
    set_for: Option<TenantId>,
    challenge: Challenge,
    statements: HashMap<String, Statement>,
    kept: HashMap<TenantId, Proof>,
    _alive: Arc<()>,
}

/// A connection, on loan.
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
    /// Over a sealed stage's runtime URL.
    pub(crate) fn new(url: &str, key: SealingKey, kind: TenantKind, fault: Option<Fault>) -> Self {
        Self::by(Way::sealed(url, key, kind, fault), fault, 1)
    }

    /// Over any stage.
    pub(crate) fn over(stage: &Stage, url: &str, fault: Option<Fault>) -> Self {
        Self::by(Way::over(stage, url, fault), fault, 1)
    }

    /// The same with several connections.
    pub(crate) fn with_connections(
        stage: &Stage,
        url: &str,
        fault: Option<Fault>,
        most: u32,
    ) -> Self {
        Self::by(Way::over(stage, url, fault), fault, most)
    }

    fn by(way: Way, fault: Option<Fault>, most: u32) -> Self {
        let pool = Pool {
            way,
            fault,
            most,
            places: Arc::new(Semaphore::new(most as usize)),
            idle: Mutex::default(),
            lost: Mutex::default(),
            alive: Arc::default(),
            seen: Mutex::new(Vec::new()),
        };
        Self {
            pool: Arc::new(pool),
            central: None,
        }
    }

    /// With central work through this URL.
    pub(crate) fn with_central(mut self, url: String) -> Self {
        self.central = Some(Central {
            url,
            connection: Arc::default(),
        });
        self
    }

    async fn check_out(&self, scope: &TenantScope, binding: Binding) -> Result<Checkout, BoxError> {
        let pool = &self.pool;
        if !pool.is(Fault::TicketUnchecked) {
            scope.ensure_usable()?;
        }
        let patience = Duration::from_secs(if pool.fault.is_some() { 1 } else { 5 });
        let place = timeout(patience, Arc::clone(&pool.places).acquire_owned()).await??;
        let target = pool.way.target(scope, pool.fault)?;
        let usable = pool.at_rest(&target);
        let connection = match usable {
            Some(connection) => connection,
            None => pool.connect(target, scope.tenant_id()).await?,
        };
        let mut checkout = Checkout {
            pool: Arc::clone(pool),
            place: Some(place),
            connection: Some(connection),
            busy: false,
            spoilt: !pool.is(Fault::PathRemembered) && !pool.is(Fault::ScopeRemembered),
        };
        if pool.way.is_pooled() {
            checkout.enter_pooled(scope.tenant_id()).await?;
        } else if pool.way.is_sealed() {
            checkout.enter(scope.tenant_id(), binding).await?;
        } else {
            checkout.route(scope, binding).await?;
        }
        checkout.spoilt = false;
        Ok(checkout)
    }
}

impl Pool {
    /// A connection that leads there. Without one, there is room for one more.
    fn at_rest(&self, target: &Target) -> Option<Connection> {
        let mut idle = self.idle();
        idle.retain(|connection| !connection.client.is_closed());
        let usable = idle
            .iter()
            .rposition(|connection| connection.target == *target || self.is(Fault::LeaseIgnored));
        if let Some(usable) = usable {
            return Some(idle.remove(usable));
        }
        let room = self.places.available_permits();
        let too_many = idle.len().saturating_sub(room);
        idle.drain(..too_many);
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self, target: Target, tenant: &TenantId) -> Result<Connection, BoxError> {
        let (client, connection) = self.way.config(&target).connect(NoTls).await?;
        let task = tokio::spawn(connection).abort_handle();
        if !self.is(Fault::NoIdentityCheck) {
            self.way.look(&client, &target, tenant).await?;
        }
        let challenge = if self.way.is_sealed() && !self.way.is_pooled() {
            let rows = client.simple_query(LEAVE).await?;
            first_row(&rows)
                .and_then(|row| row[0].clone())
                .ok_or("no challenge")?
        } else {
            NO_CHALLENGE.to_owned()
        };
        Ok(Connection {
            client,
            task,
            target,
            set_for: None,
            challenge: Challenge::parse(&challenge)?,
            statements: HashMap::new(),
            kept: HashMap::new(),
            _alive: Arc::clone(&self.alive),
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

impl Drop for Connection {
    fn drop(&mut self) {
        // The driver would wait for the answer first, and a cancel may have come before its query.
        self.task.abort();
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
            let cleaned = if !spoilt {
                pool.clean(connection, busy).await
            } else if pool.is(Fault::BeginForgotten) {
                pool.left_alone(connection).await
            } else {
                if pool.is(Fault::ConnectionLost) {
                    pool.lost.lock().unwrap().push(connection);
                }
                None
            };
            pool.idle().extend(cleaned);
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

    fn stream<'a>(
        &'a self,
        scope: &'a TenantScope,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<RowStream, BoxError>>> {
        Some(self.streamed(scope, sql).boxed())
    }

    fn bulk_insert<'a>(
        &'a self,
        scope: &'a TenantScope,
        ids: Vec<i64>,
        titles: Vec<String>,
    ) -> Option<BoxFuture<'a, Result<u64, BoxError>>> {
        Some(self.inserted(scope, ids, titles).boxed())
    }

    fn central<'a>(
        &'a self,
        scope: &'a CentralScope,
    ) -> Option<BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>>> {
        let central = self.central.as_ref()?;
        Some(async move { Ok(self.above(scope, central).await? as Box<dyn Session>) }.boxed())
    }

    fn evict<'a>(&'a self, tenant: &'a TenantId) -> Option<BoxFuture<'a, ()>> {
        self.pool
            .idle()
            .retain(|connection| !connection.target.is_of(tenant));
        Some(ready(()).boxed())
    }

    fn rotate<'a>(
        &'a self,
        tenant: &'a TenantId,
        password: &'a SecretString,
    ) -> Option<BoxFuture<'a, ()>> {
        Some(async { self.pool.way.rotate(tenant, password) }.boxed())
    }

    fn connections(&self) -> Option<Connections> {
        let count = |count: usize| u32::try_from(count).unwrap();
        let pool = &self.pool;
        Some(Connections {
            max: pool.most,
            size: count(Arc::strong_count(&pool.alive) - 1),
            in_use: pool.most - count(pool.places.available_permits()).min(pool.most),
            waiting: 0,
        })
    }
}

fn first_row(messages: &[SimpleQueryMessage]) -> Option<Row> {
    rows(messages).into_iter().next()
}

fn last_row(messages: &[SimpleQueryMessage]) -> Option<Row> {
    rows(messages).pop()
}
