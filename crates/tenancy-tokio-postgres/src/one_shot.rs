//! One statement in a scope of its own.

use tenancy_core::TenantScope;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::{Error, TenantPool};

/// Each prepares its statement once for a connection, and is one round trip from then on.
impl TenantPool {
    /// Runs one statement in the scope, for its rows.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and [`Error::Statement`].
    pub async fn query(
        &self,
        scope: &TenantScope,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let client = self.acquire(scope).await?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query(&statement, parameters).await?)
    }

    /// Runs one statement in the scope, for its one row.
    ///
    /// # Errors
    /// As [`query`](Self::query), and [`Error::Statement`] where there is not exactly one.
    pub async fn query_one(
        &self,
        scope: &TenantScope,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error> {
        let client = self.acquire(scope).await?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_one(&statement, parameters).await?)
    }

    /// Runs one statement in the scope, for its row, if there is one.
    ///
    /// # Errors
    /// As [`query`](Self::query), and [`Error::Statement`] where there are several.
    pub async fn query_opt(
        &self,
        scope: &TenantScope,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        let client = self.acquire(scope).await?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.query_opt(&statement, parameters).await?)
    }

    /// Runs one statement in the scope, and saves what it did. Answers how many rows it touched.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn execute(
        &self,
        scope: &TenantScope,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        let client = self.acquire(scope).await?;
        let statement = client.prepare_cached(sql).await?;
        Ok(client.execute(&statement, parameters).await?)
    }
}
