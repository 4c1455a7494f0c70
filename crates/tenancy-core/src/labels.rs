//! Labels for metrics, of which there are never more than a few.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::{TenantId, TenantScope};

/// Labels for metrics and spans, of bounded cardinality: a bounded number of tenants have their id
/// as a label, and all others share [`OTHER`](Self::OTHER).
///
/// Each value of a label is a time series of its own, for as long as the process lives, in every
/// metric that carries it. A label is made from a scope, so that what a request merely claims never
/// becomes one; and a tenant that has a label keeps it, for handing it on would make the number of
/// labels grow without end.
///
/// Cheap to clone; all clones are one, and should be one in a process: the bound is that of each.
///
/// With the [`metrics`](https://docs.rs/metrics) facade, and in a span:
/// ```
/// # use tenancy_core::{Error, MemoryStore, Tenancy, Tenant, TenantId, TenantLabels, TenantScope};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let tenancy = Tenancy::builder(MemoryStore::new([Tenant::new(TenantId::new("acme")?)])).without_requests().build();
/// let labels = TenantLabels::first(50);
/// tenancy.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
///     metrics::counter!("reports_total", "tenant" => labels.of(scope)).increment(1);
///     let span = tracing::info_span!("report", tenant = &*labels.of(scope));
/// #   drop(span);
///     Ok(())
/// }).await
/// # }
/// ```
/// An id makes none, for it may be anybody's text:
/// ```compile_fail
/// # use tenancy_core::{TenantId, TenantLabels};
/// TenantLabels::first(50).of(&TenantId::new("acme").unwrap());
/// ```
#[derive(Clone)]
pub struct TenantLabels(Arc<Labels>);

struct Labels {
    limit: usize,
    named: RwLock<HashSet<TenantId>>,
}

impl TenantLabels {
    /// The label of every tenant that has none of its own. No tenant's id starts with `_`.
    pub const OTHER: &'static str = "_other";

    /// The first `limit` tenants that ask have a label of their own.
    pub fn first(limit: usize) -> Self {
        Self::new(limit, HashSet::new())
    }

    /// These tenants have a label of their own, and nobody else ever.
    pub fn only(tenants: impl IntoIterator<Item = TenantId>) -> Self {
        Self::new(0, tenants.into_iter().collect())
    }

    fn new(limit: usize, named: HashSet<TenantId>) -> Self {
        Self(Arc::new(Labels {
            limit,
            named: RwLock::new(named),
        }))
    }

    /// The label of the tenant whose scope this is, or was: its id, or [`OTHER`](Self::OTHER).
    pub fn of(&self, scope: &TenantScope) -> Arc<str> {
        let tenant = scope.tenant_id();
        if self.has(tenant) || self.takes(tenant) {
            Arc::from(tenant.as_str())
        } else {
            Arc::from(Self::OTHER)
        }
    }

    fn has(&self, tenant: &TenantId) -> bool {
        let named = self.0.named.read();
        named
            .unwrap_or_else(PoisonError::into_inner)
            .contains(tenant)
    }

    fn takes(&self, tenant: &TenantId) -> bool {
        if self.0.limit == 0 {
            return false;
        }
        let mut named = self.0.named.write().unwrap_or_else(PoisonError::into_inner);
        // Another task may have been first.
        if named.contains(tenant) {
            return true;
        }
        named.len() < self.0.limit && named.insert(tenant.clone())
    }
}

impl fmt::Debug for TenantLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.named.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("TenantLabels")
            .field("named", &named.len())
            .finish_non_exhaustive()
    }
}
