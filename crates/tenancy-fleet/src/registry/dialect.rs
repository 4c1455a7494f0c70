//! Statements are written once, with `?` for a value, `{table}` for a name and `{now}` and its like
//! for what each database spells in its own way.

use super::names::Names;
use crate::db::Kind;

/// What every statement is written with.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    pub(crate) kind: Kind,
    pub(crate) names: Names,
}

impl Dialect {
    /// The statement as this database takes it.
    pub(crate) fn sql(&self, template: &str) -> String {
        let mut sql = template.to_owned();
        for table in [
            "registry",
            "tenant",
            "availability",
            "domain",
            "place",
            "pending",
            "audit",
        ] {
            sql = sql.replace(
                &format!("{{{table}}}"),
                &self.names.quoted(self.kind, table),
            );
        }
        // The next one that nobody else is about to take.
        let next = match self.kind {
            Kind::Sqlite => "",
            _ => "FOR UPDATE SKIP LOCKED",
        };
        let (now, lock, skip) = match self.kind {
            Kind::Postgres => (
                "(extract(epoch FROM statement_timestamp()) * 1000)::bigint",
                "FOR UPDATE",
                "ON CONFLICT DO NOTHING",
            ),
            Kind::Mysql => (
                "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
                "FOR UPDATE",
                "ON DUPLICATE KEY UPDATE place = place",
            ),
            Kind::Sqlite => (
                "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
                "",
                "ON CONFLICT DO NOTHING",
            ),
        };
        let sql = sql
            .replace("{now}", now)
            .replace("{for_update_of_the_next}", next)
            .replace("{for_update}", lock)
            .replace("{unless_there}", skip);
        if self.kind == Kind::Postgres {
            numbered(&sql)
        } else {
            sql
        }
    }

    /// Opens a transaction that may write, in messages of their own.
    pub(crate) fn begin(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Postgres => &["BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"],
            Kind::Mysql => &[
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "START TRANSACTION READ WRITE",
            ],
            // At once, so that it never has to wait while it holds a read lock.
            Kind::Sqlite => &["BEGIN IMMEDIATE"],
        }
    }
}

/// `$1`, `$2` for each `?`: our templates hold no other question mark.
fn numbered(sql: &str) -> String {
    let mut parts = sql.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts
        .zip(1..)
        .fold(first, |sql, (part, number)| format!("{sql}${number}{part}"))
}
