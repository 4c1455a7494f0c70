//! The part of a flat key space that is one tenant's: of a cache, a bucket, a folder.

use std::fmt;

use crate::{CentralScope, Error, TenantId, TenantScope};

/// The part of a flat key space that belongs to one tenant, or to central work: what a cache, an
/// object store or a folder of files puts in front of every key.
///
/// It is made from a scope, so that nothing is read or written without one. Shown with `Display` it is
/// `tenant=ID` or `central`: characters of `a-z 0-9 - _ =` alone, which mean nothing in a glob, a
/// path, a URL or a cluster's hash tag, and stay what they are where case is folded. No two are the
/// same text, and since none holds another separator, none runs into the key behind it: put one
/// between the two that is not one of these characters.
///
/// ```
/// # use tenancy_core::{Error, KeySpace, MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let tenancy = Tenancy::builder(MemoryStore::new([Tenant::new(TenantId::new("acme")?)])).without_requests().build();
/// tenancy.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
///     let space = KeySpace::of(scope)?;
///     assert_eq!(format!("{space}/logo.png"), "tenant=acme/logo.png");
///     Ok(())
/// }).await
/// # }
/// ```
/// A tenant's id alone makes none:
/// ```compile_fail
/// # use tenancy_core::{KeySpace, TenantId};
/// let space = KeySpace::of(&TenantId::new("acme").unwrap());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySpace<'s>(Owner<'s>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Owner<'s> {
    Tenant(&'s TenantId),
    Central,
}

impl<'s> KeySpace<'s> {
    /// The tenant's whose scope this is.
    ///
    /// # Errors
    /// Those of [`TenantScope::ensure_usable`], which is asked first.
    pub fn of(scope: &'s TenantScope) -> Result<Self, Error> {
        scope.ensure_usable()?;
        Ok(Self(Owner::Tenant(scope.tenant_id())))
    }

    /// That of central work, which no tenant's id reaches.
    ///
    /// # Errors
    /// Those of [`CentralScope::ensure_usable`], which is asked first.
    pub fn of_central(scope: &'s CentralScope) -> Result<Self, Error> {
        scope.ensure_usable()?;
        Ok(Self(Owner::Central))
    }

    /// That of a tenant whose right has ended, and who so has no scope: to remove what lies there.
    /// Never read or write with it.
    pub fn to_remove(tenant: &'s TenantId) -> Self {
        Self(Owner::Tenant(tenant))
    }
}

impl fmt::Display for KeySpace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Owner::Tenant(tenant) => write!(f, "tenant={tenant}"),
            Owner::Central => f.write_str("central"),
        }
    }
}

impl fmt::Debug for KeySpace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
