//! Removing a tenant's place, for ever.

use std::fmt;
use std::path::PathBuf;

use tenancy_core::{Placement, Strategy, TenantId, TenantStatus};

use super::ProvisionError;
use super::hold::{Hold, Plan};
use crate::Fleet;
use crate::export::{ExportError, Last, Source, is_last};
use crate::registry::{Actor, Change, Entry, Expected, Provisioning, RegistryError};

/// A removal that somebody has confirmed by typing the tenant's id.
#[derive(Clone, PartialEq, Eq)]
pub struct Confirmed {
    id: TenantId,
    export: Option<PathBuf>,
}

impl Confirmed {
    /// The tenant, and what was typed.
    ///
    /// ```
    /// use tenancy_core::TenantId;
    /// use tenancy_fleet::provision::Confirmed;
    ///
    /// let acme = TenantId::new("acme")?;
    /// assert!(Confirmed::new(&acme, "acme").is_ok());
    /// assert!(Confirmed::new(&acme, "yes").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ProvisionError::NotConfirmed`].
    pub fn new(id: &TenantId, typed: &str) -> Result<Self, ProvisionError> {
        if typed == id.as_str() {
            Ok(Self {
                id: id.clone(),
                export: None,
            })
        } else {
            Err(ProvisionError::NotConfirmed)
        }
    }

    /// With an [export](crate::export) of everything into this new folder, when nobody is let in any
    /// more and before anything is dropped. Where it fails, nothing is. A removal that is broken off
    /// may be called again with the same folder.
    #[must_use]
    pub fn export_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.export = Some(folder.into());
        self
    }
}

impl fmt::Debug for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmed").finish_non_exhaustive()
    }
}

impl Fleet {
    /// Suspends a tenant and removes its place **with all its data**, for ever: what a sign-off
    /// handler calls. Those who watch the registry serve it no more within a second; who is
    /// connected still is cut off. It may be called again, and goes on where it was left.
    ///
    /// # Errors
    /// As [`deprovision`](Self::deprovision).
    pub async fn offboard(
        &self,
        id: &TenantId,
        confirmed: &Confirmed,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        ensure_confirmed(id, confirmed)?;
        while let entry = self.entry(id).await?
            && entry.status() == TenantStatus::Active
        {
            let suspended = Change::status(TenantStatus::Suspended);
            let revision = Expected::Revision(entry.revision());
            match self.registry.update(id, revision, suspended, actor).await {
                // Others change it, too: it may be suspended by now.
                Ok(_) | Err(RegistryError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.deprovision(id, confirmed, actor).await
    }

    /// Removes the place of a tenant that is not active, **with all its data**, for ever, and
    /// archives it: id, domains and place are never another's. One that is removed already stays so.
    ///
    /// # Errors
    /// [`ProvisionError::StillActive`], [`ProvisionError::NotConfirmed`],
    /// [`ProvisionError::NoPlace`]; [`SiteError::NotOurs`](crate::site::SiteError::NotOurs) for what
    /// isn't marked as this tenant's, which stays; [`ProvisionError::Export`] for an
    /// [export](Confirmed::export_to) that failed, when nothing is dropped. The registry says
    /// `removing` until it is done.
    pub async fn deprovision(
        &self,
        id: &TenantId,
        confirmed: &Confirmed,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        ensure_confirmed(id, confirmed)?;
        let entry = self.entry(id).await?;
        if is_gone(&entry)? {
            return ended(entry, confirmed).await;
        }
        let site = match entry.placement() {
            Some(placement) => self.sites.of(placement)?,
            None => self.sites.main(),
        };
        let mut hold = Hold::of(site, id, self.patience).await?;
        let entry = self.entry(id).await?;
        if is_gone(&entry)? {
            return ended(entry, confirmed).await;
        }
        let removing = |_: &Entry| Some(Change::provisioning(Provisioning::Removing));
        let entry = self.change(entry, removing, actor).await?;
        // Without its credential, or a placement, nothing was ever begun; what has the name is
        // somebody else's.
        let begun = |placement: &&Placement| {
            placement.credential().is_none() || entry.sealed_credential().is_some()
        };
        if let Some(placement) = entry.placement().filter(begun) {
            let plan = Plan {
                tenant: id,
                placement,
                credential: None,
                from: entry.claimed_from.as_ref(),
            };
            let last = confirmed.export.as_deref().map(|folder| Last {
                source: Source {
                    site,
                    tenant: id,
                    placement,
                    limits: &self.limits,
                },
                folder,
            });
            hold.remove(&plan, last.as_ref()).await?;
        }
        let outcome = Change::outcome(None)?;
        let removed = |_: &Entry| {
            let removed = Change::provisioning(Provisioning::Removed)
                .and(Change::status(TenantStatus::Archived))
                .and(Change::forget_credential())
                .and(Change::applied_version(None));
            Some(removed.and(outcome.clone()))
        };
        self.change(entry, removed, actor).await
    }
}

/// It was removed before. With an export, if one was asked for: nobody is told of one that isn't there.
async fn ended(entry: Entry, confirmed: &Confirmed) -> Result<Entry, ProvisionError> {
    if let Some(folder) = &confirmed.export
        && entry.placement().is_some()
        && !is_last(folder, entry.id()).await?
    {
        return Err(ExportError::NothingLeft.into());
    }
    Ok(entry)
}

fn ensure_confirmed(id: &TenantId, confirmed: &Confirmed) -> Result<(), ProvisionError> {
    if confirmed.id == *id {
        Ok(())
    } else {
        Err(ProvisionError::NotConfirmed)
    }
}

/// Whether there is nothing left to remove. An error where nothing may be removed.
fn is_gone(entry: &Entry) -> Result<bool, ProvisionError> {
    if entry.strategy() == Strategy::RowLevel {
        Err(ProvisionError::NoPlace)
    } else if entry.status() == TenantStatus::Active {
        Err(ProvisionError::StillActive)
    } else {
        Ok(entry.provisioning() == Provisioning::Removed)
    }
}
