//! Making a tenant's place, from wherever it was left.

use tenancy_core::{Strategy, TenantId, TenantStatus};

use super::ProvisionError;
use super::furnish;
use super::hold::{Hold, Plan};
use crate::Fleet;
use crate::registry::{
    Actor, Change, Credential, Entry, Expected, Furnished, Provisioning, RegistryError,
};
use crate::secrets::generate_password;

impl Fleet {
    /// Makes the place of a tenant that is recorded, whatever is there of it already, and makes it
    /// [`Ready`](Provisioning::Ready). A tenant that waited for its place is active then; one that
    /// was suspended stays so. Where it is ready already, nothing is done.
    ///
    /// # Errors
    /// [`ProvisionError`]. The registry says `failed` and why; what was made stays, and the next
    /// call goes on from there.
    pub async fn provision(&self, id: &TenantId, actor: &Actor) -> Result<Entry, ProvisionError> {
        let entry = self.entry(id).await?;
        if is_done(&entry)? {
            return self.activate(entry, actor).await;
        }
        let site = match entry.placement() {
            Some(placement) => self.sites.of(placement)?,
            None => self.sites.main(),
        };
        let mut hold = Hold::of(site, id, self.patience).await?;
        // Whoever held it before may have done it all.
        let entry = self.entry(id).await?;
        if is_done(&entry)? {
            return self.activate(entry, actor).await;
        }
        match Box::pin(self.make(&mut hold, entry, actor)).await {
            Ok(entry) => Ok(entry),
            Err(error) => {
                self.record_failure(id, &error, actor).await;
                Err(error)
            }
        }
    }

    async fn make(
        &self,
        hold: &mut Hold<'_>,
        entry: Entry,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        let entry = self.intend(hold, entry, actor).await?;
        let placement = entry.placement().ok_or(ProvisionError::NotReady)?;
        let plan = Plan {
            tenant: entry.id(),
            placement,
            credential: self.credential_of(&entry)?,
            from: entry.claimed_from.as_ref(),
        };
        // Who was ever served, or may have been, has data there.
        let never_served =
            entry.status() == TenantStatus::Provisioning && entry.applied_version().is_none();
        let furnished = if never_served {
            self.make_whole(hold, &plan).await?
        } else {
            hold.make(&plan).await?;
            Box::pin(self.furnish(entry.id(), placement)).await?
        };
        self.finish(entry, &furnished, actor).await
    }

    /// Who waits for a place that is whole, waits no longer.
    async fn activate(&self, entry: Entry, actor: &Actor) -> Result<Entry, ProvisionError> {
        let active = |entry: &Entry| {
            let waits = entry.status() == TenantStatus::Provisioning;
            waits.then(|| Change::status(TenantStatus::Active))
        };
        self.change(entry, active, actor).await
    }

    /// Records what is about to be made, before it is: the place, the login and its password.
    async fn intend(
        &self,
        hold: &mut Hold<'_>,
        entry: Entry,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        let placement = if let Some(placement) = entry.placement() {
            placement.clone()
        } else {
            let site = self.sites.main().clone().strategy(entry.strategy());
            site.placement(entry.id())?
        };
        let mut change = Change::provisioning(Provisioning::Running).and(Change::outcome(None)?);
        if entry.placement().is_none() {
            change = change.and(Change::placement(placement.clone()));
        }
        if let Some(login) = placement.credential()
            && entry.sealed_credential().is_none()
        {
            hold.ensure_free(&placement).await?;
            let credential = Credential::new(login, generate_password()?)?;
            change = change.and(Change::credential(credential));
        }
        self.change(entry, |_| Some(change.clone()), actor).await
    }

    /// Everything is there: the tenant may be served.
    pub(super) async fn finish(
        &self,
        entry: Entry,
        furnished: &Furnished,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        let furnished = furnish::furnished(furnished)?;
        let whole = |entry: &Entry| {
            // Somebody else may have gone on with it meanwhile.
            let running = entry.provisioning() == Provisioning::Running;
            running.then(|| ready(entry).and(furnished.clone()))
        };
        self.change(entry, whole, actor).await
    }

    /// Makes the change that is right for the tenant as it is now. What others change of it
    /// meanwhile, such as its domains, is no hindrance; what this work rests on is.
    pub(super) async fn change(
        &self,
        mut entry: Entry,
        change: impl Fn(&Entry) -> Option<Change> + Send + Sync,
        actor: &Actor,
    ) -> Result<Entry, ProvisionError> {
        const TRIES: u32 = 20;
        let mut tries = 0;
        while let Some(change) = change(&entry) {
            let revision = Expected::Revision(entry.revision());
            let changed = self.registry.update(entry.id(), revision, change, actor);
            let conflict = match changed.await {
                Err(conflict @ RegistryError::Conflict { .. }) => conflict,
                changed => return Ok(changed?),
            };
            let now = self.entry(entry.id()).await?;
            tries += 1;
            if !rests_on_the_same(&entry, &now) || tries == TRIES {
                return Err(conflict.into());
            }
            entry = now;
        }
        Ok(entry)
    }

    /// As well as it can be: without it, the tenant is left as `running`, which is gone on with, too.
    async fn record_failure(&self, id: &TenantId, error: &ProvisionError, actor: &Actor) {
        let recorded = async {
            let entry = self.entry(id).await?;
            // Somebody else may have finished it in the meantime.
            if is_done(&entry)? {
                return Ok(());
            }
            let outcome = Change::outcome(Some(error.outcome()))?;
            let change = Change::provisioning(Provisioning::Failed).and(outcome);
            let revision = Expected::Revision(entry.revision());
            self.registry.update(id, revision, change, actor).await?;
            Ok::<(), ProvisionError>(())
        };
        if let Err(error) = recorded.await {
            tracing::warn!(%error, "a failed provisioning could not be recorded");
        }
    }

    pub(crate) async fn entry(&self, id: &TenantId) -> Result<Entry, ProvisionError> {
        let entry = self.registry.get(id).await?;
        Ok(entry.ok_or(RegistryError::NoSuchTenant)?)
    }

    /// The present credential, opened.
    pub(super) fn credential_of(
        &self,
        entry: &Entry,
    ) -> Result<Option<Credential>, ProvisionError> {
        let Some(sealed) = entry.sealed_credential() else {
            return Ok(None);
        };
        let keyring = self.registry.keyring()?;
        Ok(Some(Credential::open(keyring, entry.id(), sealed)?))
    }
}

/// Whether there is nothing left to make. An error where nothing may be made.
fn is_done(entry: &Entry) -> Result<bool, ProvisionError> {
    if entry.strategy() == Strategy::RowLevel {
        return Err(ProvisionError::NoPlace);
    }
    if entry.status() == TenantStatus::Archived {
        return Err(ProvisionError::Removed);
    }
    match entry.provisioning() {
        Provisioning::Ready => Ok(true),
        Provisioning::Removing | Provisioning::Removed => Err(ProvisionError::Removed),
        _ => Ok(false),
    }
}

/// The place is whole. Whoever waited for it is active; whoever was suspended meanwhile is not.
fn ready(entry: &Entry) -> Change {
    let ready = Change::provisioning(Provisioning::Ready);
    if entry.status() == TenantStatus::Provisioning {
        ready.and(Change::status(TenantStatus::Active))
    } else {
        ready
    }
}

/// Whether nothing changed that making and removing a place goes by.
fn rests_on_the_same(before: &Entry, now: &Entry) -> bool {
    before.provisioning() == now.provisioning()
        && before.placement() == now.placement()
        && before.sealed == now.sealed
        && before.next == now.next
}
