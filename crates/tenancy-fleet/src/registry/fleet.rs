//! What runs over many tenants read and record: in few statements, however many they are.

use std::collections::BTreeMap;

use tenancy_core::TenantId;

use super::audit::Actor;
use super::columns::Columns;
use super::entry::{Entry, Revision};
use super::install::{judge, version};
use super::read::{IN_PLACE, NOT_AT};
use super::turn::Turn;
use super::write::{pause, settle};
use super::{Registry, RegistryError};
use crate::db::Value;

/// How many tenants go into one transaction.
const MOST: usize = 500;

/// What has become of a tenant's place.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: TenantId,
    /// The tenant as it was when the work on it began.
    pub(crate) revision: Revision,
    /// Version and digest. `None`: they stay as they are.
    pub(crate) applied: Option<(Option<i64>, Option<String>)>,
    pub(crate) outcome: String,
}

/// The new values of a tenant's columns.
type Columned = (Option<i64>, Option<String>, Option<String>);

impl Registry {
    /// How many tenants have a place that is ready, and how many of them are not at this version
    /// and digest: one statement, for all of them.
    pub(crate) async fn tally(
        &self,
        version: Option<i64>,
        digest: &str,
    ) -> Result<(u64, u64), RegistryError> {
        let sql = format!(
            "SELECT COUNT(*), COUNT(CASE WHEN {NOT_AT} THEN 1 END) FROM {{tenant}} AS p WHERE p.id > ''{IN_PLACE}"
        );
        let values = [version.unwrap_or(0).into(), digest.into()];
        let mut turn = Turn::alone(&self.line).await?;
        let rows = turn.rows(&sql, &values).await?;
        turn.end();
        let mut row = Columns::of(rows.into_iter().next().unwrap_or_default());
        let mut count = || {
            let what = "count";
            u64::try_from(row.int(what)?).map_err(|_| RegistryError::Malformed { what })
        };
        Ok((count()?, count()?))
    }

    /// The highest version that a tenant with a place that is ready is known to be at.
    pub(crate) async fn highest(&self) -> Result<Option<i64>, RegistryError> {
        let sql =
            format!("SELECT MAX(p.applied_version) FROM {{tenant}} AS p WHERE p.id > ''{IN_PLACE}");
        let mut turn = Turn::alone(&self.line).await?;
        let rows = turn.rows(&sql, &[]).await?;
        turn.end();
        Columns::of(rows.into_iter().next().unwrap_or_default()).optional_int("version")
    }

    /// Records what has become of tenants, each with its audit row, in few transactions.
    ///
    /// Where somebody else changed a tenant in between, nobody can tell which of two runs came
    /// last: its digest is forgotten, so that the next run looks into its ledger.
    pub(crate) async fn record(
        &self,
        records: &[Record],
        actor: &Actor,
    ) -> Result<(), RegistryError> {
        for records in records.chunks(MOST) {
            self.in_one(records, actor, false).await?;
        }
        Ok(())
    }

    /// Forgets the digests of tenants that are about to be rolled back, so that none is taken for
    /// one at its old version, whatever comes in between; and gives each a new revision, so that a
    /// run that was there before can't record it any more.
    pub(crate) async fn forget_digests(
        &self,
        entries: &mut [Entry],
        actor: &Actor,
    ) -> Result<(), RegistryError> {
        let records: Vec<_> = entries
            .iter()
            .map(|entry| Record {
                id: entry.id.clone(),
                revision: entry.revision,
                applied: Some((entry.applied_version, None)),
                outcome: "rolling back".to_owned(),
            })
            .collect();
        let mut revisions = BTreeMap::new();
        for records in records.chunks(MOST) {
            revisions.extend(self.in_one(records, actor, true).await?);
        }
        for entry in entries {
            if let Some(revision) = revisions.remove(&entry.id) {
                entry.revision = revision;
                entry.applied_digest = None;
            }
        }
        Ok(())
    }

    /// In one transaction; the new revisions of those that were changed, or of all of them.
    async fn in_one(
        &self,
        records: &[Record],
        actor: &Actor,
        all: bool,
    ) -> Result<BTreeMap<TenantId, Revision>, RegistryError> {
        let mut tries = 0;
        loop {
            let mut turn = Turn::begin(&self.line).await?;
            let done = write(&mut turn, records, actor, all).await;
            match settle(turn, done, &mut tries).await {
                Some(result) => return result,
                None => pause(tries).await,
            }
        }
    }
}

async fn write(
    turn: &mut Turn,
    records: &[Record],
    actor: &Actor,
    all: bool,
) -> Result<BTreeMap<TenantId, Revision>, RegistryError> {
    let wanted: BTreeMap<&str, &Record> = records
        .iter()
        .map(|each| (each.id.as_str(), each))
        .collect();
    // In one order, so that two that record at once don't lock each other out.
    let sql = format!(
        "SELECT id, revision, applied_version, applied_digest, outcome FROM {{tenant}} \
         WHERE id IN ({}) AND provisioning = 'ready' ORDER BY id {{for_update}}",
        marks(wanted.len())
    );
    let ids: Vec<Value<'_>> = wanted.keys().map(|id| (*id).into()).collect();
    let rows = turn.rows(&sql, &ids).await?;
    let mut groups: BTreeMap<Columned, Vec<String>> = BTreeMap::new();
    let mut revisions = BTreeMap::new();
    for row in rows {
        let mut row = Columns::of(row);
        let id = row.text("id")?;
        let revision = row.int("revision")?;
        let now = (
            row.optional_int("version")?,
            row.optional_text("digest")?,
            row.optional_text("outcome")?,
        );
        let Some(record) = wanted.get(id.as_str()) else {
            continue;
        };
        let then = decided(record, revision, &now);
        if all || then != now {
            revisions.insert(record.id.clone(), Revision(revision + 1));
            groups.entry(then).or_default().push(id);
        }
    }
    for ((version, digest, outcome), ids) in &groups {
        let columns = [
            (*version).into(),
            digest.as_deref().into(),
            outcome.as_deref().into(),
        ];
        let ids: Vec<Value<'_>> = ids.iter().map(Value::from).collect();
        let sql = format!(
            "UPDATE {{tenant}} SET applied_version = ?, applied_digest = ?, outcome = ?, \
             revision = revision + 1, updated_at = {{now}} WHERE id IN ({})",
            marks(ids.len())
        );
        let values: Vec<_> = columns.into_iter().chain(ids.iter().copied()).collect();
        turn.run(&sql, &values).await?;
        let sql = format!(
            "INSERT INTO {{audit}} (tenant_id, revision, changed_at, actor, what, detail, old_status, new_status) \
             SELECT t.id, t.revision, {{now}}, ?, ?, ?, t.status, t.status FROM {{tenant}} AS t WHERE t.id IN ({})",
            marks(ids.len())
        );
        let detail = version.map_or("none".to_owned(), |version| version.to_string());
        let said = [
            actor.as_str().into(),
            "version+outcome".into(),
            (&detail).into(),
        ];
        let values: Vec<_> = said.into_iter().chain(ids).collect();
        turn.run(&sql, &values).await?;
    }
    judge(version(turn).await?)?;
    Ok(revisions)
}

fn decided(record: &Record, revision: i64, now: &Columned) -> Columned {
    let outcome = Some(record.outcome.clone());
    match &record.applied {
        None => (now.0, now.1.clone(), outcome),
        Some((version, digest)) if record.revision.number() == revision => {
            (*version, digest.clone(), outcome)
        }
        // Another run came to the same end.
        Some((version, digest)) if (*version, digest) == (now.0, &now.1) => now.clone(),
        Some((version, _)) => (*version, None, outcome),
    }
}

fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}
