//! Many rows in one statement, in place of `COPY .. FROM`.

use std::fmt;

use sqlx::postgres::{PgArguments, PgConnection, Postgres};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Type};
use tenancy_postgres::ident::{Identifier, TableName};
use tenancy_postgres::seal::TenantKind;

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
    table: String,
    tenant: (String, TenantKind),
    columns: Vec<String>,
    arguments: PgArguments,
    rows: Option<usize>,
    wrong: Option<Error>,
}

impl BulkInsert {
    /// Into this table, `table` (in the schema `public`) or `schema.table`, whose tenant column is
    /// `tenant_id` of type text unless [`tenant_column`](Self::tenant_column) says otherwise.
    pub fn into(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            tenant: ("tenant_id".to_owned(), TenantKind::Text),
            columns: Vec::new(),
            arguments: PgArguments::default(),
            rows: None,
            wrong: None,
        }
    }

    /// The tenant column's name and type.
    pub fn tenant_column(mut self, name: &str, kind: TenantKind) -> Self {
        self.tenant = (name.to_owned(), kind);
        self
    }

    /// A column, with one value for each row.
    pub fn column<'q, T>(mut self, name: &str, values: Vec<T>) -> Self
    where
        Vec<T>: Encode<'q, Postgres> + Type<Postgres>,
    {
        // `unnest` would fill a shorter column up with NULLs.
        if *self.rows.get_or_insert(values.len()) != values.len() {
            self.wrong.get_or_insert(Error::BulkShape);
        }
        if self.arguments.add(values).is_err() {
            self.wrong.get_or_insert(Error::BulkValue);
        }
        self.columns.push(name.to_owned());
        self
    }

    /// Inserts, on a connection or in a transaction whose scope is open. Answers how many rows.
    ///
    /// # Errors
    /// [`Error::BulkShape`] where the columns are not of one length, or there is none;
    /// [`Error::BulkValue`]; [`Error::Enforcement`] for a name that is none; [`Error::Statement`]
    /// where the database refuses. In all of these nothing was inserted.
    pub async fn execute(self, connection: &mut PgConnection) -> Result<u64, Error> {
        let sql = self.sql()?;
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let query = sqlx::query_with(AssertSqlSafe(sql), self.arguments);
        Ok(query.execute(connection).await?.rows_affected())
    }

    fn sql(&self) -> Result<String, Error> {
        if self.columns.is_empty() {
            return Err(Error::BulkShape);
        }
        let table: TableName = self.table.parse()?;
        let (tenant, kind) = &self.tenant;
        let tenant = Identifier::new(tenant)?.quoted();
        let columns = self
            .columns
            .iter()
            .map(|name| Ok(Identifier::new(name)?.quoted()));
        let columns = columns.collect::<Result<Vec<_>, Error>>()?.join(", ");
        let arrays: Vec<_> = (1..=self.columns.len())
            .map(|at| format!("pg_catalog.unnest(${at})"))
            .collect();
        Ok(format!(
            "INSERT INTO {} ({tenant}, {columns}) \
             SELECT (SELECT {}()), {columns} FROM ROWS FROM ({}) AS tenancy_rows ({columns})",
            table.quoted(),
            kind.reader(),
            arrays.join(", "),
        ))
    }
}

impl fmt::Debug for BulkInsert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkInsert")
            .field("table", &self.table)
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_the_tenant_is_read_once() {
        let sql = BulkInsert::into("app.no\"tes")
            .tenant_column("org", TenantKind::Bigint)
            .column("id", vec![1_i64])
            .column("a) SELECT", vec!["x".to_owned()])
            .sql()
            .unwrap();
        assert_eq!(
            sql,
            r#"INSERT INTO "app"."no""tes" ("org", "id", "a) SELECT") SELECT (SELECT tenancy.current_tenant_bigint()), "id", "a) SELECT" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS tenancy_rows ("id", "a) SELECT")"#
        );
    }
}
