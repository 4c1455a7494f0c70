//! Every change: one transaction, with its audit row, its revision and its notice.

use std::time::Duration;

use tenancy_core::{Domain, TenantId, TenantStatus};

use super::audit::Actor;
use super::availability;
use super::change::{Change, Expected, Part};
use super::entry::Entry;
use super::error::RegistryError;
use super::install::{VERSION, judge, version};
use super::new_tenant::NewTenant;
use super::place::{self, Keys};
use super::read::by_id;
use super::turn::{Turn, is_passing};
use super::{Provisioning, Registry};
use crate::db::{Cell, Fault, FaultKind, Kind};
use crate::secrets::{Purpose, Sealed};

/// How often a transaction is tried that the database rolled back for the others' sake.
const TRIES: u32 = 6;

impl Registry {
    /// Records a tenant.
    ///
    /// # Errors
    /// [`RegistryError::IdTaken`], [`RegistryError::DomainTaken`], [`RegistryError::PlaceTaken`],
    /// [`RegistryError::Placement`], [`RegistryError::NotReady`], [`RegistryError::Length`],
    /// [`RegistryError::Character`], [`RegistryError::Newer`], [`RegistryError::Database`],
    /// [`RegistryError::Unknown`].
    pub async fn create(&self, new: NewTenant, actor: &Actor) -> Result<Entry, RegistryError> {
        const MOST_DOMAINS: usize = 16;
        let keys = match &new.placement {
            Some(placement) => place::keys(placement, self.base.as_deref())?,
            None => None,
        };
        let placed = new.placement.is_some();
        ensure_whole(new.status, placed, new.provisioning)?;
        if new.domains.len() > MOST_DOMAINS {
            return Err(RegistryError::Change);
        }
        let mut tries = 0;
        loop {
            let mut turn = Turn::begin(&self.line).await?;
            let done = insert(&mut turn, &new, keys.as_ref(), actor).await;
            match settle(turn, done, &mut tries).await {
                Some(result) => return result,
                None => pause(tries).await,
            }
        }
    }

    /// Changes a tenant, where it is still at the revision that is expected, and answers with what
    /// has become of it.
    ///
    /// # Errors
    /// [`RegistryError::Conflict`] where somebody else changed it in between;
    /// [`RegistryError::NoSuchTenant`]; what the [`Change`] itself may be refused with;
    /// [`RegistryError::Newer`], [`RegistryError::Database`], [`RegistryError::Unknown`].
    pub async fn update(
        &self,
        id: &TenantId,
        expected: impl Into<Expected> + Send,
        change: Change,
        actor: &Actor,
    ) -> Result<Entry, RegistryError> {
        let expected = expected.into();
        change.check()?;
        let mut tries = 0;
        loop {
            let mut turn = Turn::begin(&self.line).await?;
            let done = self.apply(&mut turn, id, expected, &change, actor).await;
            match settle(turn, done, &mut tries).await {
                Some(result) => return result,
                None => pause(tries).await,
            }
        }
    }

    async fn apply(
        &self,
        turn: &mut Turn,
        id: &TenantId,
        expected: Expected,
        change: &Change,
        actor: &Actor,
    ) -> Result<Entry, RegistryError> {
        // Whoever comes second waits here, and then sees what the first one did.
        let sql = "SELECT revision FROM {tenant} WHERE id = ? {for_update}";
        turn.rows(sql, &[id.as_str().into()]).await?;
        let before = by_id(turn, id).await?.ok_or(RegistryError::NoSuchTenant)?;
        if let Expected::Revision(expected) = expected
            && expected != before.revision
        {
            return Err(RegistryError::Conflict {
                expected: expected.number(),
                found: before.revision.number(),
            });
        }
        let mut after = before.clone();
        let mut metadata = None;
        for part in change.parts() {
            match part {
                Part::Status(status) => after.status = *status,
                Part::Availability(to) => {
                    availability::write(turn, id, *to).await?;
                    after.availability = *to;
                }
                Part::Metadata(text) => metadata = Some(text),
                Part::AddDomain(domain) => add_domain(turn, &before, domain).await?,
                Part::RemoveDomain(domain) => remove_domain(turn, id, domain).await?,
                Part::Placement(placement) => {
                    if before
                        .placement
                        .as_ref()
                        .is_some_and(|own| own != placement)
                        || before.strategy != placement.strategy()
                    {
                        return Err(RegistryError::PlacedElsewhere);
                    }
                    let keys = place::keys(placement, self.base.as_deref())?;
                    place::claim(turn, id, placement, keys.as_ref()).await?;
                    after.placement = Some(placement.clone());
                }
                Part::Credential(credential) => {
                    after.sealed = Some(credential.seal(self.keyring()?, id)?);
                    after.next = None;
                }
                Part::NextCredential(credential) => {
                    if before.sealed.is_none() {
                        return Err(RegistryError::NoCredential);
                    }
                    after.next = Some(credential.seal(self.keyring()?, id)?);
                }
                Part::Promote => {
                    let next = after.next.take().ok_or(RegistryError::NoCredential)?;
                    after.sealed = Some(next);
                }
                Part::Reseal => {
                    let sealed = before.sealed.as_ref();
                    let sealed = sealed.ok_or(RegistryError::NoCredential)?;
                    after.sealed = Some(self.resealed(id, sealed)?);
                    let next = before.next.as_ref();
                    after.next = next.map(|next| self.resealed(id, next)).transpose()?;
                }
                Part::ForgetCredential => (after.sealed, after.next) = (None, None),
                Part::AppliedVersion(version) => {
                    after.applied_version = *version;
                    after.applied_digest = None;
                }
                Part::Applied(version, digest) => {
                    after.applied_version = *version;
                    after.applied_digest = Some(digest.clone());
                }
                Part::Provisioning(state) => after.provisioning = *state,
                Part::Outcome(outcome) => after.outcome.clone_from(outcome),
            }
        }
        if before.status == TenantStatus::Archived && after.status != before.status {
            return Err(RegistryError::Archived);
        }
        ensure_whole(after.status, after.placement.is_some(), after.provisioning)?;
        save(turn, &before, &after, metadata).await?;
        record(
            turn,
            Some(&before),
            &after,
            &change.words(),
            change.detail(),
            actor,
        )
        .await?;
        notice(turn, id, change.is_noticed()).await?;
        by_id(turn, id).await?.ok_or(RegistryError::NoSuchTenant)
    }

    fn resealed(&self, id: &TenantId, sealed: &Sealed) -> Result<Sealed, RegistryError> {
        let again = self.keyring()?.reseal(id, Purpose::LOGIN, sealed)?;
        Ok(again.unwrap_or_else(|| sealed.clone()))
    }
}

pub(super) async fn insert(
    turn: &mut Turn,
    new: &NewTenant,
    keys: Option<&Keys>,
    actor: &Actor,
) -> Result<Entry, RegistryError> {
    let id = new.id.as_str();
    let strategy = new.strategy.to_string();
    // Active only below, once it is placed.
    let sql = "INSERT INTO {tenant} (id, status, strategy, placed, metadata, provisioning, sealed_credential, sealed_with, \
               claimed_from, revision, created_at, updated_at) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, 1, {now}, {now})";
    let sealed = new.sealed.as_ref().map(ToString::to_string);
    let values = [
        id.into(),
        TenantStatus::Provisioning.as_str().into(),
        (&strategy).into(),
        (&new.metadata).into(),
        new.provisioning.as_str().into(),
        sealed.as_deref().into(),
        new.sealed.as_ref().map(Sealed::key_id).into(),
        new.claimed_from.as_ref().map(TenantId::as_str).into(),
    ];
    let inserted = turn.run(sql, &values).await;
    inserted.map_err(taken(RegistryError::IdTaken))?;
    if let Some(placement) = &new.placement {
        place::claim(turn, &new.id, placement, keys).await?;
    }
    let sql = "UPDATE {tenant} SET status = ? WHERE id = ?";
    turn.run(sql, &[new.status.as_str().into(), id.into()])
        .await?;
    for domain in &new.domains {
        insert_domain(turn, &new.id, domain).await?;
    }
    let entry = by_id(turn, &new.id)
        .await?
        .ok_or(RegistryError::NoSuchTenant)?;
    let domains: Vec<_> = new.domains.iter().map(Domain::as_str).collect();
    let detail = (!domains.is_empty()).then(|| domains.join(" "));
    record(turn, None, &entry, "create", detail, actor).await?;
    notice(turn, &new.id, true).await?;
    Ok(entry)
}

async fn add_domain(turn: &mut Turn, of: &Entry, domain: &Domain) -> Result<(), RegistryError> {
    if of.domains.contains(domain) {
        Ok(())
    } else {
        insert_domain(turn, &of.id, domain).await
    }
}

async fn insert_domain(
    turn: &mut Turn,
    id: &TenantId,
    domain: &Domain,
) -> Result<(), RegistryError> {
    let sql = "INSERT INTO {domain} (domain, tenant_id) VALUES (?, ?)";
    let values = [domain.as_str().into(), id.as_str().into()];
    let added = turn.run(sql, &values).await;
    added.map_err(taken(RegistryError::DomainTaken))?;
    Ok(())
}

/// What it means that the key is there.
fn taken(error: RegistryError) -> impl FnOnce(Fault) -> RegistryError {
    move |fault| {
        if fault.is(FaultKind::Unique) {
            error
        } else {
            fault.into()
        }
    }
}

async fn remove_domain(
    turn: &mut Turn,
    id: &TenantId,
    domain: &Domain,
) -> Result<(), RegistryError> {
    let sql = "DELETE FROM {domain} WHERE domain = ? AND tenant_id = ?";
    turn.run(sql, &[domain.as_str().into(), id.as_str().into()])
        .await?;
    Ok(())
}

/// Writes the tenant's own columns, but for its placement.
async fn save(
    turn: &mut Turn,
    before: &Entry,
    after: &Entry,
    metadata: Option<&String>,
) -> Result<(), RegistryError> {
    let id = after.id.as_str();
    let sealed = after.sealed.as_ref().map(ToString::to_string);
    let next = after.next.as_ref().map(ToString::to_string);
    if let Some(metadata) = metadata {
        let sql = "UPDATE {tenant} SET metadata = ? WHERE id = ?";
        turn.run(sql, &[metadata.into(), id.into()]).await?;
    }
    let sql = "UPDATE {tenant} SET status = ?, sealed_credential = ?, sealed_with = ?, sealed_next = ?, applied_version = ?, applied_digest = ?, \
               provisioning = ?, outcome = ?, revision = revision + 1, updated_at = {now} \
               WHERE id = ? AND revision = ?";
    let values = [
        after.status.as_str().into(),
        sealed.as_deref().into(),
        after.sealed.as_ref().map(Sealed::key_id).into(),
        next.as_deref().into(),
        after.applied_version.into(),
        after.applied_digest.as_deref().into(),
        after.provisioning.as_str().into(),
        after.outcome.as_deref().into(),
        id.into(),
        before.revision.number().into(),
    ];
    if turn.run(sql, &values).await? == 1 {
        Ok(())
    } else {
        Err(RegistryError::Conflict {
            expected: before.revision.number(),
            found: before.revision.number() + 1,
        })
    }
}

/// The audit row. Its key is the tenant's revision, so that no change has two, or another's.
async fn record(
    turn: &mut Turn,
    before: Option<&Entry>,
    after: &Entry,
    what: &str,
    detail: Option<String>,
    actor: &Actor,
) -> Result<(), RegistryError> {
    let sql = "INSERT INTO {audit} (tenant_id, revision, changed_at, actor, what, detail, old_status, new_status) \
               VALUES (?, ?, {now}, ?, ?, ?, ?, ?)";
    let values = [
        after.id.as_str().into(),
        before
            .map_or(1, |before| before.revision.number() + 1)
            .into(),
        actor.as_str().into(),
        what.into(),
        detail.as_deref().into(),
        before.map(|before| before.status.as_str()).into(),
        after.status.as_str().into(),
    ];
    turn.run(sql, &values).await?;
    Ok(())
}

/// Numbers the change, for those who watch. It comes last, since everybody who changes something
/// waits for the counter's row; so the numbers are seen in their order.
async fn notice(turn: &mut Turn, id: &TenantId, noticed: bool) -> Result<(), RegistryError> {
    if !noticed {
        // A registry that was migrated under a running program is not written to by it.
        return judge(version(turn).await?);
    }
    let sql = "UPDATE {registry} SET changes = changes + 1 WHERE one = 1 AND version = ?";
    if turn.run(sql, &[VERSION.into()]).await? != 1 {
        judge(version(turn).await?)?;
        return Err(RegistryError::NotInstalled);
    }
    let sql = "UPDATE {tenant} SET notice = (SELECT r.changes FROM {registry} AS r WHERE r.one = 1) WHERE id = ?";
    turn.run(sql, &[id.as_str().into()]).await?;
    if turn.dialect().kind == Kind::Postgres {
        let channel = turn.dialect().names.channel();
        // It says nothing: whoever hears it looks at the table.
        let rows = turn
            .rows(
                "SELECT 1::bigint FROM (SELECT pg_notify(?, '')) AS told",
                &[(&channel).into()],
            )
            .await?;
        debug_assert!(rows == [[Cell::Int(1)]]);
    }
    Ok(())
}

fn ensure_whole(
    status: TenantStatus,
    placed: bool,
    provisioning: Provisioning,
) -> Result<(), RegistryError> {
    if status == TenantStatus::Active && (!placed || provisioning != Provisioning::Ready) {
        Err(RegistryError::NotReady)
    } else {
        Ok(())
    }
}

/// Commits or rolls back. `None`: it may be tried again.
pub(super) async fn settle<T>(
    turn: Turn,
    done: Result<T, RegistryError>,
    tries: &mut u32,
) -> Option<Result<T, RegistryError>> {
    let result = match done {
        Ok(value) => turn.commit().await.map(|()| value),
        Err(error) => {
            turn.roll_back().await;
            Err(error)
        }
    };
    *tries += 1;
    match &result {
        Err(error) if is_passing(error) && *tries < TRIES => None,
        _ => Some(result),
    }
}

/// Longer each time, and by chance, so that two don't meet again.
pub(super) async fn pause(tries: u32) {
    let mut byte = [0];
    // Without chance they still part by their number of tries.
    let _ = getrandom::fill(&mut byte);
    let millis = u64::from(tries) * (5 + u64::from(byte[0] % 32));
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
