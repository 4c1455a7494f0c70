//! A tenant that is about to be recorded.

use std::fmt;

use serde::Serialize;
use tenancy_core::{Domain, Placement, Strategy, TenantId, TenantStatus};

use super::RegistryError;
use super::change::metadata_text;
use super::entry::Provisioning;
use crate::secrets::Sealed;

/// A tenant that is about to be recorded. `Debug` shows its id alone.
///
/// ```
/// use tenancy_core::{Strategy, TenantId};
/// use tenancy_fleet::registry::NewTenant;
///
/// #[derive(serde::Serialize)]
/// struct Plan { seats: u32 }
///
/// // Served once it was provisioned and activated.
/// let acme = NewTenant::new(TenantId::new("acme")?, Strategy::DatabasePerTenant)
///     .metadata(&Plan { seats: 5 })?;
/// // On shared tables there is nothing to make, so it is served at once.
/// let beta = NewTenant::active(TenantId::new("beta")?);
/// # let _ = (acme, beta);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is recorded before `Registry::create`"]
pub struct NewTenant {
    pub(crate) id: TenantId,
    pub(crate) status: TenantStatus,
    pub(crate) strategy: Strategy,
    pub(crate) placement: Option<Placement>,
    pub(crate) provisioning: Provisioning,
    pub(crate) metadata: String,
    pub(crate) domains: Vec<Domain>,
    /// The login's credential, where the place was made before its tenant was known.
    pub(crate) sealed: Option<Sealed>,
    /// The id that such a place was made for.
    pub(crate) claimed_from: Option<TenantId>,
}

impl NewTenant {
    /// A tenant whose place is still to be made: [`Provisioning`](TenantStatus::Provisioning), and
    /// not placed, unless its strategy is [`Strategy::RowLevel`].
    pub fn new(id: TenantId, strategy: Strategy) -> Self {
        let shared = strategy == Strategy::RowLevel;
        Self {
            id,
            status: TenantStatus::Provisioning,
            strategy,
            placement: shared.then(Placement::shared),
            provisioning: if shared {
                Provisioning::Ready
            } else {
                Provisioning::Pending
            },
            metadata: "null".to_owned(),
            domains: Vec::new(),
            sealed: None,
            claimed_from: None,
        }
    }

    /// An active tenant on shared tables.
    pub fn active(id: TenantId) -> Self {
        Self::new(id, Strategy::RowLevel).status(TenantStatus::Active)
    }

    /// A tenant that is at this place already, which is whole.
    pub fn placed(id: TenantId, placement: Placement) -> Self {
        Self {
            provisioning: Provisioning::Ready,
            ..Self::new(id, placement.strategy()).placement(placement)
        }
    }

    /// The place that is to be made for it: nobody else gets it from here on.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.strategy = placement.strategy();
        self.placement = Some(placement);
        self
    }

    /// The same tenant on shared tables, active.
    pub(crate) fn shared(self) -> Self {
        Self {
            metadata: self.metadata,
            domains: self.domains,
            ..Self::active(self.id)
        }
    }

    /// Another status.
    pub fn status(mut self, status: TenantStatus) -> Self {
        self.status = status;
        self
    }

    /// The application's own data about it.
    ///
    /// # Errors
    /// [`RegistryError::Metadata`]; [`RegistryError::Length`] above 64 KiB of JSON.
    pub fn metadata<M: Serialize>(mut self, metadata: &M) -> Result<Self, RegistryError> {
        self.metadata = metadata_text(metadata)?;
        Ok(self)
    }

    /// A domain of its own.
    pub fn domain(mut self, domain: Domain) -> Self {
        if !self.domains.contains(&domain) {
            self.domains.push(domain);
        }
        self
    }
}

impl fmt::Debug for NewTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTenant")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
