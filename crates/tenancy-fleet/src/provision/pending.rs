//! Places that are made ahead of need, so that a sign-up has nothing to wait for.

use std::fmt::Write as _;

use tenancy_core::TenantId;

use super::hold::{Hold, Plan};
use super::make::ready;
use super::{Fleet, ProvisionError};
use crate::registry::{Actor, Change, Credential, Entry, NewTenant, Pending, Provisioning};
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
    /// Makes places ahead of need on the main site, until `target` are whole, and finishes those
    /// that a crash has left half made. [`onboard`](Self::onboard) takes one of them. Call it
    /// from a timer, or after sign-ups; in several processes at once it may make a few too many.
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
        let (mut ready, mut made) = (whole.len(), 0);
        for pending in half {
            // Somebody else may be at it.
            match self.make_pending(site, &pending).await {
                Ok(()) => made += 1,
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
                applied: (None, None),
            };
            self.make_pending(site, &pending).await?;
            made += 1;
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

    async fn make_pending(&self, site: &Site, pending: &Pending) -> Result<(), ProvisionError> {
        let mut hold = Hold::of(site, &pending.id, self.patience).await?;
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
        hold.make(&plan).await?;
        self.registry
            .ready_pending(&pending.id, &pending.applied)
            .await?;
        Ok(())
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
        let applied = Change::applied_version(pending.applied.0);
        let whole = |entry: &Entry| {
            // Somebody else may have gone on with it meanwhile.
            let running = entry.provisioning() == Provisioning::Running;
            running.then(|| ready(entry).and(applied.clone()))
        };
        Ok(Some(self.change(entry, whole, actor).await?))
    }
}

/// `p-` and 128 bits of chance.
fn pending_id() -> Result<TenantId, ProvisionError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| SecretsError::NoRandomness)?;
    let mut id = "p-".to_owned();
    for byte in bytes {
        let _ = write!(id, "{byte:02x}");
    }
    TenantId::new(id).map_err(|_| ProvisionError::NotReady)
}
