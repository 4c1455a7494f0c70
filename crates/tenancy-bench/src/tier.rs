//! How tenants are kept apart, and what binds a connection to one of them.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// What a tenant's rows lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Strategy {
    /// Tables that all tenants share.
    RowLevel,
    /// A schema of the tenant's own.
    Schema,
    /// A database of the tenant's own.
    Database,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowLevel => "row_level",
            Self::Schema => "schema",
            Self::Database => "database",
        })
    }
}

/// What binds a connection to its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Binding {
    /// A sealed scope on a shared login. A connection is kept on the tenant's shelf, or is cold.
    Sealed,
    /// A login of the tenant's own: by its making, so no connection is ever cold.
    Login,
    /// The search path on a shared login. It is set in each scope, so no connection is ever warm.
    Routed,
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sealed => "sealed",
            Self::Login => "login",
            Self::Routed => "routed",
        })
    }
}

/// A strategy and a binding that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// What a tenant's rows lie in.
    pub strategy: Strategy,
    /// What binds a connection to its tenant.
    pub binding: Binding,
}

impl Tier {
    /// Row-level tables, and a sealed scope.
    pub const SEALED: Self = Self::of(Strategy::RowLevel, Binding::Sealed);
    /// Row-level tables, and a login for each tenant.
    pub const LOGINS: Self = Self::of(Strategy::RowLevel, Binding::Login);
    /// A schema for each tenant, and a search path.
    pub const ROUTED_SCHEMAS: Self = Self::of(Strategy::Schema, Binding::Routed);
    /// A schema and a login for each tenant.
    pub const SCHEMA_LOGINS: Self = Self::of(Strategy::Schema, Binding::Login);
    /// A database and a login for each tenant.
    pub const DATABASES: Self = Self::of(Strategy::Database, Binding::Login);

    /// All that there are.
    pub const ALL: [Self; 5] = [
        Self::SEALED,
        Self::LOGINS,
        Self::ROUTED_SCHEMAS,
        Self::SCHEMA_LOGINS,
        Self::DATABASES,
    ];

    const fn of(strategy: Strategy, binding: Binding) -> Self {
        Self { strategy, binding }
    }
}
