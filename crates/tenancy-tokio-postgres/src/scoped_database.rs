//! What an integration takes of a pool: a connection for its extractor, a transaction for its request.

use tenancy_core::{ScopedDatabase, TenantScope, TransactionalDatabase};

use crate::{Error, TenantClient, TenantPool, TenantTransaction, TransactionClient};

impl ScopedDatabase for TenantPool {
    type Connection = TenantClient<'static>;
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<Self::Connection, Error> {
        Self::acquire_owned(self, scope).await
    }
}

impl TransactionalDatabase for TenantPool {
    type Transaction = TenantTransaction<'static>;
    type Handle = TransactionClient;

    async fn begin_owned(&self, scope: TenantScope) -> Result<Self::Transaction, Error> {
        Self::begin_owned(self, scope).await
    }

    async fn commit(transaction: Self::Transaction) -> Result<(), Error> {
        transaction.commit().await
    }

    async fn rollback(transaction: Self::Transaction) -> Result<(), Error> {
        transaction.rollback().await
    }

    fn handle(transaction: &Self::Transaction) -> &Self::Handle {
        transaction
    }

    fn handle_mut(transaction: &mut Self::Transaction) -> &mut Self::Handle {
        transaction
    }

    fn is_same_pool(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}
