//! The two tenants.

use secrecy::SecretString;
use tenancy_core::{CentralScope, MemoryStore, Placement, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_postgres::seal::TenantKind;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::Config;

use crate::place::Place;
use crate::verdict::{Stop, Verdict};

/// One of the two tenants: who it is, where its rows are, and how they are known when they are
/// seen.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) id: TenantId,
    /// Stands in every text of this tenant's fixture rows, and nowhere else.
    pub(crate) mark: String,
    /// A note's id that only this tenant has.
    pub(crate) lone: i64,
    /// What the store says of it.
    pub(crate) placement: Placement,
    /// Its own login, where it has one.
    pub(crate) login: Option<Login>,
    /// Where the judge looks.
    pub(crate) place: Place,
}

/// A tenant's own login.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) role: String,
    pub(crate) password: SecretString,
    /// How an attacker who knows the password comes in.
    pub(crate) config: Config,
}

impl Side {
    /// A tenant on shared tables: the fixture's, or the application's.
    pub(crate) fn shared((id, mark, lone): Person, place: Place) -> Self {
        Self {
            id,
            mark,
            lone,
            placement: Placement::shared(),
            login: None,
            place,
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

/// An id, the mark of its rows, and a note's id that only it has.
pub(crate) type Person = (TenantId, String, i64);

/// A tenant of the application's: known by its id alone.
pub(crate) fn of_application(id: TenantId) -> Person {
    let mark = format!("no text is {id}'s mark");
    (id, mark, 0)
}

/// Two ids that are easily taken for each other: one starts with the other, where the kind allows.
/// Where a login's name holds the id, `short` ones.
pub(crate) fn persons(kind: TenantKind, short: bool) -> [Person; 2] {
    let (a, b) = match kind {
        TenantKind::Text if short => ("acme", "acme-industries_of-the-far-north"),
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
    // The pairs above are ids: a test asks for each.
    match (TenantId::new(a), TenantId::new(b)) {
        (Ok(a), Ok(b)) => [(a, "amber".into(), 101), (b, "birch".into(), 202)],
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
pub(crate) struct Open<S> {
    pub(crate) scope: S,
    end: Option<oneshot::Sender<()>>,
    held: JoinHandle<Result<(), tenancy_core::Error>>,
}

pub(crate) type OpenScope = Open<TenantScope>;

impl<S> Open<S> {
    pub(crate) async fn end(&mut self) -> Verdict {
        self.end = None;
        match (&mut self.held).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Stop::failed("the suite's own scope did not end well")),
        }
    }
}

/// Opens the scope of `id`, in a task of its own: the case holds it as an integration would.
pub(crate) async fn open(id: &TenantId, placement: &Placement) -> Verdict<OpenScope> {
    let tenant = Tenant::new(id.clone()).with_placement(placement.clone());
    let tenancy = Tenancy::builder(MemoryStore::new([tenant]))
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
    held_open(opening, end, held).await
}

/// The same for a central scope.
pub(crate) async fn open_central() -> Verdict<Open<CentralScope>> {
    let tenancy = Tenancy::builder(MemoryStore::new([]))
        .without_requests()
        .build();
    let (end, ended) = oneshot::channel::<()>();
    let (opened, opening) = oneshot::channel();
    let held = tokio::spawn(async move {
        tenancy
            .central(
                "the conformance suite",
                async |_: &CentralScope| -> Result<(), tenancy_core::Error> {
                    let _ = opened.send(CentralScope::current()?);
                    let _ = ended.await;
                    Ok(())
                },
            )
            .await
    });
    held_open(opening, end, held).await
}

async fn held_open<S>(
    opening: oneshot::Receiver<S>,
    end: oneshot::Sender<()>,
    held: JoinHandle<Result<(), tenancy_core::Error>>,
) -> Verdict<Open<S>> {
    let scope = opening
        .await
        .map_err(|_| Stop::failed("the suite's own scope could not be opened"))?;
    Ok(Open {
        scope,
        end: Some(end),
        held,
    })
}

#[cfg(test)]
mod tests {
    use super::{TenantKind, aliases, persons};

    #[test]
    fn sides_are_canonical_and_aliases_are_not() {
        for kind in [TenantKind::Text, TenantKind::Uuid, TenantKind::Bigint] {
            for (id, ..) in [false, true]
                .into_iter()
                .flat_map(|short| persons(kind, short))
            {
                kind.check(&id).unwrap();
                for alias in aliases(kind, &id) {
                    assert!(kind.check(&alias).is_err(), "{alias}");
                }
            }
        }
    }
}
