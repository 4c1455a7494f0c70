//! In a database of `MariaDB`, where each statement of DDL commits by itself: so every script is in
//! the book before it starts and after it has ended.

use std::sync::Arc;

use super::limits::millis;
use super::{Desk, Ran, Trouble, text};
use crate::db::{Cell, FaultKind, Kind, Row, ScriptFault};

/// The lock of a database, in at most 64 characters: locks are the whole server's.
pub(crate) fn lock(database: &str) -> String {
    use sha2::Digest as _;
    let digest = text::hex(&sha2::Sha256::digest(database));
    format!("'tenancy place {}'", &digest[..40])
}

/// Where scripts start, whatever the one before did to the session.
fn settings(desk: &Desk<'_>) -> String {
    let seconds = millis(desk.limits.lock).div_ceil(1_000);
    let statement = desk.limits.statement.map_or(String::new(), |limit| {
        let millis = millis(limit);
        format!(
            ", SESSION max_statement_time = {}.{:03}",
            millis / 1_000,
            millis % 1_000
        )
    });
    let database = desk.open.database().replace('`', "``");
    format!(
        "SET SESSION autocommit = 1, SESSION lock_wait_timeout = {seconds}, \
         SESSION innodb_lock_wait_timeout = {seconds}, SESSION foreign_key_checks = 1{statement}; \
         USE `{database}`; "
    )
}

pub(super) async fn begin(desk: &mut Desk<'_>) -> Result<Vec<Row>, Trouble> {
    let table = desk.table();
    let (create, read) = (
        desk.book.create(Kind::Mysql, &table),
        desk.book.read(Kind::Mysql, &table),
    );
    // The transaction is the seeds': a migration makes its own.
    let sql = format!(
        "{}SELECT CAST(GET_LOCK({}, 0) AS SIGNED); {create}; {read}; START TRANSACTION; SAVEPOINT t{}",
        settings(desk),
        lock(desk.open.database()),
        desk.nonce,
    );
    let mut rows = desk.open.raw_rows(&sql).await?;
    if rows.is_empty() || rows.remove(0) != [Cell::Int(1)] {
        return Err(Trouble::Busy);
    }
    Ok(rows)
}

/// Writes where the transaction is still ours: nothing in it has committed.
pub(super) async fn note(desk: &mut Desk<'_>, statement: &str, ends: bool) -> Result<(), Trouble> {
    let then = if ends {
        format!("COMMIT; DO RELEASE_LOCK({})", lock(desk.open.database()))
    } else {
        format!("SAVEPOINT t{}", desk.nonce)
    };
    let sql = format!("RELEASE SAVEPOINT t{}; {statement}; {then}", desk.nonce);
    desk.sent_in_ours(sql, ends).await
}

pub(super) async fn alone(
    desk: &mut Desk<'_>,
    sql: &Arc<str>,
    before: &str,
    after: &str,
    back: &str,
) -> Result<Ran, Trouble> {
    let enter = format!(
        "COMMIT; {}{before}; START TRANSACTION; SAVEPOINT t{}",
        settings(desk),
        desk.nonce
    );
    desk.open.raw(&enter).await?;
    match desk.sent(sql).await {
        (_, Ok(())) => {
            let leave = format!(
                "COMMIT; {}{after}; DO RELEASE_LOCK({})",
                settings(desk),
                lock(desk.open.database())
            );
            desk.open.raw(&leave).await?;
            Ok(Ran::Well)
        }
        (count, Err(said)) => {
            let undone = undo(desk, sql, count, &said).await;
            if undone {
                desk.open.raw(&format!("{}{back}", settings(desk))).await?;
            }
            roll_back(desk).await?;
            Ok(Ran::Badly { said, undone })
        }
    }
}

/// Whether nothing has come of a script that failed: what it did is rolled back, or its first
/// statement failed, which was one that happens as a whole or not at all.
async fn undo(desk: &mut Desk<'_>, sql: &str, count: usize, said: &ScriptFault) -> bool {
    if said.fault().code().is_none() || said.fault().is(FaultKind::Lost) {
        return false;
    }
    let still_ours = desk.still_ours().await == Ok(true);
    let ended = desk.open.raw("ROLLBACK").await.is_ok();
    ended && (still_ours || count == 0 && is_whole(sql))
}

/// Whether a script begins with a statement that, when it fails, has done nothing.
fn is_whole(sql: &str) -> bool {
    let mut rest = sql.trim_start();
    loop {
        let behind = if rest.starts_with("--") || rest.starts_with('#') {
            rest.split_once('\n').map_or("", |(_, behind)| behind)
        } else if rest.starts_with("/*") && !rest.starts_with("/*!") && !rest.starts_with("/*M!") {
            rest.split_once("*/").map_or("", |(_, behind)| behind)
        } else {
            break;
        };
        rest = behind.trim_start();
    }
    let mut words = rest.split_whitespace().map(str::to_ascii_uppercase);
    let (first, second) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    match first.as_str() {
        "ALTER" => second == "TABLE",
        // CREATE OR REPLACE drops what was there first.
        "CREATE" => matches!(second.as_str(), "TABLE" | "INDEX" | "UNIQUE" | "VIEW"),
        _ => false,
    }
}

pub(super) async fn roll_back(desk: &mut Desk<'_>) -> Result<(), Trouble> {
    let sql = format!("ROLLBACK; DO RELEASE_LOCK({})", lock(desk.open.database()));
    Ok(desk.open.raw(&sql).await?)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn knows_what_happens_as_a_whole() {
        for yes in [
            "ALTER TABLE notes ADD a int",
            "-- a comment\n/* another */ # a third\n create table t (id int)",
            "CREATE UNIQUE INDEX i ON t (a)",
        ] {
            assert!(is_whole(yes), "{yes}");
        }
        for no in [
            "DROP TABLE a, b",
            "CREATE OR REPLACE TABLE t (id int)",
            "/*! DROP TABLE a, b */",
            "INSERT INTO t VALUES (1)",
            "CALL p()",
            "-- nothing else",
            "",
        ] {
            assert!(!is_whole(no), "{no}");
        }
    }
}
