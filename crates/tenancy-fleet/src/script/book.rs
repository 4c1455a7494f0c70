//! The tables in a tenant's place that say what has run there.

use crate::db::Kind;
use crate::site::{Inside, Open};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Book {
    /// `SQLx`'s own ledger of migrations, so that its tools read it.
    Migrations,
    /// Seeds.
    Seeds,
}

impl Book {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Migrations => "_sqlx_migrations",
            Self::Seeds => "_tenancy_seeds",
        }
    }

    /// The name with the place before it: a script may have gone elsewhere.
    pub(crate) fn table(self, open: &Open) -> String {
        let name = self.name();
        match open.inside() {
            Inside::Postgres { schema, .. } => format!("{schema}.\"{name}\""),
            Inside::Mysql => format!("`{}`.`{name}`", open.database().replace('`', "``")),
            Inside::Sqlite => format!("main.\"{name}\""),
        }
    }

    /// Makes the table where it is missing. That of migrations is word for word `SQLx` 0.9's.
    pub(crate) fn create(self, kind: Kind, table: &str) -> String {
        let columns = match (self, kind) {
            (Self::Migrations, Kind::Postgres) => {
                "version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
                 installed_on TIMESTAMPTZ NOT NULL DEFAULT pg_catalog.now(), success BOOLEAN NOT NULL, \
                 checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL"
            }
            (Self::Migrations, _) => {
                "version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
                 installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
                 checksum BLOB NOT NULL, execution_time BIGINT NOT NULL"
            }
            (Self::Seeds, Kind::Postgres) => {
                "name TEXT COLLATE \"C\" PRIMARY KEY, checksum BYTEA NOT NULL, \
                 seeded_at TIMESTAMPTZ NOT NULL DEFAULT pg_catalog.now()"
            }
            (Self::Seeds, Kind::Mysql) => {
                "name VARBINARY(255) PRIMARY KEY, checksum BLOB NOT NULL, \
                 seeded_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP"
            }
            (Self::Seeds, Kind::Sqlite) => {
                "name TEXT PRIMARY KEY, checksum BLOB NOT NULL, \
                 seeded_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP"
            }
        };
        // What says what has happened must be able to roll back.
        let engine = if kind == Kind::Mysql {
            " ENGINE = InnoDB"
        } else {
            ""
        };
        format!("CREATE TABLE IF NOT EXISTS {table} ({columns}){engine}")
    }

    /// What [`MigrationSet::digest`](crate::migrations::MigrationSet::digest) would say of what is in
    /// the ledger of migrations, as PostgreSQL aggregates it; something else where one was begun and
    /// not finished.
    #[cfg(feature = "postgres")]
    pub(crate) const DIGEST: &str = "pg_catalog.encode(pg_catalog.sha256(pg_catalog.string_agg(\
         CASE WHEN success THEN pg_catalog.byteacat(pg_catalog.byteacat(pg_catalog.int8send(version), \
         pg_catalog.int8send(pg_catalog.octet_length(checksum)::bigint)), checksum) ELSE 'no'::pg_catalog.bytea END, \
         ''::pg_catalog.bytea ORDER BY version)), 'hex')";

    /// Reads it: its key, the checksum in hexadecimal, and for migrations whether it ended well.
    pub(crate) fn read(self, kind: Kind, table: &str) -> String {
        let checksum = match kind {
            Kind::Postgres => "pg_catalog.encode(checksum, 'hex')",
            Kind::Mysql | Kind::Sqlite => "LOWER(HEX(checksum))",
        };
        match self {
            Self::Migrations => {
                let success = match kind {
                    Kind::Postgres => "success::int4::int8",
                    Kind::Mysql => "CAST(success AS SIGNED)",
                    Kind::Sqlite => "CAST(success AS INTEGER)",
                };
                format!("SELECT version, {checksum}, {success} FROM {table} ORDER BY version")
            }
            Self::Seeds => format!("SELECT name, {checksum} FROM {table} ORDER BY name"),
        }
    }
}
