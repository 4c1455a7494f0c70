//! A script and its entry as one message: what must hold is checked in it, and an error in it undoes
//! all of it.

use std::sync::Arc;

use super::{BEGIN, CLEAN, clean, key, millis, there, time, unquoted};
use crate::db::{Kind, said};
use crate::script::{Book, Desk, Trouble, text};

/// Behind the second mark: that statement's own end, the entry, and `COMMIT`.
const SAVED: usize = 3;

pub(in crate::script) async fn at_once(
    desk: &mut Desk<'_>,
    digest: &str,
    script: &Arc<str>,
    entry: &str,
) -> Result<bool, Trouble> {
    if desk.open.wear() {
        clean(desk.open).await?;
    }
    let mark = format!("t{}", desk.nonce);
    let before = before(desk, &mark, digest)?;
    let after = after(desk, &mark)?;
    // It starts on a connection that is clean, for a setting may change how all of it is read, and
    // so ends with one.
    let sql = format!("{before};\n{script}\n;{after}; {entry}; COMMIT; {CLEAN}");
    let sql: Arc<str> = sql.into();
    let came = desk.open.lane().script(Arc::clone(&sql), &mark).await;
    let is_saved = came.marks == 2 && came.count >= came.marked_at + SAVED;
    let said = match came.end {
        Ok(()) if is_saved => {
            desk.open.cleaned();
            return Ok(true);
        }
        // It is cleaned before it is used again.
        Err(_) if is_saved => return Ok(true),
        // The script has taken our part for its own.
        Ok(()) => return Err(Trouble::Left),
        Err(error) => said(error, &sql),
    };
    // What was answered may be on its way still.
    if said.fault().code().is_none() {
        return Err(Trouble::Unknown);
    }
    match came.marks {
        0 => {
            desk.open.raw("ROLLBACK").await?;
            Ok(false)
        }
        1 => {
            let lines = 1 + before.matches('\n').count();
            Err(desk.refused(said.below(lines)).await)
        }
        _ => Err(Trouble::Refused(said.nowhere())),
    }
}

/// Enters the place, and fails where it is held, not the tenant's, or not at this digest.
fn before(desk: &Desk<'_>, mark: &str, digest: &str) -> Result<String, Trouble> {
    let there = there(desk.open.inside())?;
    let set = |name: &str, value: &str| {
        let value = text::text(Kind::Postgres, value);
        format!("pg_catalog.set_config('{name}', {value}, true)")
    };
    let mut settings = vec![
        set("lock_timeout", &millis(desk.limits.lock).to_string()),
        set("client_connection_check_interval", "250"),
        set("search_path", there.path),
    ];
    settings.extend(there.owner.map(|owner| set("role", &unquoted(owner))));
    let limit = desk.limits.statement.map(|limit| millis(limit).to_string());
    settings.extend(limit.map(|limit| set("statement_timeout", &limit)));
    let is_marked = match there.mark {
        Some(wanted) => format!(
            "({}) OPERATOR(pg_catalog.=) {}",
            there.comment(),
            text::text(Kind::Postgres, wanted)
        ),
        None => "true".to_owned(),
    };
    Ok(format!(
        "{BEGIN}; SELECT {}, 1 OPERATOR(pg_catalog./) pg_catalog.pg_try_advisory_xact_lock({})::integer; \
         SELECT 1 OPERATOR(pg_catalog./) (CASE WHEN {is_marked} AND {} OPERATOR(pg_catalog.=) '{digest}' THEN 1 ELSE 0 END) AS {mark} \
         FROM {}; SAVEPOINT {mark}",
        settings.join(", "),
        key(there.schema),
        Book::DIGEST,
        desk.table(),
    ))
}

/// Leaves the script's own ways, and fails where it has ended our transaction.
fn after(desk: &Desk<'_>, mark: &str) -> Result<String, Trouble> {
    let role = there(desk.open.inside())?.role("SET LOCAL");
    Ok(format!(
        "{}RELEASE SAVEPOINT {mark}; {role}SELECT 1 AS {mark}",
        time(desk, "SET LOCAL")
    ))
}
