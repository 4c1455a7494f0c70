//! What an integration's extractor checks out.

use tenancy_core::{ScopedDatabase, TenantScope};

use crate::{Error, TenantClient, TenantPool};

impl ScopedDatabase for TenantPool {
    type Connection = TenantClient<'static>;
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<Self::Connection, Error> {
        Self::acquire_owned(self, scope).await
    }
}
