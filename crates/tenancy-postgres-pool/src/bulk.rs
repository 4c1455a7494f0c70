//! The text of a bulk insert.

use tenancy_postgres::ident::{Identifier, TableName};
use tenancy_postgres::seal::TenantKind;

use crate::Error;

/// An `INSERT .. SELECT` over `unnest`, one array for each column, in place of `COPY .. FROM`, which
/// PostgreSQL refuses where row security is on.
#[derive(Debug, Clone)]
pub struct BulkSql {
    table: String,
    tenant: Option<(String, TenantKind)>,
    columns: Vec<String>,
    rows: Option<usize>,
    uneven: bool,
}

impl BulkSql {
    /// Into this table, `table` (in the schema `public`) or `schema.table`, whose tenant column is
    /// `tenant_id` of type text.
    pub fn into(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            tenant: Some(("tenant_id".to_owned(), TenantKind::Text)),
            columns: Vec::new(),
            rows: None,
            uneven: false,
        }
    }

    /// The tenant column's name and type. It is read once, rather than for each row as the column's
    /// default would.
    pub fn tenant_column(&mut self, name: &str, kind: TenantKind) {
        self.tenant = Some((name.to_owned(), kind));
    }

    /// There is no tenant column to fill, or its default is to fill it: in a schema or a database of
    /// the tenant's own, and behind tenant logins.
    pub fn without_tenant_column(&mut self) {
        self.tenant = None;
    }

    /// A column, with so many values.
    pub fn column(&mut self, name: &str, values: usize) {
        // `unnest` would fill a shorter column up with NULLs.
        if *self.rows.get_or_insert(values) != values {
            self.uneven = true;
        }
        self.columns.push(name.to_owned());
    }

    /// The statement. Its parameters are the columns' arrays, in their order.
    ///
    /// # Errors
    /// [`Error::BulkShape`] where the columns are not of one length, or there is none;
    /// [`Error::Enforcement`] for a name that is none.
    pub fn sql(&self) -> Result<String, Error> {
        if self.columns.is_empty() || self.uneven {
            return Err(Error::BulkShape);
        }
        let table: TableName = self.table.parse()?;
        let columns = self
            .columns
            .iter()
            .map(|name| Ok(Identifier::new(name)?.quoted()));
        let columns = columns.collect::<Result<Vec<_>, Error>>()?.join(", ");
        let arrays: Vec<_> = (1..=self.columns.len())
            .map(|at| format!("pg_catalog.unnest(${at})"))
            .collect();
        let (tenant, value) = match &self.tenant {
            Some((name, kind)) => (
                format!("{}, ", Identifier::new(name)?.quoted()),
                format!("(SELECT {}()), ", kind.reader()),
            ),
            None => (String::new(), String::new()),
        };
        Ok(format!(
            "INSERT INTO {} ({tenant}{columns}) \
             SELECT {value}{columns} FROM ROWS FROM ({}) AS tenancy_rows ({columns})",
            table.quoted(),
            arrays.join(", "),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_the_tenant_is_read_once() {
        let mut bulk = BulkSql::into("app.no\"tes");
        bulk.tenant_column("org", TenantKind::Bigint);
        bulk.column("id", 1);
        bulk.column("a) SELECT", 1);
        assert_eq!(
            bulk.sql().unwrap(),
            "INSERT INTO \"app\".\"no\"\"tes\" (\"org\", \"id\", \"a) SELECT\") \
             SELECT (SELECT tenancy.current_tenant_bigint()), \"id\", \"a) SELECT\" \
             FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) \
             AS tenancy_rows (\"id\", \"a) SELECT\")"
        );
        bulk.without_tenant_column();
        assert!(
            bulk.sql()
                .unwrap()
                .contains("(\"id\", \"a) SELECT\") SELECT \"id\",")
        );
    }

    #[test]
    fn columns_of_two_lengths_and_none_are_refused() {
        let mut bulk = BulkSql::into("notes");
        assert!(matches!(bulk.sql(), Err(Error::BulkShape)));
        bulk.column("id", 2);
        bulk.column("title", 1);
        assert!(matches!(bulk.sql(), Err(Error::BulkShape)));
    }
}
