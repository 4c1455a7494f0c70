//! Sealing a fleet's credentials with the current key.

use futures_util::StreamExt as _;
use futures_util::stream;
use tenancy_core::TenantId;

use super::audit::Actor;
use super::change::{Change, Expected};
use super::columns::Columns;
use super::credential::Credential;
use super::turn::Turn;
use super::{Registry, RegistryError};
use crate::db::{FaultKind, Row};
use crate::secrets::Sealed;

/// How many tenants at a time: fewer than the registry has connections.
const AT_ONCE: usize = 4;
const PAGE: i64 = 500;

/// What became of the tenants whose credential was sealed with another key than the current one.
///
/// `Debug` shows the tenants' ids.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyRotation {
    /// The id of the key that seals now.
    pub key: String,
    /// Those that are sealed with it now; in a plan, those that can be.
    pub resealed: Vec<TenantId>,
    /// Those that are as they were, each with the reason.
    pub failed: Vec<(TenantId, RegistryError)>,
    /// Why it ended before its end: the base database can't be reached any more, so the rest was
    /// not tried.
    pub stopped: Option<RegistryError>,
}

impl KeyRotation {
    /// Whether the former keys are needed no more.
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty() && self.stopped.is_none()
    }
}

impl Registry {
    /// Seals every credential that was sealed with another key again, with the keyring's current
    /// one. One that fails stops no other. Whatever interrupts it, the next call does the rest.
    ///
    /// ```no_run
    /// # use tenancy_fleet::registry::{Actor, Registry, RegistryError};
    /// # async fn rotate(registry: &Registry) -> Result<(), RegistryError> {
    /// let report = registry.rotate_key(&Actor::new("ada")?).await?;
    /// for (tenant, error) in &report.failed {
    ///     eprintln!("{tenant}: {error}");
    /// }
    /// assert!(report.is_whole(), "keep the former key, and run this again");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`RegistryError::NoKeyring`]; what fails before the first tenant is known.
    pub async fn rotate_key(&self, actor: &Actor) -> Result<KeyRotation, RegistryError> {
        self.rotate(Some(actor)).await
    }

    /// What [`rotate_key`](Self::rotate_key) would do, by opening every credential that it would
    /// seal. Nothing is changed.
    ///
    /// # Errors
    /// The same.
    pub async fn plan_key_rotation(&self) -> Result<KeyRotation, RegistryError> {
        self.rotate(None).await
    }

    async fn rotate(&self, actor: Option<&Actor>) -> Result<KeyRotation, RegistryError> {
        let mut report = KeyRotation {
            key: self.keyring()?.current().to_owned(),
            resealed: Vec::new(),
            failed: Vec::new(),
            stopped: None,
        };
        let mut page = self.sealed_otherwise("", &report.key).await?;
        while let Some(last) = page.last().cloned() {
            let mut results = stream::iter(page)
                .map(|id| async move {
                    let result = self.reseal(&id, actor).await;
                    (id, result)
                })
                .buffered(AT_ONCE);
            while let Some((id, result)) = results.next().await {
                match result {
                    Ok(()) => report.resealed.push(id),
                    // It was taken away in between: nothing is left to seal.
                    Err(RegistryError::NoCredential) => {}
                    Err(error) if ends_all(&error) => {
                        report.stopped = Some(error);
                        return Ok(report);
                    }
                    Err(error) => report.failed.push((id, error)),
                }
            }
            page = match self.sealed_otherwise(last.as_str(), &report.key).await {
                Ok(page) => page,
                Err(error) => {
                    report.stopped = Some(error);
                    return Ok(report);
                }
            };
        }
        Ok(report)
    }

    /// The next ids, and nothing else of their rows: one that can't be read holds up no other.
    async fn sealed_otherwise(
        &self,
        after: &str,
        key: &str,
    ) -> Result<Vec<TenantId>, RegistryError> {
        // Also one whose password is being changed, and whose next one has the old key.
        let prefix = Sealed::prefix(key);
        let sql = format!(
            "SELECT p.id FROM {{tenant}} AS p WHERE p.id > ? AND (p.sealed_with <> ? \
             OR SUBSTR(p.sealed_next, 1, {}) <> ?) ORDER BY p.id LIMIT ?",
            prefix.len()
        );
        let mut turn = Turn::alone(&self.line).await?;
        let values = [after.into(), key.into(), (&prefix).into(), PAGE.into()];
        let rows = turn.rows(&sql, &values).await?;
        turn.end();
        let id = |row: Row| {
            let text = Columns::of(row).text("id")?;
            TenantId::new(text).map_err(|_| RegistryError::Malformed { what: "id" })
        };
        rows.into_iter().map(id).collect()
    }

    async fn reseal(&self, id: &TenantId, actor: Option<&Actor>) -> Result<(), RegistryError> {
        let Some(actor) = actor else {
            let entry = self.get(id).await?.ok_or(RegistryError::NoSuchTenant)?;
            let sealed = entry.sealed.iter().chain(&entry.next);
            for sealed in sealed {
                Credential::open(self.keyring()?, id, sealed)?;
            }
            return Ok(());
        };
        // Whatever its revision: what it has at that moment is sealed again, in one transaction.
        self.update(id, Expected::Any, Change::reseal(), actor)
            .await?;
        Ok(())
    }
}

/// Whether no other tenant would fare better.
fn ends_all(error: &RegistryError) -> bool {
    match error {
        RegistryError::Database(fault) => fault.is_lost() || fault.is(FaultKind::Busy),
        RegistryError::Unknown
        | RegistryError::NotInstalled
        | RegistryError::Older { .. }
        | RegistryError::Newer { .. } => true,
        _ => false,
    }
}
