//! In a schema of PostgreSQL, or in a database.

mod at_once;

use std::fmt::Write as _;
use std::sync::Arc;

pub(super) use at_once::at_once;

use super::limits::millis;
use super::{Desk, Ran, Trouble, text};
use crate::db::postgres::lock_number;
use crate::db::{Cell, Fault, FaultKind, Kind, Row};
use crate::site::{Inside, Open};

/// What a script can leave on a connection that is kept for the next tenant. It is a message of its
/// own: in one with `BEGIN`, a `default_transaction_read_only` would count before it is reset.
const CLEAN: &str = "RESET ALL; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; DEALLOCATE ALL; \
     UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES; DISCARD PLANS; \
     SELECT 1::int8 FROM (SELECT pg_catalog.pg_advisory_unlock_all()) AS freed";
/// `query_canceled`: a time limit.
const CANCELED: &str = "57014";
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Another connection holds the place.
const BUSY: &str = "TN020";
/// `undefined_table`: the book is not there yet, or its place is not.
const NO_TABLE: &str = "42P01";
/// There is no such schema.
const MISSING: &str = "TN021";
/// It is not marked as the tenant's.
const NOT_OURS: &str = tenancy_postgres::sqlstate::NOT_MARKED;

/// Where in the database, as [`Inside`] has it.
struct There<'a> {
    schema: &'a str,
    path: &'a str,
    owner: Option<&'a str>,
    mark: Option<&'a str>,
}

impl There<'_> {
    /// The owner's role, whoever a script has become.
    fn role(&self, set: &str) -> String {
        let role = self
            .owner
            .map_or(String::new(), |owner| format!("{set} ROLE {owner}; "));
        format!("{set} SESSION AUTHORIZATION DEFAULT; {role}")
    }

    /// Takes the lock with this function, sees that the place is the tenant's, and goes on.
    fn check(&self, lock: &str, then: &str) -> String {
        let key = key(self.schema);
        let name = text::text(Kind::Postgres, &unquoted(self.schema));
        let mark = self.mark.map_or(String::new(), |mark| {
            format!(
                "IF found OPERATOR(pg_catalog.<>) {} THEN RAISE EXCEPTION USING ERRCODE = '{NOT_OURS}'; END IF; ",
                text::text(Kind::Postgres, mark)
            )
        });
        format!(
            "DO $tenancy$ DECLARE found pg_catalog.text; BEGIN \
             IF NOT pg_catalog.{lock}({key}) THEN RAISE EXCEPTION USING ERRCODE = '{BUSY}'; END IF; \
             SELECT COALESCE(pg_catalog.obj_description(n.oid, 'pg_namespace'), '') INTO found \
             FROM pg_catalog.pg_namespace AS n WHERE n.nspname OPERATOR(pg_catalog.=) {name}::pg_catalog.name; \
             IF found IS NULL THEN RAISE EXCEPTION USING ERRCODE = '{MISSING}'; END IF; {mark}{then}\
             END $tenancy$"
        )
    }

    /// The same in plain statements, for the transaction: two rows of one value each, to be judged.
    fn look(&self) -> String {
        format!(
            "SELECT pg_catalog.pg_try_advisory_xact_lock({})::int4::int8; SELECT COALESCE(({}), '')",
            key(self.schema),
            self.comment(),
        )
    }

    /// The comment on the schema.
    fn comment(&self) -> String {
        let name = text::text(Kind::Postgres, &unquoted(self.schema));
        format!(
            "SELECT d.description FROM pg_catalog.pg_description AS d \
             WHERE d.objoid OPERATOR(pg_catalog.=) (SELECT n.oid FROM pg_catalog.pg_namespace AS n \
             WHERE n.nspname OPERATOR(pg_catalog.=) {name}::pg_catalog.name) \
             AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid \
             AND d.objsubid OPERATOR(pg_catalog.=) 0"
        )
    }
}

fn there(inside: &Inside) -> Result<There<'_>, Trouble> {
    match inside {
        Inside::Postgres {
            schema,
            path,
            owner,
            mark,
        } => Ok(There {
            schema,
            path,
            owner: owner.as_deref(),
            mark: mark.as_deref(),
        }),
        _ => Err(Fault::of(FaultKind::Driver).into()),
    }
}

/// The lock of a schema: locks are the database's own, so its name is enough.
fn key(schema: &str) -> i64 {
    lock_number(&format!("tenancy place {schema}"))
}

/// Role, path and limits, for the transaction (`SET LOCAL`) or the session (`SET`).
fn settings(desk: &Desk<'_>, set: &str) -> Result<String, Trouble> {
    let there = there(desk.open.inside())?;
    let mut sql = there.role(set);
    let _ = write!(
        sql,
        "{set} lock_timeout = {}; {set} client_connection_check_interval = 250; {set} search_path TO {}; ",
        millis(desk.limits.lock),
        there.path
    );
    Ok(sql)
}

/// How long a statement may run: it comes first, for a script's own limit counts until then.
fn time(desk: &Desk<'_>, set: &str) -> String {
    match desk.limits.statement {
        Some(limit) => format!("{set} statement_timeout = {}; ", millis(limit)),
        None => format!("{set} statement_timeout TO DEFAULT; "),
    }
}

/// Takes away what scripts have left. What can't be cleaned is as good as lost.
async fn clean(open: &mut Open) -> Result<(), Fault> {
    const TRIES: u32 = 5;
    for _ in 0..TRIES {
        match open.raw(CLEAN).await {
            Ok(()) => return Ok(()),
            // A script's own limit, until it is reset.
            Err(fault) if fault.code() == Some(CANCELED) => {}
            Err(_) => break,
        }
    }
    open.lane().discard();
    Err(Fault::of(FaultKind::Lost))
}

/// Locks the place for the session, and sees that it is the tenant's: for work on another
/// connection. It is free again when the connection is clean, or closed.
pub(crate) async fn hold(open: &mut Open) -> Result<(), Trouble> {
    if open.wear() {
        clean(open).await?;
    }
    let check = there(open.inside())?.check("pg_try_advisory_lock", "");
    open.raw(&check).await.map_err(found)
}

/// Frees it, and everything else.
pub(crate) async fn release(open: &mut Open) -> Result<(), Trouble> {
    Ok(clean(open).await?)
}

pub(super) async fn begin(desk: &mut Desk<'_>) -> Result<Vec<Row>, Trouble> {
    if desk.open.wear() {
        clean(desk.open).await?;
    }
    match begin_there(desk).await {
        Err(Trouble::Fault(fault)) if fault.code() == Some(NO_TABLE) => {}
        begun => return begun,
    }
    // The first time in this place, or there is no such place.
    let table = desk.table();
    let create = desk.book.create(Kind::Postgres, &table);
    let make = format!(
        "IF pg_catalog.to_regclass({}) IS NULL THEN {create}; END IF; ",
        text::text(Kind::Postgres, &table)
    );
    // Nothing waits for the lock: who waits holds a snapshot, and holds up CREATE INDEX CONCURRENTLY.
    let check = there(desk.open.inside())?.check("pg_try_advisory_xact_lock", &make);
    let sql = format!("ROLLBACK; {}", begin_with(desk, &check)?);
    desk.open.raw_rows(&sql).await.map_err(found)
}

/// Where the book is there, in statements that need no block: that would be twice as dear.
async fn begin_there(desk: &mut Desk<'_>) -> Result<Vec<Row>, Trouble> {
    let (look, mark) = {
        let there = there(desk.open.inside())?;
        (there.look(), there.mark.map(str::to_owned))
    };
    let sql = begin_with(desk, &look)?;
    let mut rows = desk.open.raw_rows(&sql).await.map_err(found)?.into_iter();
    if rows.next() != Some(vec![Cell::Int(1)]) {
        return Err(Trouble::Busy);
    }
    let found = rows.next();
    if mark.is_some_and(|mark| found != Some(vec![Cell::Text(mark)])) {
        return Err(Trouble::NotOurs);
    }
    Ok(rows.collect())
}

fn begin_with(desk: &Desk<'_>, check: &str) -> Result<String, Trouble> {
    let role = there(desk.open.inside())?.role("SET LOCAL");
    Ok(format!(
        "{BEGIN}; {role}SET LOCAL lock_timeout = {}; {check}; {}; {}{}SAVEPOINT t{}",
        millis(desk.limits.lock),
        desk.book.read(Kind::Postgres, &desk.table()),
        time(desk, "SET LOCAL"),
        settings(desk, "SET LOCAL")?,
        desk.nonce,
    ))
}

/// What stopped the check.
fn found(fault: Fault) -> Trouble {
    match fault.code() {
        Some(BUSY) => Trouble::Busy,
        Some(MISSING) => Trouble::Missing,
        Some(NOT_OURS) => Trouble::NotOurs,
        _ => fault.into(),
    }
}

pub(super) async fn note(desk: &mut Desk<'_>, statement: &str, ends: bool) -> Result<(), Trouble> {
    let settings = settings(desk, "SET LOCAL")?;
    let nonce = &desk.nonce;
    let then = if ends {
        "COMMIT".to_owned()
    } else {
        format!("SAVEPOINT t{nonce}")
    };
    let time = time(desk, "SET LOCAL");
    let sql = format!("{time}RELEASE SAVEPOINT t{nonce}; {settings}{statement}; {then}");
    desk.sent_in_ours(sql, ends).await
}

pub(super) async fn alone(
    desk: &mut Desk<'_>,
    sql: &Arc<str>,
    before: &str,
    after: &str,
    _back: &str,
) -> Result<Ran, Trouble> {
    let settings_here = settings(desk, "SET LOCAL")?;
    let settings_after = settings(desk, "SET")?;
    let key = key(there(desk.open.inside())?.schema);
    // The place is not free for a moment: the session takes the lock while the transaction has it.
    let enter = format!(
        "{}RELEASE SAVEPOINT t{}; {settings_here}{before}; \
         SELECT 1::int8 FROM (SELECT pg_catalog.pg_advisory_lock({key})) AS held; COMMIT; {}{settings_after}",
        time(desk, "SET LOCAL"),
        desk.nonce,
        time(desk, "SET"),
    );
    desk.sent_in_ours(enter, true).await?;
    let (_, result) = desk.sent(sql).await;
    let role = there(desk.open.inside())?.role("SET LOCAL");
    match result {
        Ok(()) => {
            // The lock is needed to the end, so it is not clean yet.
            let calm = format!("{}RESET ALL", time(desk, "SET"));
            desk.open.raw(&calm).await?;
            let leave = format!("{BEGIN}; {role}{after}; COMMIT");
            desk.open.raw(&leave).await?;
            clean(desk.open).await?;
            Ok(Ran::Well)
        }
        Err(said) => {
            // The lock is given back, or dies with the connection.
            let _ = clean(desk.open).await;
            Ok(Ran::Badly {
                said,
                undone: false,
            })
        }
    }
}

pub(super) async fn roll_back(desk: &mut Desk<'_>) -> Result<(), Trouble> {
    Ok(desk.open.raw("ROLLBACK").await?)
}

pub(crate) fn unquoted(name: &str) -> String {
    name.trim_matches('"').replace("\"\"", "\"")
}
