//! Reading tenants.

use tenancy_core::{Domain, TenantId, TenantStatus};

use super::entry::{COLUMNS, Entry, read_all};
use super::turn::Turn;
use super::{Registry, RegistryError};
use crate::db::Value;

/// Which tenants to list: in the order of their ids, page by page.
///
/// ```
/// use tenancy_core::TenantStatus;
/// use tenancy_fleet::registry::{List, Registry, RegistryError};
///
/// async fn suspended(registry: &Registry) -> Result<usize, RegistryError> {
///     let (mut list, mut count) = (List::default().status(TenantStatus::Suspended), 0);
///     loop {
///         let page = registry.list(&list).await?;
///         let Some(last) = page.last() else { return Ok(count) };
///         count += page.len();
///         list = list.after(last.id().clone());
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "give it to `Registry::list`"]
pub struct List {
    after: Option<TenantId>,
    status: Option<TenantStatus>,
    sealed_otherwise: Option<String>,
    in_place: bool,
    not_at: Option<(Option<i64>, String)>,
    limit: u16,
}

impl Default for List {
    /// All tenants, 100 a page.
    fn default() -> Self {
        Self {
            after: None,
            status: None,
            sealed_otherwise: None,
            in_place: false,
            not_at: None,
            limit: 100,
        }
    }
}

impl List {
    /// The longest page.
    pub const MAX_LIMIT: u16 = 1_000;

    /// Those behind this id: the last one of the page before.
    pub fn after(mut self, id: TenantId) -> Self {
        self.after = Some(id);
        self
    }

    /// Those of this status.
    pub fn status(mut self, status: TenantStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Those whose credential was sealed with another key than this one: what a rotation has still
    /// to do, also after it was interrupted.
    pub fn sealed_with_other_than(mut self, key_id: impl Into<String>) -> Self {
        self.sealed_otherwise = Some(key_id.into());
        self
    }

    /// Those whose own place is [ready](super::Provisioning::Ready), and that are not archived:
    /// what a run over the fleet works on. Suspended ones are among them.
    pub fn in_place(mut self) -> Self {
        self.in_place = true;
        self
    }

    /// Those that are not known to be at this version with this
    /// [digest](crate::migrations::MigrationSet::digest): who is behind, ahead, or was not looked
    /// at for certain.
    pub fn not_at(mut self, version: Option<i64>, digest: impl Into<String>) -> Self {
        self.not_at = Some((version, digest.into()));
        self
    }

    /// This many a page, from 1 to [`MAX_LIMIT`](Self::MAX_LIMIT).
    pub fn limit(mut self, tenants: u16) -> Self {
        self.limit = tenants.clamp(1, Self::MAX_LIMIT);
        self
    }
}

/// What [`List::in_place`] adds, for `p`.
pub(super) const IN_PLACE: &str =
    " AND p.provisioning = 'ready' AND p.status <> 'archived' AND p.strategy <> 'row-level'";
/// What [`List::not_at`] asks of `p`. No migration has version zero.
pub(super) const NOT_AT: &str =
    "(COALESCE(p.applied_version, 0) <> ? OR COALESCE(p.applied_digest, '') <> ?)";

impl Registry {
    /// The tenant of this id.
    ///
    /// # Errors
    /// [`RegistryError::Database`], [`RegistryError::Malformed`].
    pub async fn get(&self, id: &TenantId) -> Result<Option<Entry>, RegistryError> {
        let mut turn = Turn::alone(&self.line).await?;
        let entry = by_id(&mut turn, id).await?;
        turn.end();
        Ok(entry)
    }

    /// Those of these tenants that there are, in the order of their ids.
    pub(crate) async fn get_each(&self, ids: &[TenantId]) -> Result<Vec<Entry>, RegistryError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let marks = vec!["?"; ids.len()].join(", ");
        let values: Vec<Value<'_>> = ids.iter().map(|id| id.as_str().into()).collect();
        let mut turn = Turn::alone(&self.line).await?;
        let rows = turn
            .rows(&select(&format!("t.id IN ({marks})")), &values)
            .await?;
        turn.end();
        read_all(rows)
    }

    /// The tenant that this domain belongs to.
    ///
    /// # Errors
    /// [`RegistryError::Database`], [`RegistryError::Malformed`].
    pub async fn find_by_domain(&self, domain: &Domain) -> Result<Option<Entry>, RegistryError> {
        let filter = "t.id = (SELECT o.tenant_id FROM {domain} AS o WHERE o.domain = ?)";
        let mut turn = Turn::alone(&self.line).await?;
        let rows = turn
            .rows(&select(filter), &[domain.as_str().into()])
            .await?;
        turn.end();
        one(read_all(rows)?)
    }

    /// A page of tenants. An empty one is the last.
    ///
    /// # Errors
    /// [`RegistryError::Database`], [`RegistryError::Malformed`].
    pub async fn list(&self, list: &List) -> Result<Vec<Entry>, RegistryError> {
        let mut filter = "p.id > ?".to_owned();
        let mut values: Vec<Value<'_>> =
            vec![list.after.as_ref().map_or("", TenantId::as_str).into()];
        if let Some(status) = list.status {
            filter.push_str(" AND p.status = ?");
            values.push(status.as_str().into());
        }
        if let Some(key_id) = &list.sealed_otherwise {
            filter.push_str(" AND p.sealed_with <> ?");
            values.push(key_id.into());
        }
        if list.in_place {
            filter.push_str(IN_PLACE);
        }
        if let Some((version, digest)) = &list.not_at {
            filter.push_str(" AND ");
            filter.push_str(NOT_AT);
            values.push(version.unwrap_or(0).into());
            values.push(digest.into());
        }
        values.push(i64::from(list.limit).into());
        // The page first, its domains then: a page counts tenants.
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT p.* FROM {{tenant}} AS p WHERE {filter} ORDER BY p.id LIMIT ?) AS t \
             LEFT JOIN {{availability}} AS a ON a.tenant_id = t.id LEFT JOIN {{domain}} AS d ON d.tenant_id = t.id ORDER BY t.id, d.domain"
        );
        let mut turn = Turn::alone(&self.line).await?;
        let rows = turn.rows(&sql, &values).await?;
        turn.end();
        read_all(rows)
    }
}

/// The tenant of this id, in one statement.
pub(crate) async fn by_id(turn: &mut Turn, id: &TenantId) -> Result<Option<Entry>, RegistryError> {
    let rows = turn
        .rows(&select("t.id = ?"), &[id.as_str().into()])
        .await?;
    one(read_all(rows)?)
}

fn select(filter: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM {{tenant}} AS t LEFT JOIN {{availability}} AS a ON a.tenant_id = t.id \
         LEFT JOIN {{domain}} AS d ON d.tenant_id = t.id \
         WHERE {filter} ORDER BY t.id, d.domain"
    )
}

fn one(mut entries: Vec<Entry>) -> Result<Option<Entry>, RegistryError> {
    let first = entries.pop();
    if entries.is_empty() {
        Ok(first)
    } else {
        Err(RegistryError::Malformed {
            what: "id, which is there twice",
        })
    }
}
