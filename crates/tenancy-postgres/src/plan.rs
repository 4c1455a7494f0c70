//! What an administrator's connection is to run, in order.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// What a step needs of the role that runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// `CREATEROLE`.
    CreateRole,
    /// `CREATEDB`.
    CreateDatabase,
    /// Ownership of the database, or `CREATE` in it.
    Database,
    /// Membership in `tenancy_owner`.
    TenancyOwner,
    /// Ownership of the table.
    TableOwner,
    /// A superuser. Managed services refuse it, or only warn and do nothing.
    Superuser,
}

/// One step: a message of one or more statements that take effect together or not at all.
#[derive(Clone)]
pub struct Step {
    pub(crate) name: &'static str,
    pub(crate) needs: Needs,
    pub(crate) optional: bool,
    pub(crate) sql: SecretString,
    pub(crate) secret: bool,
    pub(crate) holds: Option<String>,
    pub(crate) done: Option<String>,
}

impl Step {
    pub(crate) fn new(name: &'static str, needs: Needs, sql: String) -> Self {
        Self {
            name,
            needs,
            optional: false,
            sql: sql.into(),
            secret: false,
            holds: None,
            done: None,
        }
    }

    pub(crate) fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    pub(crate) fn holds(mut self, sql: String) -> Self {
        self.holds = Some(sql);
        self
    }

    pub(crate) fn done_when(mut self, sql: String) -> Self {
        self.done = Some(sql);
        self
    }

    /// What it does, for a report.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it needs of the role that runs it.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether the rest stands without it. Its absence is found by [`crate::verify`].
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether its text holds a key: send it, and write it nowhere.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The statements, to be sent as one simple message outside a transaction.
    pub fn sql(&self) -> &str {
        self.sql.expose_secret()
    }

    /// A query that answers one boolean: whether the step is done already, and is to be left out.
    /// Only a step that can't be written so as to run twice has one (`CREATE DATABASE`). Who
    /// loses a race for it gets 42P04, and may run the plan again.
    pub fn done_sql(&self) -> Option<&str> {
        self.done.as_deref()
    }

    /// A query that answers one boolean: whether the step's effect is there. A `REVOKE` without
    /// the right to it only warns, so success alone says little.
    pub fn holds_sql(&self) -> Option<&str> {
        self.holds.as_deref()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sql = if self.secret {
            "[holds a key]"
        } else {
            self.sql()
        };
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("needs", &self.needs)
            .field("optional", &self.optional)
            .field("sql", &sql)
            .finish_non_exhaustive()
    }
}

/// Steps in the order in which they are to run.
///
/// Send each step's [`sql`](Step::sql) as one simple message (it is a transaction of its own).
/// When one fails, stop, unless it [is optional](Step::is_optional). Every step may run again,
/// unless its [`done_sql`](Step::done_sql) says that it is done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// This plan, and `other` behind it.
    pub fn then(mut self, other: Self) -> Self {
        self.steps.extend(other.steps);
        self
    }
}

impl IntoIterator for Plan {
    type Item = Step;
    type IntoIter = std::vec::IntoIter<Step>;
    fn into_iter(self) -> Self::IntoIter {
        self.steps.into_iter()
    }
}
