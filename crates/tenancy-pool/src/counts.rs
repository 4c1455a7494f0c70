//! What is counted. Counting is an addition; the maintenance task reports the sums to the `metrics`
//! facade once a second. No label is a tenant or a target.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::PoolStatus;

macro_rules! counts {
    ($($name:ident = $metric:literal, $label:literal => $value:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Count {
            $($name,)*
        }

        const METRICS: &[(&str, &str, &str)] = &[$(($metric, $label, $value),)*];
    };
}

counts! {
    CheckedOut = "tenancy_pool_checkouts_total", "outcome" => "ok";
    TimedOut = "tenancy_pool_checkouts_total", "outcome" => "timed_out";
    TenantTimedOut = "tenancy_pool_checkouts_total", "outcome" => "tenant_timed_out";
    Refused = "tenancy_pool_checkouts_total", "outcome" => "closed";
    Failed = "tenancy_pool_checkouts_total", "outcome" => "connect_failed";
    Cancelled = "tenancy_pool_checkouts_total", "outcome" => "cancelled";
    Connected = "tenancy_pool_connects_total", "outcome" => "made";
    ConnectFailed = "tenancy_pool_connects_total", "outcome" => "failed";
    ConnectTimedOut = "tenancy_pool_connects_total", "outcome" => "timed_out";
    ConnectPanicked = "tenancy_pool_connects_total", "outcome" => "panicked";
    Cleaned = "tenancy_pool_cleans_total", "outcome" => "clean";
    Kept = "tenancy_pool_cleans_total", "outcome" => "kept";
    CleanFailed = "tenancy_pool_cleans_total", "outcome" => "failed";
    ClosedRoom = "tenancy_pool_evictions_total", "reason" => "room";
    ClosedIdle = "tenancy_pool_evictions_total", "reason" => "idle";
    ClosedLifetime = "tenancy_pool_evictions_total", "reason" => "lifetime";
    ClosedEvicted = "tenancy_pool_evictions_total", "reason" => "evicted";
    ClosedSuspect = "tenancy_pool_evictions_total", "reason" => "suspect";
    ClosedLost = "tenancy_pool_evictions_total", "reason" => "lost";
    ClosedSpoiled = "tenancy_pool_evictions_total", "reason" => "spoiled";
    ClosedUnclean = "tenancy_pool_evictions_total", "reason" => "unclean";
}

pub(crate) struct Counts {
    pub(crate) pool: &'static str,
    sums: [AtomicU64; METRICS.len()],
    reported: [AtomicU64; METRICS.len()],
}

impl Counts {
    pub(crate) fn new(pool: &'static str) -> Self {
        Self {
            pool,
            sums: std::array::from_fn(|_| AtomicU64::new(0)),
            reported: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    pub(crate) fn add(&self, count: Count) {
        self.sums[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How long a checkout had to wait. Those that found a connection at rest did not.
    pub(crate) fn waited(&self, how_long: std::time::Duration) {
        metrics::histogram!("tenancy_pool_wait_seconds", "pool" => self.pool)
            .record(how_long.as_secs_f64());
    }

    pub(crate) fn report(&self, status: PoolStatus) {
        let clean = status.idle - status.shelved;
        for (state, value) in [
            ("clean", clean),
            ("shelved", status.shelved),
            ("in_use", status.in_use),
        ] {
            metrics::gauge!("tenancy_pool_connections", "pool" => self.pool, "state" => state)
                .set(f64::from(value));
        }
        metrics::gauge!("tenancy_pool_waiting", "pool" => self.pool).set(f64::from(status.waiting));
        for (at, (name, label, value)) in METRICS.iter().copied().enumerate() {
            let sum = self.sums[at].load(Ordering::Relaxed);
            let reported = self.reported[at].swap(sum, Ordering::Relaxed);
            if sum > reported {
                metrics::counter!(name, "pool" => self.pool, label => value)
                    .increment(sum - reported);
            }
        }
    }
}
