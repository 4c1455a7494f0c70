//! A place that is open for DDL.

use crate::db::{Fault, Kind, Lane, Row, fault};

/// A connection inside one tenant's place, or inside the base database. Dropped, it is closed.
pub(crate) struct Open {
    lane: Box<dyn Lane>,
    inside: Inside,
    /// Which database the connection is to.
    database: String,
    /// How many places it has been in.
    used: u32,
    /// Whether somebody's script has run on it.
    #[cfg(feature = "postgres")]
    worn: bool,
}

/// Where in its database it works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code)] // with one feature alone, two are never made
pub(crate) enum Inside {
    /// In a database of PostgreSQL.
    Postgres {
        /// The schema of the ledger, and the first of `path`; quoted.
        schema: String,
        /// The value of `search_path`, names quoted.
        path: String,
        /// The role that owns what is made; quoted. `None`: the login itself.
        owner: Option<String>,
        /// The comment that the schema must have, for schema-per-tenant: it holds `a-z 0-9 - _ :`
        /// and spaces alone.
        mark: Option<String>,
    },
    /// In a database of MariaDB.
    Mysql,
    /// In a file of `SQLite`.
    Sqlite,
}

impl Open {
    pub(crate) fn new(lane: Box<dyn Lane>, inside: Inside, database: String) -> Self {
        Self {
            lane,
            inside,
            database,
            used: 1,
            #[cfg(feature = "postgres")]
            worn: false,
        }
    }

    /// The same connection, in another place of the same database.
    #[cfg(feature = "postgres")]
    pub(crate) fn moved(self, inside: Inside) -> Self {
        Self {
            inside,
            used: self.used + 1,
            ..self
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.inside {
            Inside::Postgres { .. } => Kind::Postgres,
            Inside::Mysql => Kind::Mysql,
            Inside::Sqlite => Kind::Sqlite,
        }
    }

    pub(crate) fn inside(&self) -> &Inside {
        &self.inside
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// How many places it has been in: a backend remembers each table that it has touched.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// Whether somebody's script ran on it before: from here on one has.
    #[cfg(feature = "postgres")]
    pub(crate) fn wear(&mut self) -> bool {
        std::mem::replace(&mut self.worn, true)
    }

    /// Whatever the script left is gone again.
    #[cfg(feature = "postgres")]
    pub(crate) fn cleaned(&mut self) {
        self.worn = false;
    }

    /// Statements without values, in one simple message.
    pub(crate) async fn raw(&mut self, sql: &str) -> Result<(), Fault> {
        self.lane.raw(sql.to_owned()).await.map_err(fault)
    }

    /// The same, with the rows of all of them.
    pub(crate) async fn raw_rows(&mut self, sql: &str) -> Result<Vec<Row>, Fault> {
        self.lane.raw_rows(sql.to_owned()).await.map_err(fault)
    }

    pub(crate) fn lane(&mut self) -> &mut dyn Lane {
        &mut *self.lane
    }
}
