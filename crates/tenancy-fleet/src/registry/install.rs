//! Making and migrating the registry's own tables.

use super::error::RegistryError;
use super::turn::{Line, Turn};
use crate::db::{Cell, Fault, FaultKind, Kind};

/// Each brings a registry from the version before to its own: the first makes it.
const STEPS: [(i64, &str); 2] = [
    (1, include_str!("install/1.sql")),
    (2, include_str!("install/2.sql")),
];

/// The version that this program reads and writes.
pub(crate) const VERSION: i64 = STEPS[STEPS.len() - 1].0;

/// Brings the registry to [`VERSION`]. Of several at once, one does it and the others wait.
pub(crate) async fn install(line: &Line) -> Result<(), RegistryError> {
    let kind = line.dialect.kind;
    let mut turn = Turn::begin(line).await?;
    match kind {
        Kind::Postgres => {
            let sql = "SELECT 1::bigint FROM (SELECT pg_advisory_xact_lock(hashtext('tenancy registry'))) AS held";
            turn.rows(sql, &[]).await?;
        }
        // MariaDB commits at each CREATE TABLE, so the lock is the session's; the connection is
        // closed at the end, and the lock is free then, whatever happens.
        Kind::Mysql => {
            let sql = "SELECT CAST(GET_LOCK(CONCAT('tenancy ', MD5(DATABASE())), 60) AS SIGNED)";
            turn.close_at_end();
            if turn.rows(sql, &[]).await? != [[Cell::Int(1)]] {
                return Err(Fault::of(FaultKind::Passing).into());
            }
        }
        // A transaction that may write is the only one.
        Kind::Sqlite => {}
    }
    let found = version(&mut turn).await?.unwrap_or(0);
    if found > VERSION {
        return Err(RegistryError::Newer {
            found,
            ours: VERSION,
        });
    }
    for (number, step) in STEPS.into_iter().filter(|(number, _)| *number > found) {
        turn.raw(&typed(kind, step)).await?;
        let sql = "UPDATE {registry} SET version = ? WHERE one = 1";
        if turn.run(sql, &[number.into()]).await? == 0 {
            let sql = "INSERT INTO {registry} (one, version, changes) VALUES (1, ?, 0)";
            turn.run(sql, &[number.into()]).await?;
        }
    }
    turn.commit().await
}

/// Whether there is a registry, and of which version. Zero: one that is half made.
pub(crate) async fn version(turn: &mut Turn) -> Result<Option<i64>, RegistryError> {
    let names = turn.dialect().names.clone();
    let table = names.plain("registry");
    let schema = names.schema().to_owned();
    let (sql, values) = match turn.dialect().kind {
        Kind::Postgres => (
            "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE c.relname::text = ? AND n.nspname::text = ?",
            vec![(&table).into(), (&schema).into()],
        ),
        Kind::Mysql => (
            "SELECT count(*) FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = ?",
            vec![(&table).into()],
        ),
        Kind::Sqlite => (
            "SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND name = ?",
            vec![(&table).into()],
        ),
    };
    if turn.rows(sql, &values).await? != [[Cell::Int(1)]] {
        return Ok(None);
    }
    let rows = turn
        .rows("SELECT version FROM {registry} WHERE one = 1", &[])
        .await?;
    match rows.first().and_then(|row| row.first()) {
        None => Ok(Some(0)),
        Some(Cell::Int(version)) => Ok(Some(*version)),
        Some(_) => Err(RegistryError::Malformed { what: "version" }),
    }
}

/// Refuses a registry that this program can't read and write.
pub(crate) async fn check(line: &Line) -> Result<(), RegistryError> {
    let mut turn = Turn::alone(line).await?;
    let found = version(&mut turn).await?;
    turn.end();
    judge(found)
}

pub(crate) fn judge(found: Option<i64>) -> Result<(), RegistryError> {
    match found {
        None => Err(RegistryError::NotInstalled),
        Some(found) if found > VERSION => Err(RegistryError::Newer {
            found,
            ours: VERSION,
        }),
        Some(found) if found < VERSION => Err(RegistryError::Older {
            found,
            ours: VERSION,
        }),
        Some(_) => Ok(()),
    }
}

/// The statements with the types of this database: `{text:N}` for a text of at most N bytes that
/// is compared byte for byte, `{json}`, `{int}`.
fn typed(kind: Kind, step: &str) -> String {
    let mut sql = String::with_capacity(step.len());
    let mut rest = step;
    while let Some((before, behind)) = rest.split_once("{text:") {
        let (bytes, after) = behind.split_once('}').unwrap_or((behind, ""));
        sql.push_str(before);
        match kind {
            Kind::Postgres => sql.push_str("text COLLATE \"C\""),
            Kind::Mysql => sql.extend(["VARBINARY(", bytes, ")"]),
            Kind::Sqlite => sql.push_str("TEXT"),
        }
        rest = after;
    }
    sql.push_str(rest);
    let (json, int, end) = match kind {
        Kind::Postgres => ("text", "bigint", ""),
        Kind::Mysql => (
            "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            "BIGINT",
            " ENGINE = InnoDB ROW_FORMAT = DYNAMIC",
        ),
        Kind::Sqlite => ("TEXT", "INTEGER", " STRICT"),
    };
    sql.replace("{json}", json)
        .replace("{int}", int)
        .replace("{end}", end)
}
