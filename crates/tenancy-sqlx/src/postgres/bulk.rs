//! Many rows in one statement, in place of `COPY .. FROM`.

use std::fmt;

use sqlx::postgres::{PgArguments, PgConnection, Postgres};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Type};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres_pool::{BulkSql, Error as PoolError};

use crate::Error;

/// Inserts columns of values as rows of the scope's tenant, in one statement.
///
/// PostgreSQL refuses `COPY .. FROM` where row security is on. This is an `INSERT .. SELECT` over
/// `unnest`, one array for each column, and it reads the tenant once rather than for each row, as the
/// column's default would.
///
/// ```no_run
/// # use tenancy_core::TenantScope;
/// # use tenancy_sqlx::postgres::{BulkInsert, TenantPool};
/// # async fn example(pool: TenantPool, scope: &TenantScope) -> Result<(), tenancy_sqlx::Error> {
/// let mut db = pool.acquire(scope).await?;
/// let inserted = BulkInsert::into("notes")
///     .column("id", vec![1_i64, 2])
///     .column("title", vec!["one".to_owned(), "two".to_owned()])
///     .execute(&mut db)
///     .await?;
/// assert_eq!(inserted, 2);
/// # Ok(()) }
/// ```
#[must_use = "nothing is inserted before `.execute()`"]
pub struct BulkInsert {
    sql: BulkSql,
    arguments: PgArguments,
    wrong: Option<PoolError>,
}

impl BulkInsert {
    /// Into this table, `table` (in the schema `public`) or `schema.table`, whose tenant column is
    /// `tenant_id` of type text unless [`tenant_column`](Self::tenant_column) says otherwise.
    pub fn into(table: &str) -> Self {
        Self {
            sql: BulkSql::into(table),
            arguments: PgArguments::default(),
            wrong: None,
        }
    }

    /// The tenant column's name and type.
    pub fn tenant_column(mut self, name: &str, kind: TenantKind) -> Self {
        self.sql.tenant_column(name, kind);
        self
    }

    /// There is no tenant column to fill, or its default is to fill it: in a schema or a database of
    /// the tenant's own, and behind tenant logins.
    pub fn without_tenant_column(mut self) -> Self {
        self.sql.without_tenant_column();
        self
    }

    /// A column, with one value for each row.
    pub fn column<'q, T>(mut self, name: &str, values: Vec<T>) -> Self
    where
        Vec<T>: Encode<'q, Postgres> + Type<Postgres>,
    {
        self.sql.column(name, values.len());
        if self.arguments.add(values).is_err() {
            self.wrong = Some(PoolError::BulkValue);
        }
        self
    }

    /// Inserts, on a connection or in a transaction whose scope is open. Answers how many rows.
    ///
    /// # Errors
    /// [`PoolError::BulkShape`] where the columns are not of one length, or there is none;
    /// [`PoolError::BulkValue`]; [`PoolError::Enforcement`] for a name that is none;
    /// [`Error::Statement`] where the database refuses. In all of these nothing was inserted.
    pub async fn execute(self, connection: &mut PgConnection) -> Result<u64, Error> {
        let sql = self.sql.sql()?;
        if let Some(wrong) = self.wrong {
            return Err(wrong.into());
        }
        let query = sqlx::query_with(AssertSqlSafe(sql), self.arguments);
        Ok(query.execute(connection).await?.rows_affected())
    }
}

impl fmt::Debug for BulkInsert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkInsert")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}
