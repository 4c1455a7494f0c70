//! Two tenants, a queue in a file of SQLite, and a worker.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use apalis::prelude::{
    BoxDynError, Data, TaskId, TaskResult, WaitForCompletion as _, WorkerBuilder, WorkerError,
};
use apalis_sqlite::{Config, SqlitePool, SqliteStorage};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tenancy_apalis::{Job, TenantQueue};
use tenancy_core::{
    EnvelopeKey, EnvelopeKeys, MemoryStore, Tenancy, Tenant, TenantId, TenantScope,
};
use tokio::sync::oneshot;

pub(crate) const QUEUE: &str = "mail";

/// A letter, and how often it can't be sent first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) text: String,
    pub(crate) fails: u32,
}

pub(crate) type Letters = TenantQueue<SqliteStorage<Job<Letter>>>;

/// What was sent: the tenant of the scope, and the text.
pub(crate) type Sent = Arc<Mutex<Vec<(String, String)>>>;

pub(crate) struct Stage {
    pub(crate) tenancy: Tenancy,
    pub(crate) store: MemoryStore,
    pub(crate) pool: SqlitePool,
    pub(crate) letters: Letters,
    pub(crate) sent: Sent,
    /// By how many seconds the clock of the envelopes is ahead.
    pub(crate) ahead: Arc<AtomicU64>,
    workers: AtomicU64,
    _folder: TempDir,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/jobs.db?mode=rwc", folder.path().display());
        let pool = SqlitePool::connect(&url).await.unwrap();
        SqliteStorage::setup(&pool).await.unwrap();
        let tenants = ["acme", "globex"].map(|id| Tenant::new(TenantId::new(id).unwrap()));
        let store = MemoryStore::new(tenants);
        let ahead = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&ahead);
        let keys = EnvelopeKeys::new(EnvelopeKey::random("k1").unwrap()).with_clock(move || {
            SystemTime::now() + Duration::from_secs(clock.load(Ordering::SeqCst))
        });
        let tenancy = Tenancy::builder(store.clone())
            .without_requests()
            .envelope_keys(keys)
            .build();
        let letters = queue(&tenancy, &pool, QUEUE);
        Self {
            tenancy,
            store,
            pool,
            letters,
            sent: Sent::default(),
            ahead,
            workers: AtomicU64::new(1),
            _folder: folder,
        }
    }

    /// Queues a letter as a request of this tenant would.
    pub(crate) async fn order(&self, tenant: &str, text: &str, fails: u32) -> TaskId {
        let letter = Letter {
            text: text.to_owned(),
            fails,
        };
        let queue = &self.letters;
        self.tenancy
            .run(
                tenant,
                async |scope: &TenantScope| -> Result<TaskId, BoxDynError> {
                    Ok(queue.push(scope, letter).await?)
                },
            )
            .await
            .unwrap()
    }

    /// Lets a worker work until these are done or given up: how often each was tried, and its result.
    pub(crate) async fn work_off(&self, jobs: &[&TaskId]) -> Vec<(usize, Result<(), String>)> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (letters, sent) = (self.letters.clone(), Arc::clone(&self.sent));
        // A name is one worker's for as long as it may be alive.
        let name = format!("worker-{}", self.workers.fetch_add(1, Ordering::SeqCst));
        let worker = tokio::spawn(async move {
            let worker = WorkerBuilder::new(name)
                .backend(letters.backend())
                .data((letters, sent))
                .build(send);
            let stopped = async {
                let _told = stopped.await;
                Ok::<(), WorkerError>(())
            };
            worker.run_until(stopped).await
        });
        let mut outcomes = Vec::new();
        let mut storage = self.letters.backend();
        let mut results = storage.wait_for(jobs.iter().map(|job| (*job).clone()));
        while let Some(result) = results.next().await {
            let result: TaskResult<()> = result.unwrap();
            let at = jobs
                .iter()
                .position(|job| job.to_string() == result.task_id.to_string());
            outcomes.push((at, (result.attempt, result.result)));
        }
        let _told = stop.send(());
        worker.await.unwrap().unwrap();
        outcomes.sort_by_key(|(at, _)| *at);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

pub(crate) fn queue(tenancy: &Tenancy, pool: &SqlitePool, name: &str) -> Letters {
    let storage = SqliteStorage::new(pool).with_config(Config::default().queue(name));
    TenantQueue::new(tenancy.clone(), name, storage).unwrap()
}

async fn send(job: Job<Letter>, data: Data<(Letters, Sent)>) -> Result<(), BoxDynError> {
    let (letters, sent) = &*data;
    let Letter { text, fails } = &job.work;
    letters
        .run(&job.scope, async |scope: &TenantScope| {
            let mut sent = sent.lock().unwrap();
            sent.push((scope.tenant_id().to_string(), text.clone()));
            let tried = sent.iter().filter(|(_, sent)| sent == text).count();
            if tried <= usize::try_from(*fails).unwrap() {
                return Err(std::io::Error::other("the mail server is busy"));
            }
            Ok(())
        })
        .await
}
