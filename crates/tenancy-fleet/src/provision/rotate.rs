//! Another password for a tenant's login.

use tenancy_core::TenantId;

use super::ProvisionError;
use super::hold::{Hold, Plan};
use crate::Fleet;
use crate::registry::{Actor, Change, Credential, Entry, Provisioning, RegistryError};
use crate::secrets::generate_password;

impl Fleet {
    /// Gives the tenant's login a new password, without an outage: connections that are open stay
    /// open, and while it is being changed, [`Registry::credential`](crate::registry::Registry)
    /// answers with the old and the new one in turn, so that who is refused asks again and has the
    /// other. A call that was broken off is finished by the next one.
    ///
    /// # Errors
    /// [`ProvisionError`]: [`RegistryError::NoCredential`] where the tenant has no login of its own.
    pub async fn rotate_password(
        &self,
        id: &TenantId,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        let entry = self.entry(id).await?;
        let placement = entry.placement().ok_or(ProvisionError::NotReady)?;
        let mut hold = Hold::of(self.sites.of(placement)?, id, self.patience).await?;
        let entry = self.entry(id).await?;
        match entry.provisioning() {
            Provisioning::Ready => {}
            Provisioning::Removing | Provisioning::Removed => return Err(ProvisionError::Removed),
            _ => return Err(ProvisionError::NotReady),
        }
        let (entry, next) = self.next_credential(entry, actor).await?;
        let plan = Plan {
            tenant: id,
            placement,
            credential: Some(next),
            from: None,
        };
        hold.set_password(&plan).await?;
        let promote = |_: &Entry| Some(Change::promote());
        self.change(entry, promote, actor).await
    }

    /// The credential that is to be: the one of a call that was broken off, whose password the
    /// server may have by now, or a new one.
    async fn next_credential(
        &self,
        entry: Entry,
        actor: &Actor,
    ) -> Result<(Entry, Credential), ProvisionError> {
        let keyring = self.registry.keyring()?;
        if let Some(next) = &entry.next {
            let next = Credential::open(keyring, entry.id(), next)?;
            return Ok((entry, next));
        }
        let present = self.credential_of(&entry)?;
        let present = present.ok_or(RegistryError::NoCredential)?;
        let next = Credential::new(present.user(), generate_password()?)?;
        let change = |_: &Entry| Some(Change::next_credential(next.clone()));
        Ok((self.change(entry, change, actor).await?, next))
    }
}
