//! What an integration takes of a pool: a connection for its extractor, a transaction for its request.

use tenancy_core::{ScopedDatabase, TenantScope, TransactionalDatabase};

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

#[cfg(feature = "postgres")]
impl TransactionalDatabase for crate::postgres::TenantPool {
    type Transaction = crate::postgres::TenantTransaction<'static>;
    type Handle = sqlx::Transaction<'static, sqlx::Postgres>;

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

#[cfg(feature = "sqlite")]
impl TransactionalDatabase for crate::sqlite::SqliteTenants {
    type Transaction = crate::sqlite::SqliteTenantTransaction<'static>;
    type Handle = sqlx::Transaction<'static, sqlx::Sqlite>;

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
