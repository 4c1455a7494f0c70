//! How a scope gets into a job, and out of it again.

use std::fmt;
use std::time::Duration;

use apalis_core::backend::{BackendConfig, TaskSink};
use apalis_core::error::{AbortError, BoxDynError};
use apalis_core::task::{builder::TaskBuilder, task_id::TaskId};
use tenancy_core::{Error, ScopeEnvelope, ScopeFn, Tenancy, TenantScope, Undone};
use ulid::Ulid;

use crate::{Job, QueueError};

/// How long a job may wait, where nothing else is said.
const VALID_FOR: Duration = Duration::from_hours(24);

/// A queue of jobs of one kind, in a storage of apalis.
///
/// Cheap to clone where the storage is.
#[derive(Clone)]
pub struct TenantQueue<B> {
    tenancy: Tenancy,
    name: String,
    valid_for: Duration,
    backend: B,
}

impl<B> TenantQueue<B> {
    /// The queue of this name. The name is the audience of its jobs' envelopes: what was sealed for
    /// one queue is refused by every other, so two queues need two names.
    ///
    /// # Errors
    /// [`Error::Envelope`] for a name that is no audience: 1 to 64 characters of `a-z 0-9 - _ .`.
    pub fn new(tenancy: Tenancy, name: impl Into<String>, backend: B) -> Result<Self, Error> {
        let name = name.into();
        tenancy.audience(name.as_str())?;
        Ok(Self {
            tenancy,
            name,
            valid_for: VALID_FOR,
            backend,
        })
    }

    /// How long a job may wait until it is refused: at most 7 days, and 24 hours if it isn't said.
    /// What is queued for later waits, too.
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.valid_for = time;
        self
    }

    /// Queues work for the tenant whose scope this is.
    ///
    /// # Errors
    /// [`QueueError`]; in each case nothing was queued.
    pub async fn push<W>(&self, scope: &TenantScope, work: W) -> Result<TaskId, QueueError>
    where
        B: BackendConfig + TaskSink<Job<W>, <B as BackendConfig>::Kind> + Clone,
    {
        self.push_task(scope, TaskBuilder::new(work)).await
    }

    /// The same with what apalis lets say of a task: when it is to run, how often it may be tried.
    ///
    /// # Errors
    /// [`QueueError`]; in each case nothing was queued.
    pub async fn push_task<W>(
        &self,
        scope: &TenantScope,
        task: TaskBuilder<W>,
    ) -> Result<TaskId, QueueError>
    where
        B: BackendConfig + TaskSink<Job<W>, <B as BackendConfig>::Kind> + Clone,
    {
        let audience = self.tenancy.audience(self.name.as_str())?;
        let scope = audience.envelope(scope, self.valid_for)?;
        let id = TaskId::from_string(Ulid::generate().to_string());
        let task = task.map_args(|work| Job { scope, work });
        let task = task.task_id(id.clone()).build();
        let pushed = self.backend().push_task(task).await;
        pushed.map_err(|error| QueueError::Push(error.into()))?;
        Ok(id)
    }

    /// The storage: where workers take their jobs from.
    pub fn backend(&self) -> B
    where
        B: Clone,
    {
        self.backend.clone()
    }

    /// Does a job's work in its tenant's scope.
    ///
    /// Whether the envelope holds is checked now, and the tenant looked up now, past the cache: it
    /// may have been suspended since.
    ///
    /// # Errors
    /// [`AbortError`] where the scope is refused, since trying again would not help; else what
    /// `work` fails with, or why the tenant could not be looked up, and apalis tries again.
    pub async fn run<F, T, E>(&self, scope: &ScopeEnvelope, work: F) -> Result<T, BoxDynError>
    where
        F: AsyncFnOnce(&TenantScope) -> Result<T, E> + for<'s> ScopeFn<'s, TenantScope, T, E>,
        T: Send,
        E: Into<BoxDynError> + Send,
    {
        let audience = self.tenancy.audience(self.name.as_str())?;
        audience
            .work_off(scope, work)
            .await
            .map_err(|undone| match (undone.is_passing(), undone) {
                (_, Undone::Work(error)) => error.into(),
                (true, Undone::Scope(error)) => error.into(),
                (false, Undone::Scope(error)) => AbortError::new(error).into(),
            })
    }
}

impl<B> fmt::Debug for TenantQueue<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantQueue")
            .field("name", &self.name)
            .field("valid_for", &self.valid_for)
            .finish_non_exhaustive()
    }
}
