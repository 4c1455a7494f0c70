use std::fmt;
use std::sync::Arc;

use object_store::ObjectStore;
use tenancy_core::{CentralScope, Error, ScopedDatabase, TenantScope};

use crate::ScopedObjectStore;

/// An object store that tenants share, and that hands out each one's own folder of it. See the
/// [crate](crate).
///
/// Cheap to clone; all clones are one.
pub struct TenantObjectStore<T: ?Sized = dyn ObjectStore> {
    inner: Arc<T>,
}

impl<T: ObjectStore + ?Sized> TenantObjectStore<T> {
    /// Over any store. Nobody else should have it: it reaches every tenant's objects.
    pub fn new(inner: Arc<T>) -> Self {
        Self { inner }
    }

    /// The store bound to this scope.
    ///
    /// # Errors
    /// Those of [`TenantScope::ensure_usable`], which is asked first.
    pub fn acquire(&self, scope: &TenantScope) -> Result<ScopedObjectStore<T>, Error> {
        ScopedObjectStore::open(&self.inner, scope.ticket())
    }
}

impl<T: ObjectStore + ?Sized> ScopedDatabase for TenantObjectStore<T> {
    type Connection = ScopedObjectStore<T>;
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<ScopedObjectStore<T>, Error> {
        ScopedObjectStore::open(&self.inner, scope)
    }
}

impl<T: ?Sized> Clone for TenantObjectStore<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T: ?Sized> fmt::Debug for TenantObjectStore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantObjectStore").finish_non_exhaustive()
    }
}

/// The objects of central work in the same store, which are no tenant's: the sibling of
/// [`TenantObjectStore`], with the same verb.
///
/// Cheap to clone; all clones are one.
pub struct CentralObjectStore<T: ?Sized = dyn ObjectStore> {
    inner: Arc<T>,
}

impl<T: ObjectStore + ?Sized> CentralObjectStore<T> {
    /// Over any store.
    pub fn new(inner: Arc<T>) -> Self {
        Self { inner }
    }

    /// The store bound to this scope.
    ///
    /// # Errors
    /// Those of [`CentralScope::ensure_usable`], which is asked first.
    pub fn acquire(
        &self,
        scope: &CentralScope,
    ) -> Result<ScopedObjectStore<T, CentralScope>, Error> {
        ScopedObjectStore::open(&self.inner, scope.ticket())
    }
}

impl<T: ?Sized> Clone for CentralObjectStore<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T: ?Sized> fmt::Debug for CentralObjectStore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentralObjectStore").finish_non_exhaustive()
    }
}
