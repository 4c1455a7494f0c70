//! Places that were made ahead of need, and are nobody's yet.
//!
//! Each is marked for an id of its own, `p-` and 32 hexadecimal digits, which no tenant should have.
//! It holds no secret: its login has a password that nobody knows until it becomes a tenant's.

use tenancy_core::{Placement, TenantId};

use super::audit::Actor;
use super::columns::Columns;
use super::entry::Entry;
use super::new_tenant::NewTenant;
use super::place::{self, Keys};
use super::turn::Turn;
use super::write::{insert, pause, settle};
use super::{Credential, Provisioning, Registry, RegistryError};
use crate::db::Row;

/// A place that is nobody's yet.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) id: TenantId,
    pub(crate) placement: Placement,
    pub(crate) ready: bool,
    pub(crate) furnished: Furnished,
}

/// What is in a place: the last migration, the digest of all up to it, and that of the seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Furnished {
    pub(crate) version: Option<i64>,
    pub(crate) digest: Option<String>,
    pub(crate) seeds: Option<String>,
}

const COLUMNS: &str = "n.id, n.strategy, n.server, n.database_name, n.schema_name, n.credential_name, \
                       n.ready, n.applied_version, n.applied_digest, n.seeds_digest";

impl Registry {
    /// Records a place before it is made.
    pub(crate) async fn intend_pending(
        &self,
        id: &TenantId,
        placement: &Placement,
    ) -> Result<(), RegistryError> {
        let keys = self.keys(placement)?;
        let mut tries = 0;
        loop {
            let mut turn = Turn::begin(&self.line).await?;
            let done = intend(&mut turn, id, placement, &keys).await;
            match settle(turn, done, &mut tries).await {
                Some(result) => return result,
                None => pause(tries).await,
            }
        }
    }

    /// All of them, oldest first.
    pub(crate) async fn pending(&self) -> Result<Vec<Pending>, RegistryError> {
        let sql = format!("SELECT {COLUMNS} FROM {{pending}} AS n ORDER BY n.created_at, n.id");
        let mut turn = Turn::alone(&self.line).await?;
        let rows = turn.rows(&sql, &[]).await?;
        turn.end();
        rows.into_iter().map(read).collect()
    }

    /// It is whole, with this in it.
    pub(crate) async fn ready_pending(
        &self,
        id: &TenantId,
        furnished: &Furnished,
    ) -> Result<(), RegistryError> {
        let sql = "UPDATE {pending} SET ready = 1, applied_version = ?, applied_digest = ?, seeds_digest = ? WHERE id = ?";
        let values = [
            furnished.version.into(),
            furnished.digest.as_deref().into(),
            furnished.seeds.as_deref().into(),
            id.as_str().into(),
        ];
        let mut turn = Turn::alone(&self.line).await?;
        turn.run(sql, &values).await?;
        turn.end();
        Ok(())
    }

    /// No tenant gets it from here on. `false`: one has got it.
    pub(crate) async fn withhold_pending(&self, id: &TenantId) -> Result<bool, RegistryError> {
        let mut turn = Turn::begin(&self.line).await?;
        let sql = "UPDATE {pending} SET ready = 0 WHERE id = ?";
        turn.run(sql, &[id.as_str().into()]).await?;
        let sql = "SELECT id FROM {pending} WHERE id = ?";
        let rows = turn.rows(sql, &[id.as_str().into()]).await?;
        turn.commit().await?;
        Ok(!rows.is_empty())
    }

    /// Forgets one whose place is gone.
    pub(crate) async fn forget_pending(&self, id: &TenantId) -> Result<(), RegistryError> {
        let mut turn = Turn::alone(&self.line).await?;
        let sql = "DELETE FROM {pending} WHERE id = ?";
        turn.run(sql, &[id.as_str().into()]).await?;
        turn.end();
        Ok(())
    }

    /// Records a tenant, in a place that is whole, with a credential for the login that is
    /// there; its handing over has begun. `None`: no place is left, and nothing was recorded.
    pub(crate) async fn create_from_pending(
        &self,
        new: &NewTenant,
        credential: impl Fn(&str) -> Result<Credential, RegistryError> + Send + Sync,
        actor: &Actor,
    ) -> Result<Option<(Entry, Pending, Option<Credential>)>, RegistryError> {
        let mut tries = 0;
        loop {
            let mut turn = Turn::begin(&self.line).await?;
            let done = self.claim(&mut turn, new, &credential, actor).await;
            match settle(turn, done, &mut tries).await {
                Some(result) => return result,
                None => pause(tries).await,
            }
        }
    }

    async fn claim(
        &self,
        turn: &mut Turn,
        new: &NewTenant,
        credential: &(impl Fn(&str) -> Result<Credential, RegistryError> + Send + Sync),
        actor: &Actor,
    ) -> Result<Option<(Entry, Pending, Option<Credential>)>, RegistryError> {
        // In the order of the key: in any other, InnoDB locks all that it sorts.
        let sql = format!(
            "SELECT {COLUMNS} FROM {{pending}} AS n WHERE n.ready = 1 AND n.strategy = ? \
             ORDER BY n.id LIMIT 1 {{for_update_of_the_next}}"
        );
        let strategy = new.strategy.to_string();
        let rows = turn.rows(&sql, &[(&strategy).into()]).await?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(None);
        };
        let pending = read(row)?;
        let sql = "DELETE FROM {pending} WHERE id = ?";
        turn.run(sql, &[pending.id.as_str().into()]).await?;
        let login = pending.placement.credential().map(credential).transpose()?;
        let sealed = match &login {
            Some(login) => Some(login.seal(self.keyring()?, &new.id)?),
            None => None,
        };
        let new = NewTenant {
            placement: Some(pending.placement.clone()),
            provisioning: Provisioning::Running,
            sealed,
            claimed_from: Some(pending.id.clone()),
            ..new.clone()
        };
        let keys = self.keys(&pending.placement)?;
        let entry = insert(turn, &new, Some(&keys), actor).await?;
        Ok(Some((entry, pending, login)))
    }

    fn keys(&self, placement: &Placement) -> Result<Keys, RegistryError> {
        place::keys(placement, self.base.as_deref())?.ok_or(RegistryError::Placement {
            reason: "shared tables are no place that could be made ahead of need",
        })
    }
}

async fn intend(
    turn: &mut Turn,
    id: &TenantId,
    placement: &Placement,
    keys: &Keys,
) -> Result<(), RegistryError> {
    place::hold(turn, keys).await?;
    let sql = "INSERT INTO {pending} (id, strategy, server, database_name, schema_name, credential_name, \
               place, place_kind, place_key, ready, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, {now})";
    let strategy = placement.strategy().to_string();
    let (place, kind, key) = keys.parts();
    let values = [
        id.as_str().into(),
        (&strategy).into(),
        placement.server().into(),
        placement.database_name().into(),
        placement.schema_name().into(),
        placement.credential().into(),
        place.into(),
        kind.into(),
        key.into(),
    ];
    turn.run(sql, &values).await.map_err(place::taken)?;
    Ok(())
}

fn read(row: Row) -> Result<Pending, RegistryError> {
    let malformed = |what| RegistryError::Malformed { what };
    let mut row = Columns::of(row);
    let id = TenantId::new(row.text("id")?).map_err(|_| malformed("id"))?;
    let strategy = row.text("strategy")?;
    let parts = [
        row.optional_text("placement")?,
        row.optional_text("placement")?,
        row.optional_text("placement")?,
        row.optional_text("placement")?,
    ];
    let (_, placement) = place::read(&strategy, true, parts)?;
    Ok(Pending {
        id,
        placement: placement.ok_or(malformed("placement"))?,
        ready: row.int("state")? == 1,
        furnished: Furnished {
            version: row.optional_int("version")?,
            digest: row.optional_text("digest")?,
            seeds: row.optional_text("digest")?,
        },
    })
}
