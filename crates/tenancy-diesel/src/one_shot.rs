//! One statement in a scope of its own.

use diesel_async::methods::{ExecuteDsl, LoadQuery};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use tenancy_core::TenantScope;

use crate::{Error, TenantPool};

/// Each is one round trip, once Diesel has prepared the statement on its connection. Their names are not
/// bare, for `RunQueryDsl` gives its own to every type.
impl TenantPool {
    /// Runs one query in the scope, for its rows.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), and [`Error::Statement`].
    pub async fn load_in<'q, U, Q>(&self, scope: &TenantScope, query: Q) -> Result<Vec<U>, Error>
    where
        Q: LoadQuery<'q, AsyncPgConnection, U> + Send + 'q,
        U: Send,
    {
        let mut connection = self.acquire(scope).await?;
        Ok(query.load(&mut *connection).await?)
    }

    /// Runs one query in the scope, for its first row.
    ///
    /// # Errors
    /// As [`load_in`](Self::load_in); without a row,
    /// [`NotFound`](diesel::result::Error::NotFound).
    pub async fn get_result_in<'q, U, Q>(&self, scope: &TenantScope, query: Q) -> Result<U, Error>
    where
        Q: LoadQuery<'q, AsyncPgConnection, U> + Send + 'q,
        U: Send,
    {
        let mut connection = self.acquire(scope).await?;
        Ok(query.get_result(&mut *connection).await?)
    }

    /// Runs one statement in the scope, and saves what it did. Answers how many rows it touched.
    ///
    /// # Errors
    /// As [`load_in`](Self::load_in).
    pub async fn execute_in<'q, Q>(&self, scope: &TenantScope, statement: Q) -> Result<usize, Error>
    where
        Q: ExecuteDsl<AsyncPgConnection> + Send + 'q,
    {
        let mut connection = self.acquire(scope).await?;
        Ok(statement.execute(&mut *connection).await?)
    }
}
