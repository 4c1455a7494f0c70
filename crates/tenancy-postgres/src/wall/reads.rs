//! What a wall compares its column with: the sealed scope, or the session's login.

use crate::seal::TenantKind;

/// Who says which tenant a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The sealed scope, by its function for the column's type.
    Scope,
    /// The login, by two functions that are evaluated when a statement is planned, which costs
    /// nothing when it runs: one for the tenant, and one for the login that it was evaluated for.
    /// The latter is compared with the session's login at each execution, so that no plan is ever
    /// used for another login. `session_user` is PostgreSQL's own word: no search path changes it.
    Login,
}

impl Reads {
    /// The function that reads the tenant, with its schema: the column's default.
    pub(crate) fn function(self, kind: TenantKind) -> &'static str {
        match (self, kind) {
            (Self::Scope, kind) => kind.reader(),
            (Self::Login, TenantKind::Text) => "tenancy.login_tenant",
            (Self::Login, TenantKind::Uuid) => "tenancy.login_tenant_uuid",
            (Self::Login, TenantKind::Bigint) => "tenancy.login_tenant_bigint",
        }
    }

    /// The functions that the wall depends on, without their schema, and nothing else.
    pub(crate) fn functions(self, kind: TenantKind) -> Vec<&'static str> {
        let reader = self.function(kind).trim_start_matches("tenancy.");
        match self {
            Self::Scope => vec![reader],
            Self::Login => vec!["login_name", reader],
        }
    }

    /// The tenant as a sub-select: evaluated once for each table of a statement.
    pub(crate) fn select(self, kind: TenantKind) -> String {
        let function = self.function(kind);
        match self {
            Self::Scope => format!("(SELECT {function}())"),
            Self::Login => format!(
                "(SELECT CASE WHEN session_user = tenancy.login_name() THEN {function}() END AS tenant)"
            ),
        }
    }

    /// The wall over `column`, as the server writes its name, and as it writes the whole, with
    /// white space [`collapsed`].
    pub(crate) fn written_wall(self, column: &str, kind: TenantKind) -> String {
        let function = self.function(kind);
        let value = match self {
            Self::Scope => format!(
                "{function}() AS {}",
                function.trim_start_matches("tenancy.")
            ),
            Self::Login => format!(
                "CASE WHEN (SESSION_USER = tenancy.login_name()) THEN {function}() ELSE NULL::{} END AS tenant",
                kind.sql_type()
            ),
        };
        format!("({column} = ( SELECT {value}))")
    }
}

/// Every run of white space as one blank, and none at the ends: the server breaks lines. No text
/// that is compared with holds white space between quotes.
pub(crate) fn collapsed(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
