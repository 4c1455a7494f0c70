//! Places that are made ahead of need, so that a sign-up has nothing to wait for.

use tenancy_core::TenantId;

use super::ProvisionError;
use super::hold::{Hold, Plan};
use crate::Fleet;
use crate::registry::{Actor, Credential, Entry, Furnished, NewTenant, Pending};
use crate::script::text;
use crate::secrets::{SecretsError, generate_password};
use crate::site::{Site, SiteError};

/// What [`Fleet::fill_pending`] found and made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filled {
    /// How many places are whole now, and wait for their tenants.
    pub ready: usize,
    /// How many of them were made, or finished, by this call.
    pub made: usize,
}

impl Fleet {
    /// Makes places ahead of need on the main site, until `target` are whole, finishes those that a
    /// crash has left half made, and brings up to date what newer migrations or seeds have left
    /// behind. [`onboard`](Self::onboard) takes one of them. Call it from a timer, or after sign-ups;
    /// in several processes at once it may make a few too many.
    ///
    /// # Errors
    /// [`ProvisionError`], at the first place that can't be made; what was made stays.
    pub async fn fill_pending(&self, target: usize) -> Result<Filled, ProvisionError> {
        let site = self.sites.main();
        if !site.makes_ahead() {
            return Err(SiteError::Strategy {
                reason: "places are made ahead of need on servers: a file of SQLite's is made at once, and shared tables need none",
            }
            .into());
        }
        let (whole, half): (Vec<_>, Vec<_>) = self
            .registry
            .pending()
            .await?
            .into_iter()
            .partition(|pending| pending.ready);
        let (whole, behind): (Vec<_>, Vec<_>) = whole
            .into_iter()
            .partition(|pending| pending.furnished == self.wanted());
        let (mut ready, mut made) = (whole.len(), 0);
        for pending in half.into_iter().chain(behind) {
            match self.make_pending(site, &pending).await {
                Ok(is_made) => made += usize::from(is_made),
                // Somebody else is at it.
                Err(ProvisionError::Busy) => {}
                Err(error) => return Err(error),
            }
        }
        while ready + made < target {
            let id = pending_id()?;
            let placement = site.placement(&id)?;
            self.registry.intend_pending(&id, &placement).await?;
            let pending = Pending {
                id,
                placement,
                ready: false,
                furnished: Furnished::default(),
            };
            made += usize::from(self.make_pending(site, &pending).await?);
        }
        ready += made;
        Ok(Filled { ready, made })
    }

    /// How many places wait for their tenants.
    ///
    /// # Errors
    /// [`ProvisionError::Registry`].
    pub async fn pending(&self) -> Result<usize, ProvisionError> {
        let all = self.registry.pending().await?;
        Ok(all.iter().filter(|pending| pending.ready).count())
    }

    /// Removes places that wait for their tenants, until no more than `keep` are left: nobody's data
    /// is in them. Half made ones go, too.
    ///
    /// # Errors
    /// [`ProvisionError`], at the first place that can't be removed.
    pub async fn empty_pending(&self, keep: usize) -> Result<Filled, ProvisionError> {
        let site = self.sites.main();
        let (whole, half): (Vec<_>, Vec<_>) = self
            .registry
            .pending()
            .await?
            .into_iter()
            .partition(|pending| pending.ready);
        let ready = whole.len().min(keep);
        for pending in half.into_iter().chain(whole.into_iter().skip(keep)) {
            let mut hold = Hold::of(site, &pending.id, self.patience).await?;
            // From here on no sign-up takes it; one may have, meanwhile.
            if !self.registry.withhold_pending(&pending.id).await? {
                continue;
            }
            let plan = Plan {
                tenant: &pending.id,
                placement: &pending.placement,
                credential: None,
                from: None,
            };
            hold.remove(&plan, None).await?;
            self.registry.forget_pending(&pending.id).await?;
        }
        Ok(Filled { ready, made: 0 })
    }

    /// `false`: it has become a tenant's meanwhile.
    async fn make_pending(&self, site: &Site, pending: &Pending) -> Result<bool, ProvisionError> {
        let mut hold = Hold::of(site, &pending.id, self.patience).await?;
        // No sign-up takes it while it is worked on.
        if !self.registry.withhold_pending(&pending.id).await? {
            return Ok(false);
        }
        // Nobody ever knows this password: its tenant brings another.
        let login = pending.placement.credential();
        let login = login
            .map(|login| Ok::<_, ProvisionError>(Credential::new(login, generate_password()?)?));
        let plan = Plan {
            tenant: &pending.id,
            placement: &pending.placement,
            credential: login.transpose()?,
            from: None,
        };
        let furnished = self.make_whole(&mut hold, &plan).await?;
        self.registry.ready_pending(&pending.id, &furnished).await?;
        Ok(true)
    }

    /// A tenant in a place that was made ahead of need. `None`: none is left.
    pub(super) async fn take_pending(
        &self,
        new: &NewTenant,
        actor: &Actor,
    ) -> Result<Option<Entry>, ProvisionError> {
        let site = self.sites.main();
        if !site.makes_ahead() {
            return Ok(None);
        }
        let login = |login: &str| Credential::new(login, generate_password()?);
        let taken = self.registry.create_from_pending(new, login, actor).await?;
        let Some((entry, pending, credential)) = taken else {
            return Ok(None);
        };
        let plan = Plan {
            tenant: entry.id(),
            placement: &pending.placement,
            credential,
            from: Some(&pending.id),
        };
        Hold::hand_over(site, &plan).await?;
        let furnished = if pending.furnished == self.wanted() {
            pending.furnished
        } else {
            Box::pin(self.furnish(entry.id(), &pending.placement)).await?
        };
        Ok(Some(self.finish(entry, &furnished, actor).await?))
    }
}

/// `p-` and 128 bits of chance.
fn pending_id() -> Result<TenantId, ProvisionError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| SecretsError::NoRandomness)?;
    TenantId::new(format!("p-{}", text::hex(&bytes))).map_err(|_| ProvisionError::NotReady)
}
