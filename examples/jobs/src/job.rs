//! How a scope gets into a job, and out of it again.

use std::fmt;
use std::time::Duration;

use apalis::prelude::{AbortError, BoxDynError, TaskBuilder, TaskId, TaskSink as _};
use apalis_postgres::{Config, PgPool, PostgresStorage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tenancy::{Error as ScopeError, ScopeEnvelope, ScopeFn, Tenancy, TenantScope};
use ulid::Ulid;

/// How long a job may wait. Whoever reads the queue can have it run again for as long.
pub const VALID_FOR: Duration = Duration::from_hours(24);

/// Work, and whose it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job<W> {
    /// Whose: signed, and for one queue alone.
    pub scope: ScopeEnvelope,
    /// What is to be done. It names no tenant.
    pub work: W,
}

/// A queue of jobs of one kind.
pub struct Queue<W> {
    tenancy: Tenancy,
    name: &'static str,
    storage: PostgresStorage<Job<W>>,
}

impl<W> Queue<W>
where
    W: Serialize + DeserializeOwned + Send + Sync + Unpin + 'static,
{
    /// The queue of this name, in apalis's tables behind `pool`.
    pub fn new(tenancy: Tenancy, name: &'static str, pool: &PgPool) -> Self {
        let config = Config::default().queue(name);
        Self {
            tenancy,
            name,
            storage: PostgresStorage::new(pool).with_config(config),
        }
    }

    /// Queues work for the tenant whose scope this is.
    ///
    /// # Errors
    /// [`QueueError`]; in each nothing was queued.
    pub async fn push(&self, scope: &TenantScope, work: W) -> Result<TaskId, QueueError> {
        let audience = self.tenancy.audience(self.name)?;
        let scope = audience.envelope(scope, VALID_FOR)?;
        self.push_as_is(Job { scope, work }).await
    }

    /// Queues a job as it is.
    ///
    /// # Errors
    /// [`QueueError::Push`].
    pub async fn push_as_is(&self, job: Job<W>) -> Result<TaskId, QueueError> {
        let id = TaskId::from_string(Ulid::generate().to_string());
        let task = TaskBuilder::new(job).task_id(id.clone()).build();
        let pushed = self.storage().push_task(task).await;
        pushed.map_err(|error| QueueError::Push(error.into()))?;
        Ok(id)
    }

    /// Where workers take their jobs from, and who waits for a result asks.
    pub fn storage(&self) -> PostgresStorage<Job<W>> {
        self.storage.clone()
    }

    /// Does a job's work in its tenant's scope.
    ///
    /// Whether the envelope holds is checked now, and the tenant looked up now: it may have been
    /// suspended since.
    ///
    /// # Errors
    /// [`AbortError`] where the scope is refused, since trying again would not help; else what `work`
    /// fails with, and apalis tries again.
    pub async fn run<F, T>(&self, scope: &ScopeEnvelope, work: F) -> Result<T, BoxDynError>
    where
        F: AsyncFnOnce(&TenantScope) -> Result<T, Undone>
            + for<'s> ScopeFn<'s, TenantScope, T, Undone>,
        T: Send,
    {
        let audience = self.tenancy.audience(self.name)?;
        match audience.run_envelope(scope.as_str(), work).await {
            Ok(done) => Ok(done),
            // Who the tenants are could not be asked: that passes.
            Err(Undone::Scope(error @ ScopeError::Store(_))) => Err(error.into()),
            Err(Undone::Scope(error)) => Err(AbortError::new(error).into()),
            Err(Undone::Work(error)) => Err(error),
        }
    }
}

impl<W> Clone for Queue<W> {
    fn clone(&self) -> Self {
        Self {
            tenancy: self.tenancy.clone(),
            name: self.name,
            storage: self.storage.clone(),
        }
    }
}

impl<W> fmt::Debug for Queue<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why a job was not queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The scope could not be captured.
    #[error("the scope could not be captured, and nothing was queued")]
    Scope(#[from] ScopeError),
    /// The queue did not take the job.
    #[error("the queue did not take the job")]
    Push(#[source] BoxDynError),
}

/// Why a job's work was not done.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// Its scope was not opened.
    #[error("the job's scope was not opened, and nothing was run")]
    Scope(#[from] ScopeError),
    /// The work failed.
    #[error("the work failed")]
    Work(#[source] BoxDynError),
}
