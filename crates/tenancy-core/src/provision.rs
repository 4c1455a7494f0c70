//! Making and removing the place where one tenant's data lives.

use std::error::Error;
use std::future::Future;

use crate::{Placement, TenantId};

/// Makes and removes a tenant's place: a database, a database file, a schema.
///
/// Every strategy that gives a tenant something of its own implements it, so that an application
/// signs tenants up the same way whatever it uses. It knows no store: record the [`Placement`]
/// that [`provision`](Self::provision) answers with, and make the tenant active only then.
///
/// ```
/// use tenancy_core::{Placement, Provisioner, TenantId};
///
/// async fn sign_up<P: Provisioner>(databases: &P, id: &TenantId) -> Result<Placement, P::Error> {
///     databases.provision(id).await // and then: store the tenant with this placement, active
/// }
/// ```
pub trait Provisioner: Send + Sync {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;

    /// Makes this tenant's place and says where it is.
    ///
    /// Atomic and idempotent: a place that is half made is never served, and one that is there
    /// already, and is this tenant's, is left as it is and answered with.
    ///
    /// # Errors
    /// The place could not be made, or what is there is not this tenant's; then nothing was left
    /// behind, and it may be called again.
    fn provision(
        &self,
        tenant: &TenantId,
    ) -> impl Future<Output = Result<Placement, Self::Error>> + Send;

    /// Removes this tenant's place **with all its data**, for ever. One that is not there counts
    /// as removed.
    ///
    /// # Errors
    /// It is in use, or could not be removed; it may be called again.
    fn deprovision(
        &self,
        tenant: &TenantId,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
