//! Installing the sealed scope into one database: idempotent, versioned, one step at a time.

pub(crate) mod steps;

use crate::Error;
use crate::catalog::OWNER;
use crate::ident::Identifier;
use crate::key::SealingKey;
use crate::plan::Plan;
use crate::rotate;

/// The version of what is installed. A database that holds a later one is left alone.
pub const VERSION: i32 = 3;

/// The roles of one application, named by the user.
///
/// ```
/// use tenancy_postgres::install::Roles;
///
/// let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?;
/// assert_eq!(roles.runtime().as_str(), "app");
/// assert!(Roles::new("app".parse()?, "app".parse()?, "app_owner".parse()?).is_err());
/// # Ok::<(), tenancy_postgres::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    runtime: Identifier,
    central: Identifier,
    table_owner: Identifier,
    pooled: Option<Identifier>,
}

impl Roles {
    /// Three roles of their own.
    ///
    /// # Errors
    /// [`Error::Roles`] when two of them are the same, or one is `tenancy_owner`.
    pub fn new(
        runtime: Identifier,
        central: Identifier,
        table_owner: Identifier,
    ) -> Result<Self, Error> {
        let ours = [&runtime, &central, &table_owner]
            .iter()
            .any(|role| role.as_str() == OWNER);
        if ours || runtime == central || runtime == table_owner || central == table_owner {
            return Err(Error::Roles);
        }
        Ok(Self {
            runtime,
            central,
            table_owner,
            pooled: None,
        })
    }

    /// Besides, a login for work through a connection pooler in transaction mode: as the runtime
    /// role, but the server lets it enter for a transaction only ([`crate::pooler`]).
    ///
    /// ```
    /// use tenancy_postgres::install::Roles;
    ///
    /// let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?
    ///     .with_pooled("app_pooled".parse()?)?;
    /// assert_eq!(roles.serving().count(), 2);
    /// # Ok::<(), tenancy_postgres::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Roles`] when it is one of the others, or `tenancy_owner`.
    pub fn with_pooled(self, pooled: Identifier) -> Result<Self, Error> {
        let taken = [&self.runtime, &self.central, &self.table_owner];
        if taken.contains(&&pooled) || pooled.as_str() == OWNER {
            return Err(Error::Roles);
        }
        Ok(Self {
            pooled: Some(pooled),
            ..self
        })
    }

    /// The login that tenants' requests run as: under the wall.
    pub fn runtime(&self) -> &Identifier {
        &self.runtime
    }

    /// The transaction-only login for work through a connection pooler, if there is one.
    pub fn pooled(&self) -> Option<&Identifier> {
        self.pooled.as_ref()
    }

    /// The logins that tenants' requests run as: the runtime role, and the pooled one.
    pub fn serving(&self) -> impl Iterator<Item = &Identifier> {
        std::iter::once(&self.runtime).chain(&self.pooled)
    }

    /// These roles as a pool sees them that logs in as the pooled one.
    pub(crate) fn as_pooled(&self) -> Option<Self> {
        let runtime = self.pooled.clone()?;
        Some(Self {
            runtime,
            pooled: None,
            ..self.clone()
        })
    }

    /// These roles where `role` alone serves tenants.
    pub(crate) fn serving_by(&self, role: &Identifier) -> Self {
        Self {
            runtime: role.clone(),
            pooled: None,
            ..self.clone()
        }
    }

    /// Those that serve, quoted, as a list in SQL.
    pub(crate) fn serving_list(&self) -> String {
        let quoted: Vec<String> = self.serving().map(Identifier::quoted).collect();
        quoted.join(", ")
    }

    /// The login for work across tenants: above the wall, with a pool of its own.
    pub fn central(&self) -> &Identifier {
        &self.central
    }

    /// The role that owns the tables and runs DDL.
    pub fn table_owner(&self) -> &Identifier {
        &self.table_owner
    }
}

/// What to install into one database.
///
/// ```
/// use tenancy_postgres::install::{Install, Roles};
/// use tenancy_postgres::key::{KeyId, SealingKey};
///
/// let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?;
/// let install = Install::new(roles, SealingKey::generate(KeyId::new(1)?)?);
/// for step in install.plan() {
///     println!("{}: {} bytes", step.name(), step.sql().len()); // send it, as one simple message
/// }
/// # Ok::<(), tenancy_postgres::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Install {
    roles: Roles,
    keys: Vec<SealingKey>,
}

impl Install {
    /// An installation for these roles with this key. A key that is already there under the same
    /// id stays as it is.
    pub fn new(roles: Roles, key: SealingKey) -> Self {
        Self {
            roles,
            keys: vec![key],
        }
    }

    /// An installation without a key: to bring what is installed up to date where the key is
    /// there already, by someone who doesn't hold it.
    pub fn without_key(roles: Roles) -> Self {
        Self {
            roles,
            keys: Vec::new(),
        }
    }

    /// The roles.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The steps, for a superuser, or for a role that owns the database and has `CREATEROLE`
    /// (then the steps marked as a superuser's are refused, and the verifier names what they
    /// would have closed). Racing installs wait for each other.
    ///
    /// Logins are created without a password: give them one before or after.
    pub fn plan(&self) -> Plan {
        let mut steps = vec![
            steps::roles(&self.roles),
            steps::central(&self.roles),
            steps::schema(),
            steps::tables(),
            steps::sequences(),
            steps::functions(),
            steps::grants(&self.roles),
        ];
        steps.extend(self.keys.iter().map(rotate::key_step));
        steps.extend([
            steps::database(&self.roles),
            steps::neighbours(&self.roles),
            steps::activity(&self.roles),
            steps::language(&self.roles),
            steps::event_trigger(),
            steps::hand_back(),
        ]);
        Plan { steps }
    }
}
