//! What an integration's extractor checks out.

use tenancy_core::{ScopedDatabase, TenantScope};

use crate::{Error, TenantConnection, TenantPool};

impl ScopedDatabase for TenantPool {
    type Connection = TenantConnection<'static>;
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<Self::Connection, Error> {
        Self::acquire_owned(self, scope).await
    }
}
