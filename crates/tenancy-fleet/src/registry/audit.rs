//! Who changed what, and when.

use std::fmt;
use std::time::SystemTime;

use tenancy_core::{TenantId, TenantStatus};

use super::columns::Columns;
use super::entry::Revision;
use super::limits::text;
use super::turn::Turn;
use super::{Registry, RegistryError};
use crate::db::Cell;

/// Who makes a change: a person's or a program's name, as it shall stand in the audit.
///
/// ```
/// use tenancy_fleet::registry::Actor;
///
/// assert!(Actor::new("ada@example.com").is_ok());
/// assert!(Actor::new("two\nlines").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Checks a name.
    ///
    /// # Errors
    /// [`RegistryError::Length`] when it is empty or too long; [`RegistryError::Character`] when it
    /// holds a control character.
    pub fn new(name: impl Into<String>) -> Result<Self, RegistryError> {
        let name = name.into();
        text("actor", &name, Self::MAX_LEN)?;
        if name.chars().any(char::is_control) {
            return Err(RegistryError::Character { what: "actor" });
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One change of one tenant, as it was recorded with it. It holds no secret and no metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// What the change made of the tenant.
    pub revision: Revision,
    /// When, by the database's clock.
    pub at: SystemTime,
    /// Who.
    pub actor: String,
    /// What was changed, in words: `create`, `status`, `availability`, `metadata`, `domain-added`,
    /// `domain-removed`, `placement`, `credential`, `credential-next`, `credential-promoted`,
    /// `resealed`, `credential-forgotten`, `version`,
    /// `provisioning` and `outcome`, with `+` between several.
    pub what: String,
    /// Domains, versions, provisioning states, and `maintenance` or `read_only` with the second since
    /// 1970 until when it was announced, in the order of the words.
    pub detail: Option<String>,
    /// The status before. `None` where the tenant was created.
    pub old_status: Option<TenantStatus>,
    /// The status afterwards.
    pub new_status: TenantStatus,
}

impl Registry {
    /// The changes of a tenant after `after`, oldest first, at most `limit` (1,000).
    ///
    /// # Errors
    /// [`RegistryError::Database`], [`RegistryError::Malformed`].
    pub async fn audit(
        &self,
        id: &TenantId,
        after: Option<Revision>,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, RegistryError> {
        let sql = "SELECT revision, changed_at, actor, what, detail, old_status, new_status \
                   FROM {audit} WHERE tenant_id = ? AND revision > ? ORDER BY revision LIMIT ?";
        let after = after.map_or(0, Revision::number);
        let limit = i64::from(limit.clamp(1, 1_000));
        let mut turn = Turn::alone(&self.line).await?;
        let rows = turn
            .rows(sql, &[id.as_str().into(), after.into(), limit.into()])
            .await?;
        turn.end();
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Vec<Cell>) -> Result<AuditEntry, RegistryError> {
    let mut row = Columns::of(row);
    let status = |text: String| {
        TenantStatus::parse(&text).ok_or(RegistryError::Malformed { what: "status" })
    };
    Ok(AuditEntry {
        revision: Revision(row.int("revision")?),
        at: row.time("time")?,
        actor: row.text("actor")?,
        what: row.text("audit")?,
        detail: row.optional_text("audit")?,
        old_status: row.optional_text("status")?.map(status).transpose()?,
        new_status: status(row.text("status")?)?,
    })
}
