//! Many rows in one statement, in place of `COPY .. FROM`.

use std::fmt;

use tenancy_postgres::seal::TenantKind;
use tenancy_postgres_pool::BulkSql;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::Error;

/// Inserts columns of values as rows of the scope's tenant, in one statement.
///
/// PostgreSQL refuses `COPY .. FROM` where row security is on. This is an `INSERT .. SELECT` over
/// `unnest`, one array for each column, and it reads the tenant once rather than for each row, as the
/// column's default would.
///
/// ```no_run
/// # use tenancy_core::TenantScope;
/// # use tenancy_tokio_postgres::{BulkInsert, Error, TenantPool};
/// # use tokio_postgres::types::Type;
/// # async fn example(pool: TenantPool, scope: &TenantScope) -> Result<(), Error> {
/// let client = pool.acquire(scope).await?;
/// let inserted = BulkInsert::into("notes")
///     .column("id", Type::INT8_ARRAY, vec![1_i64, 2])
///     .column("title", Type::TEXT_ARRAY, vec!["one", "two"])
///     .execute(&client)
///     .await?;
/// assert_eq!(inserted, 2);
/// # Ok(()) }
/// ```
#[must_use = "nothing is inserted before `.execute()`"]
pub struct BulkInsert<'v> {
    sql: BulkSql,
    types: Vec<Type>,
    arrays: Vec<Box<dyn ToSql + Sync + Send + 'v>>,
}

impl<'v> BulkInsert<'v> {
    /// Into this table, `table` (in the schema `public`) or `schema.table`, whose tenant column is
    /// `tenant_id` of type text unless [`tenant_column`](Self::tenant_column) says otherwise.
    pub fn into(table: &str) -> Self {
        Self {
            sql: BulkSql::into(table),
            types: Vec::new(),
            arrays: Vec::new(),
        }
    }

    /// The tenant column's name and type.
    pub fn tenant_column(mut self, name: &str, kind: TenantKind) -> Self {
        self.sql.tenant_column(name, kind);
        self
    }

    /// A column, with one value for each row, and the type of an array of them.
    pub fn column<T>(mut self, name: &str, array: Type, values: Vec<T>) -> Self
    where
        T: ToSql + Sync + Send + 'v,
    {
        self.sql.column(name, values.len());
        self.types.push(array);
        self.arrays.push(Box::new(values));
        self
    }

    /// Inserts, on a client or in a transaction whose scope is open. Answers how many rows. Two round
    /// trips: the statement is prepared first.
    ///
    /// # Errors
    /// [`PoolError::BulkShape`](crate::PoolError::BulkShape) where the columns are not of one length,
    /// or there is none; [`PoolError::Enforcement`](crate::PoolError::Enforcement) for a name that is
    /// none; [`Error::Statement`] where the database, or the driver for a value of another type,
    /// refuses. In all of these nothing was inserted.
    pub async fn execute(self, client: &Client) -> Result<u64, Error> {
        let statement = client.prepare_typed(&self.sql.sql()?, &self.types).await?;
        let arrays: Vec<&(dyn ToSql + Sync)> = self
            .arrays
            .iter()
            .map(|array| &**array as &(dyn ToSql + Sync))
            .collect();
        Ok(client.execute(&statement, &arrays).await?)
    }
}

impl fmt::Debug for BulkInsert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkInsert")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}
