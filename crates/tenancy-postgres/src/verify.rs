//! Looking for holes in a database: structural, never a substring test.
//!
//! Ask with [`snapshot_sql`], read the answer with [`Snapshot::parse`], and [`judge`] it. The list
//! of tables comes from the database itself, so that what nobody thought of is looked at too: a
//! relation that the runtime role reaches and that is neither walled nor declared shared is a
//! hole. The runtime role may ask for itself, and so may an admin.
//!
//! ```
//! use tenancy_postgres::install::Roles;
//! use tenancy_postgres::verify::{Expectations, snapshot_sql};
//!
//! let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?;
//! let sql = snapshot_sql(&Expectations::new(roles)); // answers one text; then parse and judge
//! assert!(sql.starts_with("WITH RECURSIVE"));
//! # Ok::<(), tenancy_postgres::Error>(())
//! ```

mod finding;
mod judge;
mod relations;
mod rights;
mod roles;
mod seal;
mod server;
mod snapshot;
mod tenant;

pub use finding::{Code, Finding, Severity};
pub use judge::{judge, unreadable};
pub(crate) use server::version as version_finding;
pub(crate) use snapshot::qualify;
pub use snapshot::{Snapshot, snapshot_sql};

use crate::ident::quoted;
use crate::install::Roles;
use crate::login::TenantLogins;
use crate::wall::reads::Reads;

/// What is expected of a database, and what is allowed there by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Expectations {
    pub(crate) roles: Roles,
    pub(crate) below_floor: bool,
    pub(crate) role_settings: Vec<String>,
    pub(crate) transaction_only: bool,
    pub(crate) logins: Option<TenantLogins>,
}

impl Expectations {
    /// The roles of the installation, and nothing allowed besides.
    pub fn new(roles: Roles) -> Self {
        Self {
            roles,
            below_floor: false,
            role_settings: Vec::new(),
            transaction_only: false,
            logins: None,
        }
    }

    /// The same for the pooled role, if the roles name one: it is judged as the runtime role is, and
    /// besides may enter for a transaction only. Such an installation is sound when both are.
    pub fn for_pooled(roles: &Roles) -> Option<Self> {
        roles.as_pooled().map(|roles| Self {
            transaction_only: true,
            ..Self::new(roles)
        })
    }

    /// The same where each tenant has a login of its own: every wall reads `session_user`, and what
    /// must hold for the runtime role elsewhere must hold for the group and for every login. A
    /// wall that reads the sealed scope is a hole here, as one that reads the login is elsewhere.
    /// Settings that the logins expect are expected.
    ///
    /// ```
    /// use tenancy_postgres::install::Roles;
    /// use tenancy_postgres::login::TenantLogins;
    /// use tenancy_postgres::verify::{Expectations, snapshot_sql};
    ///
    /// let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?;
    /// let logins = TenantLogins::new("app_tenants".parse()?, "tn_")?;
    /// let sql = snapshot_sql(&Expectations::for_logins(&roles, &logins)); // as ever: parse and judge
    /// # Ok::<(), tenancy_postgres::Error>(())
    /// ```
    pub fn for_logins(roles: &Roles, logins: &TenantLogins) -> Self {
        Self {
            role_settings: logins.role_settings().to_vec(),
            logins: Some(logins.clone()),
            ..Self::new(logins.roles(roles))
        }
    }

    /// A role as findings name it.
    pub(crate) fn shown(&self, role: &str) -> String {
        match &self.logins {
            Some(logins) => logins.shown(role),
            None => format!("role {role}"),
        }
    }

    /// The same in SQL that mends: which logins are meant, the catalog says.
    pub(crate) fn named(&self, role: &str) -> String {
        match &self.logins {
            Some(logins) if logins.covers(role) => "..".to_owned(),
            _ => quoted(role),
        }
    }

    /// The same for whom a right was granted to.
    pub(crate) fn grantee(&self, whom: &str) -> String {
        if whom == "PUBLIC" {
            whom.to_owned()
        } else {
            self.named(whom)
        }
    }

    /// What a wall must compare its column with.
    pub(crate) fn reads(&self) -> Reads {
        match self.logins {
            None => Reads::Scope,
            Some(_) => Reads::Login,
        }
    }

    /// Lets a server serve that is below the floor of its major, or of a major that this version
    /// was not tested with. The finding stays, as a warning. A server older than the oldest
    /// supported major is refused all the same: what the wall rests on is not there.
    pub fn allow_version_below_floor(mut self) -> Self {
        self.below_floor = true;
        self
    }

    /// Expects a setting that `ALTER ROLE .. SET` gave to the runtime role, as the catalog writes
    /// it: `statement_timeout=5s`. Any other one may have been left there by injected SQL.
    pub fn expect_role_setting(mut self, setting: impl Into<String>) -> Self {
        self.role_settings.push(setting.into());
        self
    }
}
