//! Where one tenant's tables are, as the judge sees them.

use std::fmt;
use std::sync::Arc;

use tokio_postgres::Config;

use crate::direct::Direct;
use crate::verdict::{Stop, Verdict};
use crate::{Row, SqlError};

/// What every case writes before a table's name: where tenants have places of their own, the
/// judge has the place's schema there, and an application nothing.
const WRITTEN: &str = "conformance.";

/// A schema that holds a tenant's tables, and the administrator's connection to its database.
#[derive(Clone)]
pub(crate) struct Place {
    judge: Arc<Direct>,
    /// As it is kept in the catalog.
    pub(crate) schema: String,
}

impl Place {
    pub(crate) fn new(judge: Arc<Direct>, schema: &str) -> Self {
        Self {
            judge,
            schema: schema.to_owned(),
        }
    }

    /// How the administrator reaches its database.
    pub(crate) fn admin(&self) -> &Config {
        &self.judge.config
    }

    /// The schema's name, for SQL.
    pub(crate) fn quoted(&self) -> String {
        quoted(&self.schema)
    }

    /// The schema's name as a literal, for SQL.
    pub(crate) fn literal(&self) -> String {
        literal(&self.schema)
    }

    /// What a case writes, with this place's schema.
    pub(crate) fn written(&self, sql: &str) -> String {
        sql.replace(WRITTEN, &format!("{}.", self.quoted()))
    }

    pub(crate) async fn simple(&self, sql: &str) -> Result<Vec<Row>, SqlError> {
        self.judge.simple(&self.written(sql)).await
    }

    /// The judge's word on one value.
    pub(crate) async fn ask(&self, sql: &str) -> Verdict<String> {
        match self.judge.value(&self.written(sql)).await {
            Ok(value) => Ok(value.unwrap_or_default()),
            Err(error) => Err(Stop::failed(format!(
                "the judge could not look ({sql}): {error}"
            ))),
        }
    }

    /// The administrator does something, as part of an attack's setting.
    pub(crate) async fn administer(&self, sql: &str) -> Verdict {
        match self.simple(sql).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Stop::failed(format!(
                "the administrator's part failed ({sql}): {error}"
            ))),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// What a case writes, as an application with places of its own writes it.
pub(crate) fn unqualified(sql: &str) -> String {
    sql.replace(WRITTEN, "")
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
