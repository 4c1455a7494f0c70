//! Where one tenant's data lives.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How tenants are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Strategy {
    /// Shared tables; the database shows each scope its own rows.
    RowLevel,
    /// A schema for each tenant in one database.
    SchemaPerTenant,
    /// A database, or a database file, for each tenant.
    DatabasePerTenant,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowLevel => "row-level",
            Self::SchemaPerTenant => "schema-per-tenant",
            Self::DatabasePerTenant => "database-per-tenant",
        })
    }
}

/// Where one tenant's data lives. One tenant has one placement, and one placement one tenant, for
/// ever; the store records it.
///
/// `Debug` shows the strategy alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    strategy: Strategy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

impl Placement {
    /// On tables that all tenants share ([`Strategy::RowLevel`]).
    pub fn shared() -> Self {
        Self {
            strategy: Strategy::RowLevel,
            server: None,
            database: None,
            schema: None,
            credential: None,
        }
    }

    /// In a schema of its own.
    pub fn schema(name: impl Into<String>) -> Self {
        Self {
            strategy: Strategy::SchemaPerTenant,
            schema: Some(name.into()),
            ..Self::shared()
        }
    }

    /// In a database (or a database file) of its own.
    pub fn database(name: impl Into<String>) -> Self {
        Self {
            strategy: Strategy::DatabasePerTenant,
            database: Some(name.into()),
            ..Self::shared()
        }
    }

    /// The same place on the server of this name.
    pub fn on_server(mut self, server: impl Into<String>) -> Self {
        self.server = Some(server.into());
        self
    }

    /// The same place, reached with the credential of this name: a name, never the secret itself.
    pub fn with_credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Some(credential.into());
        self
    }

    /// How this tenant is kept apart.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The server's name, where there are several.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// The database's name ([`Strategy::DatabasePerTenant`]).
    pub fn database_name(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The schema's name ([`Strategy::SchemaPerTenant`]).
    pub fn schema_name(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The credential's name.
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }

    /// Whether what the strategy needs is there, and nothing that contradicts it.
    pub(crate) fn is_coherent(&self) -> bool {
        let named = |part: &Option<String>| part.as_ref().is_some_and(|name| !name.is_empty());
        match self.strategy {
            Strategy::RowLevel => self.database.is_none() && self.schema.is_none(),
            Strategy::SchemaPerTenant => named(&self.schema),
            Strategy::DatabasePerTenant => named(&self.database),
        }
    }
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement")
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
