//! What a pool's connections are for.

use std::fmt;

use tenancy_postgres::ident::Identifier;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::schema::BIND;
use tenancy_postgres::seal::{ENTER, TenantKind};

/// What a pool's connections are for, and so what opens a scope on one, and what ends it.
pub(crate) enum Purpose {
    /// Shared; a proof opens a scope.
    Sealed { key: SealingKey, kind: TenantKind },
    /// The same through a transaction pooler, as this login.
    Pooled {
        key: SealingKey,
        kind: TenantKind,
        login: Identifier,
    },
    /// Shared; the search path leads a scope to its schema.
    Routed,
    /// Each is one tenant's.
    Own,
    /// Above the wall.
    Central,
}

impl Purpose {
    /// The statement that opens scopes, where a driver does well to prepare it on each connection.
    pub(crate) fn opening_sql(&self) -> Option<&'static str> {
        match self {
            Self::Sealed { .. } => Some(ENTER),
            Self::Routed => Some(BIND),
            // A transaction pooler's server connections forget it.
            Self::Pooled { .. } | Self::Own | Self::Central => None,
        }
    }

    /// Whether a scope can be opened ahead of need, and kept. A search path can't: a schema may be
    /// renamed meanwhile, and its name be another tenant's.
    pub(crate) fn shelves(&self) -> bool {
        matches!(self, Self::Sealed { .. })
    }

    pub(crate) fn is_pooled(&self) -> bool {
        matches!(self, Self::Pooled { .. })
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sealed { .. } => "Sealed",
            Self::Pooled { .. } => "Pooled",
            Self::Routed => "Routed",
            Self::Own => "Own",
            Self::Central => "Central",
        })
    }
}
