//! The names of the registry's tables.

use super::RegistryError;
use crate::db::Kind;

/// The longest prefix: with it, every name fits into 63 bytes.
pub(crate) const MAX_PREFIX: usize = 32;
const MAX_SCHEMA: usize = 63;

/// What stands before each table's name, and on PostgreSQL the schema that they lie in.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
    schema: String,
}

impl Names {
    pub(crate) fn new(prefix: &str, schema: &str) -> Result<Self, RegistryError> {
        check("prefix", prefix, MAX_PREFIX)?;
        check("schema", schema, MAX_SCHEMA)?;
        Ok(Self {
            prefix: prefix.to_owned(),
            schema: schema.to_owned(),
        })
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn plain(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    /// The channel of notices, in PostgreSQL. Two registries in one database have two.
    pub(crate) fn channel(&self) -> String {
        // At most 63 bytes, also with a long schema: its notices are hints, so a clash costs a look.
        let mut name = format!("{}changed_{}", self.prefix, self.schema);
        name.truncate(63);
        name
    }

    /// The name in SQL. It needs no quotes by what it may consist of, and has them for keywords.
    pub(crate) fn quoted(&self, kind: Kind, table: &str) -> String {
        let name = self.plain(table);
        match kind {
            Kind::Postgres => format!("\"{}\".\"{name}\"", self.schema),
            Kind::Mysql => format!("`{name}`"),
            // Unqualified: a foreign key names no database.
            Kind::Sqlite => format!("\"{name}\""),
        }
    }
}

fn check(what: &'static str, name: &str, max: usize) -> Result<(), RegistryError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    if starts && name.len() <= max && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err(RegistryError::Name { what, max })
    }
}
