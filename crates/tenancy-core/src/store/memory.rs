//! A store in memory, for tests, examples and services whose tenants are written in a file.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{
    Availability, BoxError, Domain, Tenant, TenantId, TenantRecord, TenantStatus, TenantStore,
};

/// Tenants in memory. Clones share them, so that a test or an administrator's endpoint can change
/// what a running service sees (after [`Tenancy::invalidate`](crate::Tenancy::invalidate), or when
/// the cache's time is over).
///
/// ```
/// use tenancy_core::{Domain, MemoryStore, Tenant, TenantId, TenantStatus};
///
/// let acme = TenantId::new("acme")?;
/// let store = MemoryStore::new([Tenant::new(acme.clone())]);
/// store.add_domain(&acme, &Domain::new("acme.example")?)?;
/// store.set_status(&acme, TenantStatus::Suspended)?;
/// assert!(store.insert(Tenant::new(acme)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    /// More than one record for an id only where `new` was given it twice: that is refused where
    /// it is looked up, as in any store.
    records: Arc<RwLock<HashMap<TenantId, Vec<TenantRecord>>>>,
}

impl MemoryStore {
    /// A store with these tenants, none of which has a domain of its own yet.
    ///
    /// An id that is given twice is refused when it is looked up
    /// ([`StoreError::Duplicate`](crate::StoreError::Duplicate)).
    pub fn new(tenants: impl IntoIterator<Item = Tenant>) -> Self {
        let mut records = HashMap::<_, Vec<_>>::new();
        for tenant in tenants {
            records
                .entry(tenant.id().clone())
                .or_default()
                .push(TenantRecord::from(tenant));
        }
        Self {
            records: Arc::new(RwLock::new(records)),
        }
    }

    /// Adds a tenant.
    ///
    /// # Errors
    /// [`MemoryStoreError::AlreadyThere`] where the id is taken.
    pub fn insert(&self, tenant: Tenant) -> Result<(), MemoryStoreError> {
        let mut records = self.write();
        if records.contains_key(tenant.id()) {
            return Err(MemoryStoreError::AlreadyThere);
        }
        let id = tenant.id().clone();
        records.insert(id, vec![TenantRecord::from(tenant)]);
        Ok(())
    }

    /// Changes a tenant's status.
    ///
    /// # Errors
    /// [`MemoryStoreError::NoSuchTenant`].
    pub fn set_status(&self, id: &TenantId, status: TenantStatus) -> Result<(), MemoryStoreError> {
        let mut records = self.write();
        for record in records.get_mut(id).ok_or(MemoryStoreError::NoSuchTenant)? {
            status.as_str().clone_into(&mut record.status);
        }
        Ok(())
    }

    /// Changes whether a tenant can be worked with just now.
    ///
    /// # Errors
    /// [`MemoryStoreError::NoSuchTenant`].
    pub fn set_availability(
        &self,
        id: &TenantId,
        availability: Availability,
    ) -> Result<(), MemoryStoreError> {
        let mut records = self.write();
        for record in records.get_mut(id).ok_or(MemoryStoreError::NoSuchTenant)? {
            record.availability = availability;
        }
        Ok(())
    }

    /// Gives a tenant a domain of its own; one that it has already stays as it is.
    ///
    /// # Errors
    /// [`MemoryStoreError::NoSuchTenant`], or [`MemoryStoreError::DomainTaken`] where another
    /// tenant has it.
    pub fn add_domain(&self, id: &TenantId, domain: &Domain) -> Result<(), MemoryStoreError> {
        let mut records = self.write();
        let lists = |of: &Vec<TenantRecord>| of.iter().any(|record| has(record, domain));
        if records.iter().any(|(other, of)| other != id && lists(of)) {
            return Err(MemoryStoreError::DomainTaken);
        }
        for record in records.get_mut(id).ok_or(MemoryStoreError::NoSuchTenant)? {
            if !has(record, domain) {
                record.domains.push(domain.as_str().to_owned());
            }
        }
        Ok(())
    }

    /// Takes a domain from a tenant.
    ///
    /// # Errors
    /// [`MemoryStoreError::NoSuchTenant`].
    pub fn remove_domain(&self, id: &TenantId, domain: &Domain) -> Result<(), MemoryStoreError> {
        let mut records = self.write();
        for record in records.get_mut(id).ok_or(MemoryStoreError::NoSuchTenant)? {
            record.domains.retain(|own| own != domain.as_str());
        }
        Ok(())
    }

    /// Removes a tenant and frees its domains.
    ///
    /// # Errors
    /// [`MemoryStoreError::NoSuchTenant`].
    pub fn remove(&self, id: &TenantId) -> Result<(), MemoryStoreError> {
        self.write()
            .remove(id)
            .map(drop)
            .ok_or(MemoryStoreError::NoSuchTenant)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<TenantId, Vec<TenantRecord>>> {
        // Nothing panics while it holds the lock.
        self.records.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<TenantId, Vec<TenantRecord>>> {
        self.records.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has(record: &TenantRecord, domain: &Domain) -> bool {
    record.domains.iter().any(|own| own == domain.as_str())
}

impl TenantStore for MemoryStore {
    async fn find(&self, id: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
        Ok(self.read().get(id).cloned().unwrap_or_default())
    }

    async fn find_by_domain(&self, domain: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        let records = self.read();
        Ok(records
            .values()
            .flatten()
            .filter(|record| has(record, domain))
            .cloned()
            .collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("tenants", &self.read().len())
            .finish()
    }
}

/// Why a change to a [`MemoryStore`] was refused. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryStoreError {
    /// The id is taken.
    #[error("a tenant with this id is there already: ids are for ever, so choose another")]
    AlreadyThere,
    /// There is no such tenant.
    #[error("there is no tenant with this id: insert it first")]
    NoSuchTenant,
    /// The domain is another tenant's.
    #[error("this domain belongs to another tenant: remove it there first")]
    DomainTaken,
}
