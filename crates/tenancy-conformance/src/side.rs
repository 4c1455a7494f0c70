//! The two tenants.

use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_postgres::seal::TenantKind;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::verdict::{Stop, Verdict};

/// One of the two tenants: who it is, and how its rows are known when they are seen.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) id: TenantId,
    /// Stands in every text of this tenant's fixture rows, and nowhere else.
    pub(crate) mark: String,
    /// A note's id that only this tenant has.
    pub(crate) lone: i64,
}

impl Side {
    fn new(id: &str, mark: &str, lone: i64) -> Option<Self> {
        Some(Self {
            id: TenantId::new(id).ok()?,
            mark: mark.to_owned(),
            lone,
        })
    }

    /// A tenant of the application's: known by its id alone.
    pub(crate) fn of_application(id: TenantId) -> Self {
        Self {
            mark: format!("no text is {id}'s mark"),
            id,
            lone: 0,
        }
    }

    /// The id as an SQL literal. Ids hold no quotes.
    pub(crate) fn literal(&self) -> String {
        format!("'{}'", self.id)
    }

    /// Whether a value that came back is this tenant's.
    pub(crate) fn owns(&self, value: &str) -> bool {
        value == self.id.as_str() || value.contains(&self.mark)
    }
}

/// Two ids that are easily taken for each other: one starts with the other, where the kind allows.
pub(crate) fn sides(kind: TenantKind) -> [Side; 2] {
    let (a, b) = match kind {
        TenantKind::Text => (
            "acme",
            "acme-industries_of-the-far-north-and-all-its-islands-0123456789",
        ),
        TenantKind::Uuid => (
            "0a0a0a0a-0000-4000-8000-000000000001",
            "0a0a0a0a-0000-4000-8000-000000000011",
        ),
        TenantKind::Bigint => ("9001000", "900100"),
    };
    // The three pairs above are ids: a test asks for each.
    match (Side::new(a, "amber", 101), Side::new(b, "birch", 202)) {
        (Some(a), Some(b)) => [a, b],
        _ => unreachable!("the suite's own ids are valid"),
    }
}

/// Ids that a loose database would read as `id`.
pub(crate) fn aliases(kind: TenantKind, id: &TenantId) -> Vec<TenantId> {
    let id = id.as_str();
    let spellings = match kind {
        TenantKind::Text => vec![],
        TenantKind::Uuid => vec![id.replace('-', ""), id.replacen('-', "", 1)],
        TenantKind::Bigint => vec![
            format!("0{id}"),
            format!("{}_{}", &id[..1], &id[1..]),
            format!("0x{:x}", id.parse::<i64>().unwrap_or_default()),
        ],
    };
    spellings
        .into_iter()
        .filter_map(|id| TenantId::new(id).ok())
        .collect()
}

/// A scope that stays open until this is dropped.
pub(crate) struct OpenScope {
    pub(crate) scope: TenantScope,
    end: Option<oneshot::Sender<()>>,
    held: JoinHandle<Result<(), tenancy_core::Error>>,
}

impl OpenScope {
    pub(crate) async fn end(&mut self) -> Verdict {
        self.end = None;
        match (&mut self.held).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Stop::failed("the suite's own scope did not end well")),
        }
    }
}

/// Opens the scope of `id`, in a task of its own: the case holds it as an integration would.
pub(crate) async fn open(id: &TenantId) -> Verdict<OpenScope> {
    let tenancy = Tenancy::builder(MemoryStore::new([Tenant::new(id.clone())]))
        .without_requests()
        .build();
    let (end, ended) = oneshot::channel::<()>();
    let (opened, opening) = oneshot::channel();
    let id = id.clone();
    let held = tokio::spawn(async move {
        tenancy
            .run(
                id,
                async |scope: &TenantScope| -> Result<(), tenancy_core::Error> {
                    // Either end may be gone: then there is nobody to hold it for.
                    let _ = opened.send(scope.ticket());
                    let _ = ended.await;
                    Ok(())
                },
            )
            .await
    });
    let scope = opening
        .await
        .map_err(|_| Stop::failed("the suite's own scope could not be opened"))?;
    Ok(OpenScope {
        scope,
        end: Some(end),
        held,
    })
}

#[cfg(test)]
mod tests {
    use super::{TenantKind, aliases, sides};

    #[test]
    fn sides_are_canonical_and_aliases_are_not() {
        for kind in [TenantKind::Text, TenantKind::Uuid, TenantKind::Bigint] {
            for side in sides(kind) {
                kind.check(&side.id).unwrap();
                for alias in aliases(kind, &side.id) {
                    assert!(kind.check(&alias).is_err(), "{alias}");
                }
            }
        }
    }
}
