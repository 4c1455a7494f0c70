//! Every look-up goes through here: checked, remembered, and made once.

use std::sync::Arc;

use super::cache::{Generation, Generations, Memory};
use super::flights::Flights;
use super::hardened::{DynStore, Known};
use super::watch::{Watch, Withdrawn};
use crate::{
    Availability, CacheOptions, Domain, StoreError, Tenancy, Tenant, TenantId, TenantStatus,
};

type IdKey = (TenantId, Generation);
/// With the count of invalidations that makes it out of date.
type DomainKey = (Domain, u64);

/// A user's store behind checks and a cache.
pub(crate) struct Directory {
    shelf: Arc<Shelf>,
    by_id: Flights<IdKey, Result<Option<Known>, StoreError>>,
    by_domain: Flights<DomainKey, Result<Option<TenantId>, StoreError>>,
}

/// What a load needs, and may outlive a caller with.
struct Shelf {
    store: DynStore,
    disabled: bool,
    watch: Watch,
    generations: Generations,
    known: Memory<IdKey, Known>,
    unknown: Memory<IdKey, ()>,
    /// Only hints: the tenant's own record decides.
    ids: Memory<DomainKey, TenantId>,
    no_ids: Memory<DomainKey, ()>,
}

impl Directory {
    pub(crate) fn new(store: DynStore, options: CacheOptions) -> Self {
        Self {
            shelf: Arc::new(Shelf {
                store,
                disabled: options.is_disabled(),
                watch: Watch::default(),
                generations: Generations::new(),
                known: options.positive(),
                unknown: options.negative(),
                ids: options.positive(),
                no_ids: options.negative(),
            }),
            by_id: Flights::new(),
            by_domain: Flights::new(),
        }
    }

    /// The tenant with this id, whatever its status.
    pub(crate) async fn find(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        Ok(self.known(id).await?.map(|known| known.tenant))
    }

    /// [`find`](Self::find), asked of the store now.
    pub(crate) async fn find_fresh(
        &self,
        id: &TenantId,
    ) -> Result<Option<Arc<Tenant>>, StoreError> {
        Ok(self.shelf.ask(id).await?.map(|known| known.tenant))
    }

    /// The tenant that this domain belongs to, whatever its status.
    pub(crate) async fn find_by_domain(
        &self,
        domain: &Domain,
    ) -> Result<Option<Arc<Tenant>>, StoreError> {
        let mut forgotten = false;
        loop {
            let Some(id) = self.id_of(domain).await? else {
                return Ok(None);
            };
            match self.known(&id).await? {
                Some(known) if known.lists(domain) => return Ok(Some(known.tenant)),
                _ if forgotten => return Err(StoreError::Inconsistent),
                // Either may be out of date: the domain was moved, or has just been added.
                _ => {
                    self.shelf
                        .ids
                        .remove(&(domain.clone(), self.shelf.generations.all()))
                        .await;
                    self.invalidate(&id);
                    forgotten = true;
                }
            }
        }
    }

    /// Forgets a tenant, also where a look-up for it is under way.
    pub(crate) fn invalidate(&self, id: &TenantId) {
        self.shelf.generations.bump(id);
        self.shelf.watch.tell(Withdrawn::Tenant(id));
    }

    /// Forgets everything.
    pub(crate) fn invalidate_all(&self) {
        self.shelf.generations.bump_all();
        self.shelf.known.clear();
        self.shelf.unknown.clear();
        self.shelf.ids.clear();
        self.shelf.no_ids.clear();
        self.shelf.watch.tell(Withdrawn::All);
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.shelf.watch
    }

    async fn known(&self, id: &TenantId) -> Result<Option<Known>, StoreError> {
        if self.shelf.disabled {
            return self.shelf.ask(id).await;
        }
        let mut tries = 0;
        loop {
            let key = (id.clone(), self.shelf.generations.of(id));
            if let Some(remembered) = self.shelf.remembered(&key).await {
                return Ok(remembered);
            }
            let load = Arc::clone(&self.shelf).load(key.clone());
            let found = self.by_id.join(key.clone(), load).await;
            tries += 1;
            // An answer from before an invalidation is thrown away; where invalidations never
            // pause, the last answer stands, and is not remembered.
            if tries == Self::TRIES || key.1 == self.shelf.generations.of(id) {
                return found;
            }
        }
    }

    const TRIES: u8 = 8;

    async fn id_of(&self, domain: &Domain) -> Result<Option<TenantId>, StoreError> {
        if self.shelf.disabled {
            let found = self.shelf.store.by_domain(domain).await?;
            return Ok(found.map(|known| known.tenant.id().clone()));
        }
        if let Some(remembered) = self.shelf.remembered_id(domain).await {
            return Ok(remembered);
        }
        let any = self.shelf.generations.any();
        let load = Arc::clone(&self.shelf).load_id(domain.clone(), any);
        self.by_domain.join((domain.clone(), any), load).await
    }
}

impl Tenancy {
    /// Forgets everything that the look-up cache knows, also what is being loaded right now: for
    /// when notices of single changes may have been missed.
    pub fn invalidate_all(&self) {
        self.inner.directory.invalidate_all();
    }
}

impl Shelf {
    /// Looks in both places whatever it finds in the first, and so does the next: the time that it
    /// takes would tell which tenants there are.
    async fn remembered(&self, key: &IdKey) -> Option<Option<Known>> {
        let known = self.known.get(key).await;
        let unknown = self.unknown.get(key).await;
        known.map(Some).or(unknown.map(|()| None))
    }

    async fn remembered_id(&self, domain: &Domain) -> Option<Option<TenantId>> {
        let now = (domain.clone(), self.generations.all());
        let id = self.ids.get(&now).await;
        let now = (now.0, self.generations.any());
        let no_id = self.no_ids.get(&now).await;
        id.map(Some).or(no_id.map(|()| None))
    }

    /// Asks the store, and tells where what it answers ends a right.
    async fn ask(&self, id: &TenantId) -> Result<Option<Known>, StoreError> {
        let found = self.store.by_id(id).await?;
        let is_served = |known: &Known| {
            known.tenant.status() == TenantStatus::Active
                && !matches!(
                    known.tenant.availability(),
                    Availability::Maintenance { .. }
                )
        };
        if !found.as_ref().is_some_and(is_served) {
            self.watch.tell(Withdrawn::Tenant(id));
        }
        Ok(found)
    }

    async fn load(self: Arc<Self>, key: IdKey) -> Result<Option<Known>, StoreError> {
        // The flight before this one may have landed after its caller looked.
        if let Some(remembered) = self.remembered(&key).await {
            return Ok(remembered);
        }
        let found = self.ask(&key.0).await?;
        match &found {
            Some(known) => self.known.insert(key, known.clone()).await,
            None => self.unknown.insert(key, ()).await,
        }
        Ok(found)
    }

    async fn load_id(
        self: Arc<Self>,
        domain: Domain,
        any: u64,
    ) -> Result<Option<TenantId>, StoreError> {
        if let Some(remembered) = self.remembered_id(&domain).await {
            return Ok(remembered);
        }
        let all = self.generations.all();
        let id = self
            .store
            .by_domain(&domain)
            .await?
            .map(|known| known.tenant.id().clone());
        match &id {
            Some(id) => self.ids.insert((domain, all), id.clone()).await,
            None => self.no_ids.insert((domain, any), ()).await,
        }
        Ok(id)
    }
}
