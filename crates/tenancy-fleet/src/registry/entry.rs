//! A tenant as the registry has it.

use std::fmt;
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use tenancy_core::{
    Availability, Domain, MetadataError, Placement, Strategy, TenantId, TenantStatus,
};

use super::columns::Columns;
use super::{RegistryError, availability, place};
use crate::db::Cell;
use crate::secrets::Sealed;

/// How often a tenant was changed: 1 when it is created, one more with each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub(crate) i64);

impl Revision {
    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl From<i64> for Revision {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far the making of a tenant's place is. A tenant is active only when it is `Ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provisioning {
    /// Not begun.
    Pending,
    /// Begun. After a crash it is to be resumed.
    Running,
    /// The place is whole.
    Ready,
    /// A step failed; the outcome says which.
    Failed,
    /// Its removal has begun.
    Removing,
    /// The place is gone.
    Removed,
}

impl Provisioning {
    const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Ready,
        Self::Failed,
        Self::Removing,
        Self::Removed,
    ];

    /// The word that the registry keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Removing => "removing",
            Self::Removed => "removed",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for Provisioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A tenant as the registry has it. `Debug` shows its id, status and revision.
#[derive(Clone, PartialEq)]
pub struct Entry {
    pub(crate) id: TenantId,
    pub(crate) status: TenantStatus,
    pub(crate) availability: Availability,
    pub(crate) strategy: Strategy,
    pub(crate) placement: Option<Placement>,
    pub(crate) sealed: Option<Sealed>,
    pub(crate) next: Option<Sealed>,
    /// The id that its place was made for, before its tenant was known.
    pub(crate) claimed_from: Option<TenantId>,
    pub(crate) metadata: serde_json::Value,
    pub(crate) applied_version: Option<i64>,
    pub(crate) applied_digest: Option<String>,
    pub(crate) provisioning: Provisioning,
    pub(crate) outcome: Option<String>,
    pub(crate) revision: Revision,
    pub(crate) created_at: SystemTime,
    pub(crate) updated_at: SystemTime,
    pub(crate) domains: Vec<Domain>,
}

/// What [`read`] reads, in its order.
pub(crate) const COLUMNS: &str = "t.id, t.status, t.strategy, t.placed, t.server, t.database_name, t.schema_name, \
     t.credential_name, t.sealed_credential, t.sealed_next, t.claimed_from, t.metadata, t.applied_version, t.applied_digest, t.provisioning, t.outcome, \
     t.revision, t.created_at, t.updated_at, a.mode, a.available_at, d.domain";

impl Entry {
    /// Whose data it is.
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// Whether it may be served.
    pub fn status(&self) -> TenantStatus {
        self.status
    }

    /// Whether it can be worked with just now, where it may be served.
    pub fn availability(&self) -> Availability {
        self.availability
    }

    /// How it is kept apart.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Where its data lives, once that was recorded.
    pub fn placement(&self) -> Option<&Placement> {
        self.placement.as_ref()
    }

    /// Its own domains, in order.
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// The application's own data about it, read as `M`.
    ///
    /// # Errors
    /// [`MetadataError::Decode`] when it is no `M`.
    pub fn metadata<M: DeserializeOwned>(&self) -> Result<M, MetadataError> {
        M::deserialize(&self.metadata).map_err(|_| MetadataError::Decode)
    }

    /// Its sealed credential, if it has one.
    pub fn sealed_credential(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }

    /// Whether a change of its password was begun and is not finished: two credentials may be the
    /// one that its server takes.
    pub fn is_rotating(&self) -> bool {
        self.next.is_some()
    }

    /// The last migration that was applied to it.
    pub fn applied_version(&self) -> Option<i64> {
        self.applied_version
    }

    /// The [digest](crate::migrations::MigrationSet::digest) of the migrations up to there. `None`:
    /// not known, so the next run looks into the tenant's own ledger.
    pub fn applied_digest(&self) -> Option<&str> {
        self.applied_digest.as_deref()
    }

    /// How far the making of its place is.
    pub fn provisioning(&self) -> Provisioning {
        self.provisioning
    }

    /// What the last provisioning or migration ended with.
    pub fn outcome(&self) -> Option<&str> {
        self.outcome.as_deref()
    }

    /// How often it was changed: what [`Registry::update`](super::Registry::update) expects.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// When it was created, by the database's clock.
    pub fn created_at(&self) -> SystemTime {
        self.created_at
    }

    /// When it was last changed.
    pub fn updated_at(&self) -> SystemTime {
        self.updated_at
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("revision", &self.revision.0)
            .finish_non_exhaustive()
    }
}

/// The tenants in rows that are ordered by id and domain, one row for each domain.
pub(crate) fn read_all(rows: Vec<Vec<Cell>>) -> Result<Vec<Entry>, RegistryError> {
    let mut entries: Vec<Entry> = Vec::new();
    for row in rows {
        let mut entry = read(row)?;
        match entries.last_mut() {
            Some(last) if last.id == entry.id => last.domains.append(&mut entry.domains),
            _ => entries.push(entry),
        }
    }
    Ok(entries)
}

fn read(row: Vec<Cell>) -> Result<Entry, RegistryError> {
    let malformed = |what| RegistryError::Malformed { what };
    let mut row = Columns::of(row);
    let id = TenantId::new(row.text("id")?).map_err(|_| malformed("id"))?;
    let status = TenantStatus::parse(&row.text("status")?).ok_or(malformed("status"))?;
    let strategy = row.text("strategy")?;
    let placed = row.int("placement")? == 1;
    let parts = [
        row.optional_text("placement")?,
        row.optional_text("placement")?,
        row.optional_text("placement")?,
        row.optional_text("placement")?,
    ];
    let (strategy, placement) = place::read(&strategy, placed, parts)?;
    let (current, next) = (sealed(&mut row)?, sealed(&mut row)?);
    let claimed_from = row
        .optional_text("id")?
        .map(|text| TenantId::new(text).map_err(|_| malformed("id")))
        .transpose()?;
    let metadata =
        serde_json::from_str(&row.text("metadata")?).map_err(|_| malformed("metadata"))?;
    let applied_version = row.optional_int("version")?;
    let applied_digest = row.optional_text("digest")?;
    let provisioning =
        Provisioning::parse(&row.text("provisioning")?).ok_or(malformed("provisioning state"))?;
    let outcome = row.optional_text("outcome")?;
    let revision = Revision(row.int("revision")?);
    let (created_at, updated_at) = (row.time("time")?, row.time("time")?);
    let availability = availability::read(&mut row)?;
    let domain = row
        .optional_text("domain")?
        .map(|text| {
            let domain = Domain::new(&text).ok();
            domain.filter(|domain| domain.as_str() == text)
        })
        .map(|domain| domain.ok_or(malformed("domain")))
        .transpose()?;
    Ok(Entry {
        id,
        status,
        availability,
        strategy,
        placement,
        sealed: current,
        next,
        claimed_from,
        metadata,
        applied_version,
        applied_digest,
        provisioning,
        outcome,
        revision,
        created_at,
        updated_at,
        domains: domain.into_iter().collect(),
    })
}

fn sealed(row: &mut Columns) -> Result<Option<Sealed>, RegistryError> {
    let malformed = |_| RegistryError::Malformed { what: "credential" };
    row.optional_text("credential")?
        .map(|text| text.parse().map_err(malformed))
        .transpose()
}
