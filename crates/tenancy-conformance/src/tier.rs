//! How a stage's tenants are kept apart, and by whom.

use tenancy_core::{Enforcement, Strategy};

/// A strategy, with what opens a tenant's place and who stops a statement that reaches out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Shared tables behind a wall, one login, the sealed scope.
    RowLevelSealed,
    /// The same behind a transaction pooler: a scope lasts for one transaction.
    RowLevelPooled,
    /// Shared tables behind a wall that reads `session_user`, a login for each tenant.
    RowLevelLogins,
    /// A schema for each tenant, one login, `search_path`: the facade alone keeps them apart.
    SchemaRouted,
    /// A schema and a login for each tenant.
    SchemaLogins,
    /// A database and a login for each tenant.
    Databases,
}

impl Tier {
    /// Every one of them.
    pub const ALL: [Self; 6] = [
        Self::RowLevelSealed,
        Self::RowLevelPooled,
        Self::RowLevelLogins,
        Self::SchemaRouted,
        Self::SchemaLogins,
        Self::Databases,
    ];

    /// The strategy.
    pub fn strategy(self) -> Strategy {
        match self {
            Self::RowLevelSealed | Self::RowLevelPooled | Self::RowLevelLogins => {
                Strategy::RowLevel
            }
            Self::SchemaRouted | Self::SchemaLogins => Strategy::SchemaPerTenant,
            Self::Databases => Strategy::DatabasePerTenant,
        }
    }

    /// What says whose a connection is: `sealed`, `pooled`, `login` or `routed`.
    pub fn binding(self) -> &'static str {
        match self {
            Self::RowLevelSealed => "sealed",
            Self::RowLevelPooled => "pooled",
            Self::RowLevelLogins | Self::SchemaLogins | Self::Databases => "login",
            Self::SchemaRouted => "routed",
        }
    }

    /// Who stops a statement that reaches for the other's data.
    pub fn enforcement(self) -> Enforcement {
        match self {
            Self::SchemaRouted => Enforcement::Facade,
            _ => Enforcement::Database,
        }
    }

    /// Whether each tenant has a login of its own.
    pub fn has_logins(self) -> bool {
        self.binding() == "login"
    }

    /// Whether the tenants share tables, behind a wall.
    pub(crate) fn is_walled(self) -> bool {
        self.strategy() == Strategy::RowLevel
    }

    /// Whether a key opens the scope.
    pub(crate) fn is_sealed(self) -> bool {
        matches!(self, Self::RowLevelSealed | Self::RowLevelPooled)
    }

    /// Whether every checkout is a transaction, which ends with it.
    pub(crate) fn is_pooled(self) -> bool {
        self == Self::RowLevelPooled
    }
}

/// The tiers that a case is played on.
#[derive(Clone, Copy)]
pub(crate) struct On(&'static [Tier]);

impl On {
    pub(crate) fn has(self, tier: Tier) -> bool {
        self.0.contains(&tier)
    }
}

use Tier::{Databases, RowLevelLogins, RowLevelPooled, RowLevelSealed, SchemaLogins, SchemaRouted};

/// Everywhere.
pub(crate) const ALL: On = On(&Tier::ALL);
/// Where what is done in a checkout outlives it without a commit.
pub(crate) const SESSIONS: On = On(&[
    RowLevelSealed,
    RowLevelLogins,
    SchemaRouted,
    SchemaLogins,
    Databases,
]);
/// Tables are shared.
pub(crate) const WALLED: On = On(&[RowLevelSealed, RowLevelPooled, RowLevelLogins]);
/// Tables are shared, and what is done in a checkout outlives it.
pub(crate) const WALLED_SESSIONS: On = On(&[RowLevelSealed, RowLevelLogins]);
/// A key opens the scope.
pub(crate) const SEALED: On = On(&[RowLevelSealed, RowLevelPooled]);
/// A key opens the scope, for as long as the session.
pub(crate) const SEALED_SESSIONS: On = On(&[RowLevelSealed]);
/// The database enforces, and no pooler stands between.
pub(crate) const ENFORCED_SESSIONS: On =
    On(&[RowLevelSealed, RowLevelLogins, SchemaLogins, Databases]);
/// A login for each tenant.
pub(crate) const LOGINS: On = On(&[RowLevelLogins, SchemaLogins, Databases]);
/// A login for each tenant, on shared tables.
pub(crate) const WALLED_LOGINS: On = On(&[RowLevelLogins]);
/// A place for each tenant.
pub(crate) const PLACES: On = On(&[SchemaRouted, SchemaLogins, Databases]);
/// A place for each tenant that only its own login enters.
pub(crate) const OWN_PLACES: On = On(&[SchemaLogins, Databases]);
/// A schema for each tenant.
pub(crate) const SCHEMAS: On = On(&[SchemaRouted, SchemaLogins]);
/// A schema for each tenant, which the facade alone keeps apart.
pub(crate) const ROUTED: On = On(&[SchemaRouted]);
