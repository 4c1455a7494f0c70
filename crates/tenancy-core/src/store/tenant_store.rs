//! The trait that an application's store implements.

use std::future::Future;
use std::sync::Arc;

use crate::{BoxError, Domain, TenantId, TenantRecord};

/// Where tenants are looked up.
///
/// The answers are checked before anyone believes them: zero records mean "unknown"; exactly one,
/// well formed and with the id or domain that was asked for, is a tenant; everything else is a
/// [`StoreError`](crate::StoreError). So answer with every row that matches, without a `LIMIT 1`
/// that would hide a duplicate. An error lets nobody in and is not cached.
///
/// The methods run outside every scope, also when a scope is open where the look-up began, since
/// their answers are shared.
///
/// ```
/// use tenancy_core::{Availability, BoxError, Domain, Placement, TenantId, TenantRecord, TenantStore};
///
/// struct OneTenant;
///
/// impl OneTenant {
///     fn record() -> TenantRecord {
///         TenantRecord {
///             id: "acme".into(),
///             status: "active".into(),
///             availability: Availability::Open,
///             domains: vec!["acme.example".into()],
///             metadata: serde_json::Value::Null,
///             placement: Placement::shared(),
///         }
///     }
/// }
///
/// impl TenantStore for OneTenant {
///     async fn find(&self, id: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
///         Ok(Vec::from_iter(Some(Self::record()).filter(|record| record.id == id.as_str())))
///     }
///     async fn find_by_domain(&self, domain: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
///         let record = Self::record();
///         let listed = record.domains.iter().any(|own| own == domain.as_str());
///         Ok(Vec::from_iter(listed.then_some(record)))
///     }
/// }
/// ```
pub trait TenantStore: Send + Sync + 'static {
    /// Every record with this id.
    ///
    /// # Errors
    /// Any: the look-up counts as failed, and nobody is let in.
    fn find(
        &self,
        id: &TenantId,
    ) -> impl Future<Output = Result<Vec<TenantRecord>, BoxError>> + Send;

    /// Every record that lists this domain. A store without custom domains answers with none.
    ///
    /// # Errors
    /// Any: the look-up counts as failed, and nobody is let in.
    fn find_by_domain(
        &self,
        domain: &Domain,
    ) -> impl Future<Output = Result<Vec<TenantRecord>, BoxError>> + Send;
}

impl<S: TenantStore> TenantStore for Arc<S> {
    async fn find(&self, id: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
        S::find(self, id).await
    }

    async fn find_by_domain(&self, domain: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        S::find_by_domain(self, domain).await
    }
}
