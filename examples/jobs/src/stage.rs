//! The databases, the tenants and the keys, put together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use apalis::prelude::{BoxDynError, TaskId, TaskResult, WaitForCompletion as _};
use apalis_postgres::{Config, PgPool, PostgresStorage};
use futures_util::StreamExt as _;
use sqlx::{Connection as _, PgConnection};
use tenancy::apalis::{QueueError, TenantQueue};
use tenancy::postgres::install::{Install, Roles};
use tenancy::postgres::key::{KeyId, SealingKey};
use tenancy::postgres::wall::Wall;
use tenancy::sqlx::postgres::{self, TenantKind, TenantPool};
use tenancy::{
    EnvelopeKey, EnvelopeKeys, MemoryStore, Tenancy, Tenant, TenantId, TenantScope, TenantStatus,
};
use tenancy_testkit::postgres::{Database, Server};
use tokio::sync::{mpsc, oneshot};

use crate::nightly::{Night, Nightly};
use crate::service::{Digest, QUEUE, Service, TABLES};

/// How long a job may wait. Whoever reads the queue can have it run again for as long.
pub const VALID_FOR: Duration = Duration::from_hours(24);

/// How many notes each tenant has.
pub const TENANTS: [(&str, i64); 2] = [("acme", 3), ("globex", 5)];

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How often it was tried.
    pub tried: usize,
    /// What it answered, or why it failed.
    pub result: Result<i64, String>,
}

/// Everything that a service with background work needs.
pub struct Stage {
    /// The service.
    pub service: Service,
    /// Opens scopes, and seals them into envelopes.
    pub tenancy: Tenancy,
    /// Who the tenants are.
    pub store: MemoryStore,
    /// A superuser's connection to the tenants' database, to see what was done.
    pub admin: PgConnection,
    /// The queue's own login.
    pub queue: PgPool,
    /// By how many seconds the clock of the envelopes is ahead.
    pub ahead: Arc<AtomicU64>,
    workers: AtomicU64,
    _databases: [Database; 2],
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}

impl Stage {
    /// Sets everything up on this server, in databases of its own.
    ///
    /// # Errors
    /// The server's.
    pub async fn new(server: &Server) -> Result<Self, BoxDynError> {
        let database = server.database().await?;
        let (db, admin) = walled(&database).await?;

        // The queue: a database and a login of its own, so that no SQL in a tenant's scope reaches it,
        // or hears its notifications.
        let queues = server.database().await?;
        let queue = PgPool::connect(&queues.owner_url()).await?;
        PostgresStorage::setup(&queue).await?;

        let mut tenants = Vec::new();
        for (id, _) in TENANTS {
            tenants.push(Tenant::new(TenantId::new(id)?));
        }
        let store = MemoryStore::new(tenants);
        let ahead = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&ahead);
        // From the configuration, in a service: every process that queues or works has the same.
        let keys = EnvelopeKeys::new(EnvelopeKey::random("2026-11")?).with_clock(move || {
            SystemTime::now() + Duration::from_secs(clock.load(Ordering::SeqCst))
        });
        let tenancy = Tenancy::builder(store.clone())
            .without_requests()
            .envelope_keys(keys)
            .build();
        let storage = PostgresStorage::new(&queue).with_config(Config::default().queue(QUEUE));
        let digests = TenantQueue::new(tenancy.clone(), QUEUE, storage)?.valid_for(VALID_FOR);
        Ok(Self {
            service: Service { db, digests },
            tenancy,
            store,
            admin,
            queue,
            ahead,
            workers: AtomicU64::new(1),
            _databases: [database, queues],
        })
    }

    /// Orders a digest in a tenant's scope, as a request would.
    ///
    /// # Errors
    /// Where the tenant is refused, or the queue does not take it.
    pub async fn order(&self, tenant: &str, about: &str) -> Result<TaskId, BoxDynError> {
        let work = Digest {
            about: about.to_owned(),
        };
        let queue = &self.service.digests;
        let order = async |scope: &TenantScope| -> Result<TaskId, QueueError> {
            queue.push(scope, work).await
        };
        Ok(self.tenancy.run(tenant, order).await?)
    }

    /// Lets a worker work until these jobs are done or given up, and says what became of each: how
    /// often it was tried, and its result.
    ///
    /// # Errors
    /// apalis's, where the queue can't be reached.
    pub async fn work_off<const N: usize>(
        &self,
        jobs: [&TaskId; N],
    ) -> Result<[Outcome; N], BoxDynError> {
        let (stop, stopped) = oneshot::channel::<()>();
        let name = format!("worker-{}", self.workers.fetch_add(1, Ordering::SeqCst));
        let service = self.service.clone();
        let worker = tokio::spawn(async move {
            let stopped = async {
                let _told = stopped.await;
            };
            service.work(&name, stopped).await
        });
        let mut outcomes = Vec::with_capacity(N);
        let mut storage = self.service.digests.backend();
        let mut results = storage.wait_for(jobs.map(Clone::clone));
        while let Some(result) = results.next().await {
            let result: TaskResult<i64> = result?;
            let at = jobs
                .iter()
                .position(|job| job.to_string() == result.task_id.to_string());
            let outcome = Outcome {
                tried: result.attempt,
                result: result.result,
            };
            outcomes.push((at, outcome));
        }
        let _told = stop.send(());
        worker.await??;
        outcomes.sort_by_key(|(at, _)| *at);
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        outcomes
            .try_into()
            .map_err(|_| "the queue forgot a job".into())
    }

    /// Lets the timer tick until one night is over.
    ///
    /// # Errors
    /// apalis's.
    pub async fn a_night(&self) -> Result<Night, BoxDynError> {
        let (reports, mut nights) = mpsc::channel(1);
        let tenants = TENANTS.map(|(id, _)| TenantId::new(id));
        let nightly = Nightly {
            tenancy: self.tenancy.clone(),
            service: self.service.clone(),
            tenants: tenants.into_iter().collect::<Result<_, _>>()?,
            reports,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _told = stopped.await;
        };
        // Every second, where a service says "0 0 3 * * *".
        let worker = tokio::spawn(nightly.work("* * * * * *", stopped));
        let night = nights.recv().await;
        drop(nights);
        let _told = stop.send(());
        worker.await??;
        night.ok_or_else(|| "the timer never ticked".into())
    }

    /// Suspends a tenant, or lets it back.
    ///
    /// # Errors
    /// For an id that is none.
    pub fn set_status(&self, tenant: &str, status: TenantStatus) -> Result<(), BoxDynError> {
        let tenant = TenantId::new(tenant)?;
        self.store.set_status(&tenant, status)?;
        self.tenancy.invalidate(&tenant);
        Ok(())
    }

    /// All digests, of all tenants: tenant, name and count.
    ///
    /// # Errors
    /// The database's.
    pub async fn digests(&mut self) -> Result<Vec<(String, String, i64)>, BoxDynError> {
        let all = "SELECT tenant_id, about, notes FROM digests ORDER BY tenant_id, id";
        Ok(sqlx::query_as(all).fetch_all(&mut self.admin).await?)
    }
}

/// The tenants' database: the sealed scope, the tables, a wall around each, and some notes.
async fn walled(database: &Database) -> Result<(TenantPool, PgConnection), BoxDynError> {
    let mut admin = PgConnection::connect(&database.admin_url()).await?;
    let roles = Roles::new(
        database.runtime_role().parse()?,
        database.central_role().parse()?,
        database.owner_role().parse()?,
    )?;
    let key = SealingKey::generate(KeyId::new(1)?)?;
    postgres::install(&mut admin, &Install::new(roles.clone(), key.clone())).await?;
    let mut owner = PgConnection::connect(&database.owner_url()).await?;
    sqlx::raw_sql(TABLES).execute(&mut owner).await?;
    for table in ["notes", "digests"] {
        let wall = Wall::new(table.parse()?, "tenant_id".parse()?, TenantKind::Text)?;
        postgres::apply_wall(&mut admin, &wall, &roles).await?;
    }
    for (tenant, notes) in TENANTS {
        let some = "INSERT INTO notes SELECT $1, n, 'note ' || n FROM generate_series(1, $2) AS n";
        let insert = sqlx::query(some).bind(tenant).bind(notes);
        insert.execute(&mut admin).await?;
    }
    let db = TenantPool::builder(&database.runtime_url())
        .sealing_key(key)
        .roles(roles)
        .connect()
        .await?;
    Ok((db, admin))
}
