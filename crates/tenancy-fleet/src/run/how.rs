//! How a run goes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tenancy_core::TenantId;

use super::Observer;
use crate::registry::Actor;
use crate::script::Limits;

/// How a run over the fleet goes.
#[derive(Clone)]
#[must_use = "give it to one of the calls of `Fleet`"]
pub struct Run {
    pub(super) actor: Actor,
    pub(super) jobs: usize,
    pub(super) canary: usize,
    pub(super) stop_after: Option<u64>,
    pub(super) only: Option<Vec<TenantId>>,
    pub(super) limits: Limits,
    pub(super) everyone: bool,
    pub(super) dry: bool,
    pub(super) stop: Stop,
    pub(super) observer: Option<Arc<dyn Observer>>,
}

impl Run {
    /// A run that stands in the audit under this name: 4 jobs, over all tenants, without canaries,
    /// and one that fails stops nobody.
    pub fn by(actor: Actor) -> Self {
        Self {
            actor,
            jobs: 4,
            canary: 0,
            stop_after: None,
            only: None,
            limits: Limits::default(),
            everyone: false,
            dry: false,
            stop: Stop::default(),
            observer: None,
        }
    }

    /// How many tenants are worked on at once: so many connections to their servers, at most.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs.clamp(1, 512);
        self
    }

    /// The first so many tenants come one after the other, and all of them must go well before the
    /// rest starts.
    pub fn canary(mut self, tenants: usize) -> Self {
        self.canary = tenants;
        self
    }

    /// After so many failures no other tenant is begun.
    pub fn stop_after(mut self, failures: u64) -> Self {
        self.stop_after = Some(failures.max(1));
        self
    }

    /// These tenants alone.
    pub fn only(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.only = Some(tenants.into_iter().collect());
        self
    }

    /// How long scripts may wait and run.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Looks into each tenant's own ledger, also where the registry says that there is nothing to
    /// do: finds what was changed behind its back.
    pub fn everyone(mut self) -> Self {
        self.everyone = true;
        self
    }

    /// Says what would be done, and does nothing.
    pub fn dry(mut self) -> Self {
        self.dry = true;
        self
    }

    /// Ends the run at the next tenant when it is told to.
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Hears of every tenant as it goes.
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("jobs", &self.jobs)
            .field("canary", &self.canary)
            .field("stop_after", &self.stop_after)
            .field("dry", &self.dry)
            .finish_non_exhaustive()
    }
}

/// Ends a run at the next tenant: for a signal's handler. Its clones are one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Not stopped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those who are at work finish, and nobody else begins.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
