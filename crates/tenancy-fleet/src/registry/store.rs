//! The registry as the store that requests look tenants up in.

use tenancy_core::{BoxError, Domain, TenantId, TenantRecord, TenantStore};

use super::Registry;
use super::entry::Entry;

impl TenantStore for Registry {
    async fn find(&self, id: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
        Ok(records(self.get(id).await?))
    }

    async fn find_by_domain(&self, domain: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        let found = Registry::find_by_domain(self, domain).await?;
        Ok(records(found))
    }
}

/// A tenant that is not placed yet has nothing to be served from: it is unknown.
fn records(entry: Option<Entry>) -> Vec<TenantRecord> {
    let record = |entry: Entry| {
        Some(TenantRecord {
            id: entry.id.as_str().to_owned(),
            status: entry.status.as_str().to_owned(),
            availability: entry.availability,
            domains: entry
                .domains
                .iter()
                .map(|domain| domain.as_str().to_owned())
                .collect(),
            metadata: entry.metadata,
            placement: entry.placement?,
        })
    };
    entry.and_then(record).into_iter().collect()
}
