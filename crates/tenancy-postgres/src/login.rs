//! A login for each tenant, for row-level: the wall reads `session_user`, so there is nothing to
//! sign and nothing to forge.
//!
//! Who enforces it: PostgreSQL's row security, by the login that the server itself authenticated.
//! No SQL changes `session_user` but `SET SESSION AUTHORIZATION`, which a login that is no
//! superuser may use for its own name alone; `SET ROLE` doesn't change it. So a connection belongs
//! to one tenant for its whole life: lease it to that tenant, and scrub what it leaves behind with
//! [`unscoped_scrub_sql`](crate::scrub::unscoped_scrub_sql).
//!
//! | what | who runs it |
//! |---|---|
//! | [`Install`](crate::install::Install), then [`TenantLogins::install`] | an administrator, once for a database |
//! | [`Wall::for_logins`](crate::wall::Wall::for_logins) | the same, for each table |
//! | [`TenantLogins::create_login`], [`set_password`](TenantLogins::set_password), [`drop_login`](TenantLogins::drop_login) | provisioning, for each tenant |
//! | [`TenantLogins::identity_sql`], [`judge_identity`](TenantLogins::judge_identity) | a pool, on each new connection, before anything else |
//! | [`Expectations::for_logins`](crate::verify::Expectations::for_logins) | a login or an administrator, before serving |
//!
//! What a tenant that runs SQL can do to its own login, and what becomes of it:
//! - `ALTER ROLE CURRENT_USER SET ..` outlives every scrub: the next connection's
//!   [`judge_identity`](TenantLogins::judge_identity) finds it, and so does the verifier. Pin the
//!   [`startup_options`](crate::settings::startup_options) all the same.
//! - `ALTER ROLE CURRENT_USER PASSWORD ..` locks the pool out of this one tenant, and lets whoever
//!   reaches the server log in as this tenant, and as no other:
//!   [`set_password`](TenantLogins::set_password) brings it back. Let `pg_hba.conf` admit these
//!   logins from the application's hosts only.
//! - `GRANT` of itself to another role is refused by every supported server: no role administers
//!   itself, so no tenant makes another a member of anything.
//! - `DROP OWNED BY CURRENT_USER` drops nothing: the grants are the group's, and the wall names no
//!   role. `DROP OWNED BY` the group, whose rights each login has, would take every tenant's grants
//!   away: the event trigger stops it. A service that allows none is named by the verifier; there the
//!   plans of the walls give them back.
//!
//! A login exists in the whole cluster: give each application on a server a group and a prefix of
//! its own, of which none begins with another.

mod identity;
mod plans;

use tenancy_core::TenantId;

use crate::Error;
use crate::catalog::OWNER;
use crate::ident::{Identifier, MAX_LEN};
use crate::install::Roles;
use crate::seal::TenantKind;

/// The longest prefix, in bytes.
pub const MAX_PREFIX: usize = 16;

/// The logins of all tenants: a NOLOGIN group that holds the grants, and the prefix that stands
/// before the tenant's id in a login's name.
///
/// ```
/// use tenancy_core::TenantId;
/// use tenancy_postgres::login::TenantLogins;
/// use tenancy_postgres::seal::TenantKind;
///
/// let logins = TenantLogins::new("app_tenants".parse()?, "tn_")?;
/// let acme = TenantId::new("acme")?;
/// assert_eq!(logins.login(TenantKind::Text, &acme)?.as_str(), "tn_acme");
/// assert!(logins.login(TenantKind::Bigint, &acme).is_err());
/// let plan = logins.create_login(TenantKind::Text, &acme, &"correct horse".to_owned().into())?;
/// assert!(!plan.steps()[0].sql().contains("horse")); // a SCRAM verifier, never the password
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct TenantLogins {
    group: Identifier,
    prefix: String,
    connection_limit: Option<u16>,
    role_settings: Vec<String>,
}

impl TenantLogins {
    /// Logins in `group`, named `prefix` and the tenant's id.
    ///
    /// # Errors
    /// [`Error::Logins`] when the prefix is not 1 to [`MAX_PREFIX`] bytes of `a-z 0-9 _` with `_`
    /// at the end, is one that the server or this crate keeps for itself, or when the group's own
    /// name starts with it or is `tenancy_owner`.
    pub fn new(group: Identifier, prefix: &str) -> Result<Self, Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let reason = if prefix.len() > MAX_PREFIX
            || !prefix.ends_with('_')
            || !prefix.bytes().all(allowed)
        {
            "the prefix is not 1 to 16 bytes of a-z, 0-9 and _, with _ at its end"
        } else if prefix.starts_with("pg_") || prefix.starts_with("tenancy_") {
            "the server or this crate keeps the prefix for itself"
        } else if group.as_str().starts_with(prefix) {
            "the group's name starts with the prefix, so the wall would take it for a tenant"
        } else if group.as_str() == OWNER {
            "the group is the role that owns the sealed scope"
        } else {
            return Ok(Self {
                group,
                prefix: prefix.to_owned(),
                connection_limit: None,
                role_settings: Vec::new(),
            });
        };
        Err(Error::Logins { reason })
    }

    /// At most this many connections of one login at a time, enforced by the server for logins
    /// that are created from here on. Set it above the pool's own cap for a tenant, or a
    /// connection that is just closing is in the way.
    pub fn connection_limit(mut self, connections: u16) -> Self {
        self.connection_limit = Some(connections);
        self
    }

    /// Expects a setting that `ALTER ROLE .. SET` gave to the logins, as the catalog writes it:
    /// `statement_timeout=5s`. Any other one may have been left there by injected SQL.
    pub fn expect_role_setting(mut self, setting: impl Into<String>) -> Self {
        self.role_settings.push(setting.into());
        self
    }

    /// The group, which holds the grants.
    pub fn group(&self) -> &Identifier {
        &self.group
    }

    /// What stands before the tenant's id.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The login of `tenant`: the prefix and the id, in the one spelling that a tenant column of
    /// type `kind` allows.
    ///
    /// # Errors
    /// [`Error::NotCanonical`] for another spelling; [`Error::LoginTooLong`] when both together
    /// are more than 63 bytes.
    pub fn login(&self, kind: TenantKind, tenant: &TenantId) -> Result<Identifier, Error> {
        kind.check(tenant)?;
        let name = format!("{}{tenant}", self.prefix);
        if name.len() > MAX_LEN {
            return Err(Error::LoginTooLong);
        }
        Identifier::new(&name)
    }

    pub(crate) fn role_settings(&self) -> &[String] {
        &self.role_settings
    }

    /// Whether the wall takes a role of this name for a tenant's login.
    pub(crate) fn covers(&self, role: &str) -> bool {
        role.starts_with(&self.prefix)
    }

    /// A role as findings name it: they are read by whoever runs the pool of another tenant.
    pub(crate) fn shown(&self, role: &str) -> String {
        if self.covers(role) {
            format!("a login {}..", self.prefix)
        } else {
            format!("role {role}")
        }
    }

    /// The same installation as its tenants' logins see it: what the runtime role is elsewhere is
    /// the group here.
    pub(crate) fn roles(&self, roles: &Roles) -> Roles {
        roles.serving_by(&self.group)
    }
}
