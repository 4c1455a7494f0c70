//! What each tenant has of the service right now.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tenancy_core::TenantId;

use super::{Limited, Limits};

/// Shared by all copies of one layer. A tenant is in it while it has requests running, and as long
/// as its rate is not what it would be had it never come.
pub(super) struct Usage {
    clock: Time,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    running: HashMap<TenantId, usize>,
    /// By quota: tenants of one plan share a limiter, each under its own key.
    rates: HashMap<(Duration, NonZeroU32), Rate>,
    /// Requests since the tenants that are as good as new were last forgotten.
    unswept: usize,
}

type Rate = RateLimiter<TenantId, HashMapStateStore<TenantId>, Time, NoOpMiddleware<Duration>>;

/// Sweeping looks at all tenants, so it comes after as many requests as there are tenants, and this
/// many at least: each request pays for one look on average.
const SWEEP_AFTER: usize = 1_000;

impl Usage {
    pub(super) fn new(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            clock: Time(Arc::new(clock)),
            kept: Mutex::default(),
        })
    }

    /// Counts one more request of `tenant`, until the permit is dropped.
    pub(super) fn enter(
        self: &Arc<Self>,
        tenant: &TenantId,
        limits: Limits,
    ) -> Result<Permit, Limited> {
        let mut kept = self.lock();
        kept.sweep();
        let running = kept.running.get(tenant).copied().unwrap_or(0);
        if limits.at_once.is_some_and(|at_once| running >= at_once) {
            return Err(Limited::AtOnce);
        }
        // Last, so that only a request that is served counts.
        if let Some(quota) = limits.quota
            && let Err(next) = kept.rate(quota, &self.clock).check_key(tenant)
        {
            let retry_after = next.wait_time_from(self.clock.now());
            return Err(Limited::Rate { retry_after });
        }
        kept.running.insert(tenant.clone(), running + 1);
        Ok(Permit {
            usage: Arc::clone(self),
            tenant: tenant.clone(),
        })
    }

    /// How many tenants are remembered; one with several quotas counts for each.
    pub(super) fn remembered(&self) -> usize {
        let mut kept = self.lock();
        kept.forget_idle();
        kept.len()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn rate(&mut self, quota: Quota, clock: &Time) -> &Rate {
        let key = (quota.replenish_interval(), quota.burst_size());
        self.rates
            .entry(key)
            .or_insert_with(|| RateLimiter::hashmap_with_clock(quota, clock.clone()))
    }

    fn sweep(&mut self) {
        self.unswept += 1;
        if self.unswept > SWEEP_AFTER.max(self.len()) {
            self.forget_idle();
        }
    }

    fn forget_idle(&mut self) {
        self.unswept = 0;
        self.rates.retain(|_, rate| {
            rate.retain_recent();
            !rate.is_empty()
        });
    }

    fn len(&self) -> usize {
        let rates = self.rates.values().map(RateLimiter::len);
        self.running.len() + rates.sum::<usize>()
    }
}

/// One request that runs. Dropped, on whatever path, it is counted no more.
pub(super) struct Permit {
    usage: Arc<Usage>,
    tenant: TenantId,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut kept = self.usage.lock();
        if let Some(running) = kept.running.get_mut(&self.tenant) {
            *running -= 1;
            if *running == 0 {
                kept.running.remove(&self.tenant);
            }
        }
    }
}

/// The time since some moment, as governor wants it.
#[derive(Clone)]
struct Time(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time(..)")
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").finish_non_exhaustive()
    }
}
