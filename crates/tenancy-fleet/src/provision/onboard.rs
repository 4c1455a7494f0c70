//! Signing a tenant up, in one call.

use serde::Serialize;
use tenancy_core::{Domain, Strategy, TenantId};

use super::ProvisionError;
use crate::Fleet;
use crate::registry::{Actor, Entry, NewTenant, RegistryError};

/// What a sign-up brings. A [`TenantId`] alone is one, too.
///
/// ```
/// use tenancy_core::{Domain, TenantId};
/// use tenancy_fleet::provision::Onboarding;
///
/// let acme = Onboarding::new(TenantId::new("acme")?).domain(Domain::new("acme.example")?);
/// # let _ = acme;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is made before `Fleet::onboard`"]
pub struct Onboarding {
    new: NewTenant,
}

impl Onboarding {
    /// A tenant in a place of its own, on the fleet's main site.
    pub fn new(id: TenantId) -> Self {
        Self {
            new: NewTenant::new(id, Strategy::DatabasePerTenant),
        }
    }

    /// A domain of its own.
    pub fn domain(mut self, domain: Domain) -> Self {
        self.new = self.new.domain(domain);
        self
    }

    /// The application's own data about it.
    ///
    /// # Errors
    /// [`RegistryError::Metadata`], [`RegistryError::Length`].
    pub fn metadata<M: Serialize>(mut self, metadata: &M) -> Result<Self, RegistryError> {
        self.new = self.new.metadata(metadata)?;
        Ok(self)
    }
}

impl From<&TenantId> for Onboarding {
    fn from(id: &TenantId) -> Self {
        Self::new(id.clone())
    }
}

impl Fleet {
    /// Records a tenant, makes its place and makes it active: what a sign-up handler calls. It may
    /// be called again for a tenant that is not active yet, and goes on where it was left.
    ///
    /// Where places were [made ahead of need](Self::fill_pending), it takes one of them.
    ///
    /// On a site of shared tables there is nothing to make, and the tenant is active at once.
    ///
    /// # Errors
    /// [`ProvisionError`]: [`RegistryError::IdTaken`] for a tenant that is active, suspended or
    /// archived, whose domains and metadata stay as they are.
    pub async fn onboard(
        &self,
        onboarding: impl Into<Onboarding> + Send,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        let Onboarding { new } = onboarding.into();
        let site = self.sites.main();
        let id = new.id.clone();
        if site.strategy == Strategy::RowLevel {
            let entry = self.registry.create(new.shared(), actor).await?;
            return Ok(entry);
        }
        // The name must be possible before anything is recorded.
        let placement = site.placement(&id)?;
        let new = new.placement(placement);
        match Box::pin(self.take_pending(&new, actor)).await {
            Ok(Some(entry)) => return Ok(entry),
            Ok(None) | Err(ProvisionError::Registry(RegistryError::IdTaken)) => {}
            Err(error) => return Err(error),
        }
        match self.registry.create(new, actor).await {
            Ok(_) => {}
            Err(RegistryError::IdTaken) if self.is_waiting(&id).await? => {}
            Err(error) => return Err(error.into()),
        }
        Box::pin(self.provision(&id, actor)).await
    }

    /// Whether the tenant is there and was not whole yet.
    async fn is_waiting(&self, id: &TenantId) -> Result<bool, ProvisionError> {
        let entry = self.entry(id).await?;
        Ok(entry.status() == tenancy_core::TenantStatus::Provisioning)
    }
}
