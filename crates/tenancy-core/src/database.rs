//! What an adapter's pool offers to an integration's extractor.

use std::future::Future;

use crate::TenantScope;

/// A database that hands out connections bound to a tenant's scope, and none without.
///
/// Adapters implement it for their pools, so that an integration can offer the connection as a
/// handler's argument without knowing any driver. The connection is owned: it must be released,
/// scrubbed or dropped by its own `Drop`, whenever that comes.
///
/// ```
/// use tenancy_core::{Error, ScopedDatabase, TenantScope};
///
/// struct Shelves;
///
/// impl ScopedDatabase for Shelves {
///     type Connection = String;
///     type Error = Error;
///
///     async fn acquire_owned(&self, scope: TenantScope) -> Result<String, Error> {
///         scope.ensure_usable()?; // first, in the caller's task
///         Ok(format!("the shelf of {}", scope.tenant_id()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scoped database",
    label = "this pool hands out connections without a tenant's scope",
    note = "use an adapter's pool, such as `tenancy::sqlx::postgres::TenantPool`; a driver's own pool knows no tenant"
)]
pub trait ScopedDatabase: Send + Sync + 'static {
    /// A connection bound to one tenant's scope.
    type Connection: Send + 'static;
    /// Why there is none. It is logged, so it must hold no secret and no tenant's data.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Checks out a connection bound to `scope`.
    ///
    /// # Errors
    /// At least when [`TenantScope::ensure_usable`] refuses, which must be asked first.
    fn acquire_owned(
        &self,
        scope: TenantScope,
    ) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;
}
