//! The same work for many tenants: what a timer calls, and what nobody waits for in a request.

mod report;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, StreamExt as _, stream};

pub use report::{RoundReport, Visit};

use crate::{Context, Error, ScopeFn, Tenancy, TenantId, TenantScope, Undone};

/// How many tenants' work is under way at once, where nothing else is said.
const AT_ONCE: usize = 8;

/// The same work for many tenants, each in its own scope. Made by [`Tenancy::round`].
#[derive(Debug)]
#[must_use = "nothing happens before `.run(..)` is awaited"]
pub struct Round<'t> {
    tenancy: &'t Tenancy,
    tenants: Vec<TenantId>,
    at_once: usize,
    time_limit: Option<Duration>,
    stop_after: Option<usize>,
}

impl Tenancy {
    /// A round over these tenants: the same work in the scope of each, a bounded number of them at
    /// once, with an outcome for every one. A tenant that is given twice is visited once.
    ///
    /// ```
    /// # use tenancy_core::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// # let ids = ["acme", "globex"].map(|id| TenantId::new(id).unwrap());
    /// # let tenancy = Tenancy::builder(MemoryStore::new(ids.clone().map(Tenant::new))).without_requests().build();
    /// let report = tenancy
    ///     .round(ids) // such as all of a registry's
    ///     .at_once(4)
    ///     .stop_after(10)
    ///     .run(async |scope: &TenantScope| -> Result<usize, Error> {
    ///         Ok(scope.tenant_id().as_str().len()) // as in any scope: nothing else is reached from here
    ///     })
    ///     .await?;
    /// assert!(report.is_whole());
    /// println!("{report}"); // 2 done, 0 failed, 0 refused, 0 not tried, in 0.0 s
    /// # Ok(()) }
    /// ```
    pub fn round(&self, tenants: impl IntoIterator<Item = TenantId>) -> Round<'_> {
        let mut seen = HashSet::new();
        Round {
            tenancy: self,
            tenants: tenants
                .into_iter()
                .filter(|tenant| seen.insert(tenant.clone()))
                .collect(),
            at_once: AT_ONCE,
            time_limit: None,
            stop_after: None,
        }
    }
}

impl Round<'_> {
    /// At most so many tenants' work is under way at once; 8 if it isn't said, and never less than 1.
    /// More than the connections that a pool has only wait for one another.
    pub fn at_once(mut self, tenants: usize) -> Self {
        self.at_once = tenants.max(1);
        self
    }

    /// How long one tenant's work may take. Then it is dropped where it stands, and its scope closed.
    /// This needs a runtime of tokio with time.
    pub fn time_limit(mut self, each: Duration) -> Self {
        self.time_limit = Some(each);
        self
    }

    /// After so many failures no further tenant is visited; those under way come to their end.
    /// Nobody is stopped for, if it isn't said.
    pub fn stop_after(mut self, failures: usize) -> Self {
        self.stop_after = Some(failures.max(1));
        self
    }

    /// Runs a copy of `work` in the scope of each tenant, which must be known and active, as with
    /// [`Tenancy::run`]. All of it runs in this task, so that dropping the future drops all work
    /// that is under way.
    ///
    /// A failure, a panic or an overrun ends nobody else's work.
    ///
    /// # Errors
    /// [`Error::NestedTenant`] inside a tenant's scope: nobody was visited. What befell each tenant
    /// is in the report.
    pub async fn run<F, T, E>(self, work: F) -> Result<RoundReport<T, E>, Error>
    where
        F: AsyncFnOnce(&TenantScope) -> Result<T, E>
            + for<'s> ScopeFn<'s, TenantScope, T, E>
            + Clone,
        T: Send,
        E: Send,
    {
        if let Context::Tenant(_) = Context::current() {
            return Err(Error::NestedTenant);
        }
        let since = Instant::now();
        let failures = AtomicUsize::new(0);
        let stop_after = self.stop_after.unwrap_or(usize::MAX);
        let (tenancy, time_limit) = (self.tenancy, self.time_limit);
        // Each by itself, so that nothing of one can be in another's hands.
        let visits = self.tenants.into_iter().enumerate().map(|(at, tenant)| {
            let (failures, work) = (&failures, work.clone());
            async move {
                if failures.load(Ordering::Relaxed) >= stop_after {
                    return (at, tenant, Visit::NotTried);
                }
                let outcome = visit(tenancy, &tenant, time_limit, work).await;
                if outcome.is_failure() {
                    failures.fetch_add(1, Ordering::Relaxed);
                }
                (at, tenant, outcome)
            }
        });
        let mut visited: Vec<_> = stream::iter(visits)
            .buffer_unordered(self.at_once)
            .collect()
            .await;
        visited.sort_by_key(|(at, ..)| *at);
        let outcomes = visited
            .into_iter()
            .map(|(_, tenant, outcome)| (tenant, outcome))
            .collect();
        Ok(RoundReport::new(outcomes, since.elapsed()))
    }
}

async fn visit<F, T, E>(
    tenancy: &Tenancy,
    tenant: &TenantId,
    time_limit: Option<Duration>,
    work: F,
) -> Visit<T, E>
where
    F: for<'s> ScopeFn<'s, TenantScope, T, E>,
    T: Send,
    E: Send,
{
    let run = AssertUnwindSafe(tenancy.run_known(tenant, work)).catch_unwind();
    let run = match time_limit {
        None => run.await,
        Some(limit) => match tokio::time::timeout(limit, run).await {
            Ok(run) => run,
            Err(_) => return Visit::TimedOut,
        },
    };
    match run {
        Ok(Ok(value)) => Visit::Done(value),
        Ok(Err(Undone::Scope(error))) => Visit::Refused(error),
        Ok(Err(Undone::Work(error))) => Visit::Failed(error),
        // The hook has said what; it may hold anything.
        Err(_) => Visit::Panicked,
    }
}
