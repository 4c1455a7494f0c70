//! What is written into a new migration.

use std::fmt::Write as _;

use super::name::Intent;
use crate::config::Dialect;

/// A frame.
pub(crate) fn empty(way: &str) -> String {
    match way {
        "up" => "-- What is to be done.\n".to_owned(),
        _ => "-- And how it is undone.\n".to_owned(),
    }
}

/// The frame of a seed.
pub(crate) fn seed() -> String {
    "-- Rows that are there from the beginning. It runs once in each place, in a transaction.\n"
        .to_owned()
}

/// There, and back.
pub(crate) fn both(intent: &Intent, dialect: Dialect) -> (String, String) {
    let name = |name: &str| quoted(name, dialect);
    match intent {
        Intent::Unknown => (empty("up"), empty("down")),
        Intent::Create { table } => (
            create(&name(table), dialect),
            format!("DROP TABLE {};\n", name(table)),
        ),
        Intent::Add { table, columns } => (
            add(table, columns, dialect),
            remove(table, columns, dialect),
        ),
        Intent::Remove { table, columns } => (
            remove(table, columns, dialect),
            format!(
                "-- The columns come back empty: what was in them is gone.\n{}",
                add(table, columns, dialect)
            ),
        ),
    }
}

fn create(table: &str, dialect: Dialect) -> String {
    let (id, now, end) = match dialect {
        Dialect::Postgres => (
            "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "timestamptz NOT NULL DEFAULT now()",
            "",
        ),
        Dialect::Mysql => (
            "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY",
            "timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)",
            " ENGINE = InnoDB",
        ),
        Dialect::Sqlite => (
            "INTEGER PRIMARY KEY",
            "TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP",
            "",
        ),
    };
    let (key, created) = (quoted("id", dialect), quoted("created_at", dialect));
    format!("CREATE TABLE {table} (\n    {key} {id},\n    {created} {now}\n){end};\n")
}

fn add(table: &str, columns: &[String], dialect: Dialect) -> String {
    let parts = columns
        .iter()
        .map(|column| format!("ADD COLUMN {} text", quoted(column, dialect)));
    alter(table, parts.collect(), dialect)
}

fn remove(table: &str, columns: &[String], dialect: Dialect) -> String {
    let parts = columns
        .iter()
        .map(|column| format!("DROP COLUMN {}", quoted(column, dialect)));
    alter(table, parts.collect(), dialect)
}

/// One statement, where the database takes several changes in one.
fn alter(table: &str, parts: Vec<String>, dialect: Dialect) -> String {
    let table = quoted(table, dialect);
    let statements = match dialect {
        Dialect::Sqlite => parts,
        Dialect::Postgres | Dialect::Mysql => vec![parts.join(",\n    ")],
    };
    let mut sql = String::new();
    for changes in statements {
        // Writing to a String can't fail.
        let _ = writeln!(sql, "ALTER TABLE {table}\n    {changes};");
    }
    sql
}

/// Quoted, for it may be a keyword; of other signs than `a-z 0-9 _` there is none in it.
fn quoted(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Mysql => format!("`{name}`"),
        Dialect::Postgres | Dialect::Sqlite => format!("\"{name}\""),
    }
}
