//! In a file of `SQLite`.

use std::sync::Arc;

use super::{Desk, Ran, Trouble};
use crate::db::{FaultKind, Kind, Row};

pub(super) async fn begin(desk: &mut Desk<'_>) -> Result<Vec<Row>, Trouble> {
    let table = desk.table();
    let (create, read) = (
        desk.book.create(Kind::Sqlite, &table),
        desk.book.read(Kind::Sqlite, &table),
    );
    let sql = format!(
        "BEGIN IMMEDIATE; SAVEPOINT t{}; {create}; {read}",
        desk.nonce
    );
    desk.open.raw_rows(&sql).await.map_err(|fault| {
        if fault.is(FaultKind::Passing) {
            Trouble::Busy
        } else {
            fault.into()
        }
    })
}

/// Writes where the transaction is still ours: its savepoint is there.
pub(super) async fn note(desk: &mut Desk<'_>, statement: &str, ends: bool) -> Result<(), Trouble> {
    let then = if ends {
        "COMMIT".to_owned()
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
    _back: &str,
) -> Result<Ran, Trouble> {
    note(desk, before, true).await?;
    match desk.sent(sql).await.1 {
        Ok(()) => {
            desk.open.raw(after).await?;
            Ok(Ran::Well)
        }
        Err(said) => Ok(Ran::Badly {
            said,
            undone: false,
        }),
    }
}

pub(super) async fn roll_back(desk: &mut Desk<'_>) -> Result<(), Trouble> {
    Ok(desk.open.raw("ROLLBACK").await?)
}
