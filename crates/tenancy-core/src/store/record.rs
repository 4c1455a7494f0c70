//! What a store holds about a tenant.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Availability, Placement, Tenant};

/// What a store holds about one tenant, not yet believed: it becomes a [`Tenant`] only after it
/// has been checked against what was asked for.
///
/// `Debug` shows the id and the status alone.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantRecord {
    /// The id, exactly as it was asked for.
    pub id: String,
    /// `active`, `suspended`, `provisioning` or `archived`.
    pub status: String,
    /// Whether an active tenant can be worked with just now.
    #[serde(default)]
    pub availability: Availability,
    /// Every domain of this tenant's own, in lower case, without port or trailing dot. A look-up
    /// by id and one by domain must both give the whole list.
    #[serde(default)]
    pub domains: Vec<String>,
    /// The application's own data.
    #[serde(default)]
    pub metadata: serde_json::Value,
    /// Where the tenant's data lives.
    pub placement: Placement,
}

impl From<Tenant> for TenantRecord {
    /// A record without domains.
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id().as_str().to_owned(),
            status: tenant.status().as_str().to_owned(),
            availability: tenant.availability(),
            domains: Vec::new(),
            // JSON can always be read as JSON.
            metadata: tenant.metadata().unwrap_or_default(),
            placement: tenant.placement().clone(),
        }
    }
}

impl fmt::Debug for TenantRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRecord")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
