//! Whose turn it is: tenants page by page, those of one database to the worker that is there.

use std::collections::{BTreeMap, VecDeque};

use tenancy_core::{Strategy, TenantId};

use super::{Halt, RunError};
use crate::registry::{Actor, Entry, List, Registry};

/// Where a tenant lies: the server's name, and the database's where tenants have schemas in it.
pub(super) type Neighbourhood = (Option<String>, Option<String>);

pub(super) fn neighbourhood(entry: &Entry) -> Neighbourhood {
    let Some(placement) = entry.placement() else {
        return (None, None);
    };
    let shared = placement.strategy() == Strategy::SchemaPerTenant;
    let database = if shared {
        None
    } else {
        placement.database_name().map(str::to_owned)
    };
    (placement.server().map(str::to_owned), database)
}

/// A tenant, or the id of one that has no place.
pub(super) enum Next {
    Tenant(Box<Entry>),
    Unplaced(TenantId, &'static str),
}

pub(super) struct Feed<'a> {
    registry: &'a Registry,
    source: Source,
    waiting: BTreeMap<Neighbourhood, VecDeque<Entry>>,
    unplaced: VecDeque<(TenantId, &'static str)>,
    /// Who is about to be rolled back is not known to be anywhere from here on.
    forget_for: Option<&'a Actor>,
}

enum Source {
    List(List),
    Ids(VecDeque<TenantId>),
    Dry,
}

/// How many tenants are held at once.
const PAGE: u16 = 500;

impl<'a> Feed<'a> {
    /// These tenants, or those of the list.
    pub(super) fn of(
        registry: &'a Registry,
        only: Option<&[TenantId]>,
        list: List,
        forget_for: Option<&'a Actor>,
    ) -> Self {
        let source = match only {
            Some(ids) => {
                let mut ids = ids.to_vec();
                ids.sort();
                ids.dedup();
                Source::Ids(ids.into())
            }
            None => Source::List(list.in_place().limit(PAGE)),
        };
        Self {
            registry,
            source,
            waiting: BTreeMap::new(),
            unplaced: VecDeque::new(),
            forget_for,
        }
    }

    /// The next tenant, from `near` where there is one.
    pub(super) async fn next(
        &mut self,
        near: Option<&Neighbourhood>,
    ) -> Result<Option<Next>, Halt> {
        if self.waiting.is_empty() && self.unplaced.is_empty() {
            self.load().await.map_err(|error| Halt::Registry {
                reason: error.to_string(),
            })?;
        }
        if let Some((id, reason)) = self.unplaced.pop_front() {
            return Ok(Some(Next::Unplaced(id, reason)));
        }
        let near = near.filter(|near| self.waiting.contains_key(near)).cloned();
        let Some(key) = near.or_else(|| self.waiting.keys().next().cloned()) else {
            return Ok(None);
        };
        let queue = self.waiting.get_mut(&key);
        let (entry, is_empty) =
            queue.map_or((None, true), |queue| (queue.pop_front(), queue.is_empty()));
        if is_empty {
            self.waiting.remove(&key);
        }
        Ok(entry.map(|entry| Next::Tenant(Box::new(entry))))
    }

    async fn load(&mut self) -> Result<(), RunError> {
        let mut page = match &mut self.source {
            Source::Dry => return Ok(()),
            Source::List(list) => {
                let page = self.registry.list(list).await?;
                match page.last() {
                    Some(furthest) => {
                        let after = furthest.id().clone();
                        *list = list.clone().after(after);
                    }
                    None => self.source = Source::Dry,
                }
                page
            }
            Source::Ids(ids) => {
                let asked: Vec<_> = ids.drain(..ids.len().min(usize::from(PAGE))).collect();
                let mut there = self.registry.get_each(&asked).await?;
                let found = |id: &TenantId| there.iter().any(|entry| entry.id() == id);
                let missing = asked.iter().filter(|id| !found(id));
                let missing = missing.map(|id| (id.clone(), "no tenant has this id"));
                self.unplaced.extend(missing);
                there.retain(|entry| {
                    let unfit = unfit(entry).map(|reason| (entry.id().clone(), reason));
                    let fits = unfit.is_none();
                    self.unplaced.extend(unfit);
                    fits
                });
                there
            }
        };
        if let Some(actor) = self.forget_for {
            self.registry.forget_digests(&mut page, actor).await?;
        }
        for entry in page {
            let key = neighbourhood(&entry);
            self.waiting.entry(key).or_default().push_back(entry);
        }
        Ok(())
    }
}

/// Why a tenant that was asked for by its id has no turn.
fn unfit(entry: &Entry) -> Option<&'static str> {
    use crate::registry::Provisioning;
    use tenancy_core::TenantStatus;
    if entry.strategy() == Strategy::RowLevel {
        Some("it is on shared tables, which are migrated with the base")
    } else if entry.status() == TenantStatus::Archived {
        Some("it is archived")
    } else if entry.provisioning() != Provisioning::Ready {
        Some("its place is not ready: provision it first")
    } else {
        None
    }
}
