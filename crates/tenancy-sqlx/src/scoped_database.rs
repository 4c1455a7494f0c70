//! What an integration's extractor checks out.

use tenancy_core::{ScopedDatabase, TenantScope};

use crate::Error;

#[cfg(feature = "postgres")]
impl ScopedDatabase for crate::postgres::TenantPool {
    type Connection = crate::postgres::TenantConnection<'static>;
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<Self::Connection, Error> {
        Self::acquire_owned(self, scope).await
    }
}

#[cfg(feature = "sqlite")]
impl ScopedDatabase for crate::sqlite::SqliteTenants {
    type Connection = crate::sqlite::SqliteTenantConnection<'static>;
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<Self::Connection, Error> {
        Self::acquire_owned(self, scope).await
    }
}
