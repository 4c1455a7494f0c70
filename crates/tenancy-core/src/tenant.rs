//! A tenant: its id, status, metadata and placement.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Availability, Placement, TenantId};

/// A customer whose data is kept apart.
///
/// `Debug` shows the id and the status, and never metadata or placement: those hold the
/// customer's own data and the names of servers and credentials.
///
/// ```
/// use tenancy_core::{Tenant, TenantId, TenantStatus};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Plan { seats: u32 }
///
/// let acme = Tenant::new(TenantId::new("acme")?).with_metadata(&Plan { seats: 5 })?;
/// assert_eq!(acme.status(), TenantStatus::Active);
/// assert_eq!(acme.metadata::<Plan>()?.seats, 5);
/// assert!(!format!("{acme:?}").contains("seats"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Tenant {
    id: TenantId,
    status: TenantStatus,
    availability: Availability,
    metadata: serde_json::Value,
    placement: Placement,
}

impl Tenant {
    /// An active tenant, open, without metadata, on shared tables.
    pub fn new(id: TenantId) -> Self {
        Self {
            id,
            status: TenantStatus::Active,
            availability: Availability::Open,
            metadata: serde_json::Value::Null,
            placement: Placement::shared(),
        }
    }

    /// The same tenant with another status.
    pub fn with_status(mut self, status: TenantStatus) -> Self {
        self.status = status;
        self
    }

    /// The same tenant, to be worked with like this.
    pub fn with_availability(mut self, availability: Availability) -> Self {
        self.availability = availability;
        self
    }

    /// The same tenant with another placement.
    pub fn with_placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// The same tenant with `metadata`, a type of the application's own.
    ///
    /// # Errors
    /// [`MetadataError`] when the value can't be written as JSON.
    pub fn with_metadata<M: Serialize>(mut self, metadata: &M) -> Result<Self, MetadataError> {
        self.metadata = serde_json::to_value(metadata).map_err(|_| MetadataError::Encode)?;
        Ok(self)
    }

    pub(crate) fn with_raw_metadata(mut self, metadata: serde_json::Value) -> Self {
        self.metadata = metadata;
        self
    }

    /// Whose data this is.
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// Whether it may be served now.
    pub fn status(&self) -> TenantStatus {
        self.status
    }

    /// Whether it can be worked with just now, where it may be served.
    pub fn availability(&self) -> Availability {
        self.availability
    }

    /// Where its data lives.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The application's own data about this tenant, read as `M`.
    ///
    /// # Errors
    /// [`MetadataError::Decode`] when the stored metadata is no `M`; the error repeats none of it.
    pub fn metadata<M: DeserializeOwned>(&self) -> Result<M, MetadataError> {
        M::deserialize(&self.metadata).map_err(|_| MetadataError::Decode)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Whether a tenant may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TenantStatus {
    /// Served. The only status that opens a scope.
    Active,
    /// Kept, and not served: from outside it looks as if it did not exist.
    Suspended,
    /// Being made; not served before it is whole.
    Provisioning,
    /// Ended; kept for the record.
    Archived,
}

impl TenantStatus {
    /// The status as a store writes it: `active`, `suspended`, `provisioning` or `archived`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Provisioning => "provisioning",
            Self::Archived => "archived",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes; anything else is `None`, never a default.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Active,
            Self::Suspended,
            Self::Provisioning,
            Self::Archived,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}

impl fmt::Display for TenantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why metadata could not be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The value has no form in JSON.
    #[error("the tenant's metadata can't be written as JSON: use a type with string keys only")]
    Encode,
    /// What is stored is not of the type that was asked for.
    #[error(
        "the tenant's metadata is not of the type that was asked for: check what the store holds against that type"
    )]
    Decode,
}
