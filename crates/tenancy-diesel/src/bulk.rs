//! Many rows in one statement, in place of `COPY .. FROM`.

use std::fmt;

use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, HasSqlType, SingleValue};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres_pool::BulkSql;

use crate::Error;

type Insert<'v> = BoxedSqlQuery<'v, Pg, SqlQuery>;

/// Inserts columns of values as rows of the scope's tenant, in one statement.
///
/// PostgreSQL refuses `COPY .. FROM` where row security is on, and an `INSERT` of many rows has a
/// parameter for each value. This is an `INSERT .. SELECT` over `unnest`, one array for each column,
/// and it reads the tenant once rather than for each row, as the column's default would.
///
/// ```no_run
/// # use diesel::sql_types::{BigInt, Text};
/// # use tenancy_core::TenantScope;
/// # use tenancy_diesel::{BulkInsert, Error, TenantPool};
/// # async fn example(pool: TenantPool, scope: &TenantScope) -> Result<(), Error> {
/// let mut db = pool.acquire(scope).await?;
/// let inserted = BulkInsert::into("notes")
///     .column::<BigInt, _>("id", vec![1_i64, 2])
///     .column::<Text, _>("title", vec!["one", "two"])
///     .execute(&mut db)
///     .await?;
/// assert_eq!(inserted, 2);
/// # Ok(()) }
/// ```
#[must_use = "nothing is inserted before `.execute()`"]
pub struct BulkInsert<'v> {
    sql: BulkSql,
    bind: Box<dyn FnOnce(Insert<'v>) -> Insert<'v> + Send + 'v>,
}

impl<'v> BulkInsert<'v> {
    /// Into this table, `table` (in the schema `public`) or `schema.table`, whose tenant column is
    /// `tenant_id` of type text unless [`tenant_column`](Self::tenant_column) says otherwise.
    pub fn into(table: &str) -> Self {
        Self {
            sql: BulkSql::into(table),
            bind: Box::new(|insert| insert),
        }
    }

    /// The tenant column's name and type.
    pub fn tenant_column(mut self, name: &str, kind: TenantKind) -> Self {
        self.sql.tenant_column(name, kind);
        self
    }

    /// A column of the SQL type `S`, with one value for each row.
    pub fn column<S, T>(mut self, name: &str, values: Vec<T>) -> Self
    where
        S: SingleValue + Send + 'static,
        T: Send + 'v,
        Vec<T>: ToSql<Array<S>, Pg>,
        Pg: HasSqlType<Array<S>>,
    {
        self.sql.column(name, values.len());
        let before = self.bind;
        self.bind = Box::new(move |insert| before(insert).bind::<Array<S>, _>(values));
        self
    }

    /// Inserts, on a connection or in a transaction whose scope is open. Answers how many rows. Two
    /// round trips: the statement is prepared first.
    ///
    /// # Errors
    /// [`PoolError::BulkShape`](crate::PoolError::BulkShape) where the columns are not of one length,
    /// or there is none; [`PoolError::Enforcement`](crate::PoolError::Enforcement) for a name that is
    /// none; [`Error::Statement`] where the database, or the driver for a value, refuses. In all of
    /// these nothing was inserted.
    pub async fn execute(self, connection: &mut AsyncPgConnection) -> Result<usize, Error> {
        let insert = diesel::sql_query(self.sql.sql()?).into_boxed::<Pg>();
        Ok((self.bind)(insert).execute(connection).await?)
    }
}

impl fmt::Debug for BulkInsert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkInsert")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}
