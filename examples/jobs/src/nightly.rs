//! Work for all tenants, from a timer: each tenant's part of it in that tenant's scope.

use std::fmt;
use std::future::Future;

use apalis::prelude::{BoxDynError, Data, WorkerBuilder, WorkerBuilderExt as _, WorkerError};
use apalis_cron::{CronScheduler, Tick};
use cron::Schedule;
use tenancy::sqlx::Error as DatabaseError;
use tenancy::{RoundReport, Tenancy, TenantId, TenantScope};
use tokio::sync::mpsc;

use crate::service::{Digest, Service};

/// What became of one night: how many notes each tenant has.
pub type Night = RoundReport<i64, DatabaseError>;

/// A digest for every tenant, every night.
#[derive(Clone)]
pub struct Nightly {
    /// Opens the scopes.
    pub tenancy: Tenancy,
    /// The work.
    pub service: Service,
    /// All tenants. A service asks its registry for them, each night.
    pub tenants: Vec<TenantId>,
    /// Who reads the reports.
    pub reports: mpsc::Sender<Night>,
}

impl Nightly {
    /// Works until `stop`, at the times of `schedule`: second, minute, hour, day, month, weekday.
    ///
    /// # Errors
    /// apalis's, and that of a schedule that is none.
    pub async fn work(
        self,
        schedule: &str,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), BoxDynError> {
        let schedule: Schedule = schedule.parse()?;
        let worker = WorkerBuilder::new("nightly")
            .backend(CronScheduler::new(schedule))
            // A night that takes longer than a day delays the next one.
            .concurrency(1)
            .data(self)
            .build(night);
        let stop = async {
            stop.await;
            Ok::<(), WorkerError>(())
        };
        Ok(worker.run_until(stop).await?)
    }
}

/// One night. The timer has no scope: each tenant's is opened by the round.
async fn night(_: Tick, nightly: Data<Nightly>) -> Result<(), BoxDynError> {
    let Nightly {
        tenancy,
        service,
        tenants,
        reports,
    } = &*nightly;
    let work = Digest {
        about: "nightly".to_owned(),
    };
    let report = tenancy
        .round(tenants.iter().cloned())
        .at_once(4)
        .stop_after(100)
        .run(async |scope: &TenantScope| service.digest(scope, &work).await)
        .await?;
    // Where nobody reads them any more, the night was no worse.
    let _read = reports.send(report).await;
    Ok(())
}

impl fmt::Debug for Nightly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nightly")
            .field("tenants", &self.tenants.len())
            .finish_non_exhaustive()
    }
}
