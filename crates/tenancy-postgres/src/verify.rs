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
pub use snapshot::{Snapshot, snapshot_sql};

use crate::install::Roles;

/// What is expected of a database, and what is allowed there by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Expectations {
    pub(crate) roles: Roles,
    pub(crate) below_floor: bool,
    pub(crate) role_settings: Vec<String>,
}

impl Expectations {
    /// The roles of the installation, and nothing allowed besides.
    pub fn new(roles: Roles) -> Self {
        Self {
            roles,
            below_floor: false,
            role_settings: Vec::new(),
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
