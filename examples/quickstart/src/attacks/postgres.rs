//! Attacks on the wall in the one table that all tenants share.

use std::borrow::Cow;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tenancy::TenantId;
use tenancy::postgres::seal::{self, Binding, Challenge, Proof};
use tenancy::postgres::sqlstate;
use tenancy::sqlx::postgres::TenantKind;

use super::{Attack, nothing_changed};
use crate::administrator::Administrator;
use crate::error::{Error, SetupError};
use crate::notes::said;
use crate::show::Show;
use crate::stage::Side;

/// PostgreSQL's own "insufficient privilege"; row security answers with it too.
const NOT_ALLOWED: &str = "42501";
/// No scope on this connection now, or none ever.
const NO_SCOPE: &[&str] = &[sqlstate::NO_SCOPE, sqlstate::NO_SCOPE_YET];

/// Plays the attacker.
pub(crate) async fn play(
    show: &mut Show,
    administrator: &Administrator,
    attacker: &Side<'_>,
    victim: &Side<'_>,
) -> Result<(), Error> {
    injections(show, administrator, attacker, victim).await?;
    bare_connection(show, administrator).await?;
    stolen_proof(show, administrator, attacker, victim).await?;
    nothing_changed(show, attacker, victim).await
}

async fn injections(
    show: &mut Show,
    administrator: &Administrator,
    attacker: &Side<'_>,
    victim: &Side<'_>,
) -> Result<(), Error> {
    show.section("SQL injection: the database refuses what leads out of a tenant's rows");
    show.say("GET /search?q=.. puts q into its SQL as it is: a mistake, made on purpose.");
    let (me, them) = (attacker.id(), victim.id());
    let central = administrator.database.central_role();
    let read = "SELECT id, title FROM notes";
    let attacks = [
        Attack::harmless(
            "UNION over the whole table: it holds the attacker's rows alone",
            &format!("{read} UNION {read}"),
        ),
        Attack::harmless(
            "set_config of a tenant: there is no setting to forge",
            &format!("SELECT set_config('tenancy.current_tenant', '{them}', false); {read}"),
        ),
        Attack::refused(
            "set_config that switches row security off",
            &format!("SELECT set_config('row_security', 'off', false); {read}"),
            NOT_ALLOWED,
        ),
        Attack::refused(
            "set_config that becomes the central role",
            &format!("SELECT set_config('role', '{central}', false); {read}"),
            NOT_ALLOWED,
        ),
        Attack::refused(
            "writing the sequences that carry the scope",
            "SELECT setval('tenancy.seal_piece_0', 0)",
            NOT_ALLOWED,
        ),
        Attack::refused(
            "reading the sealing key",
            "SELECT * FROM tenancy.seal_key",
            NOT_ALLOWED,
        ),
        Attack::refused(
            "a temporary table that shadows the real one for whoever comes next",
            "CREATE TEMPORARY TABLE notes (id bigint, title text)",
            sqlstate::NO_DDL,
        ),
        Attack::refused(
            "taking the wall down with what the runtime role owns",
            "DROP OWNED BY CURRENT_USER",
            sqlstate::NO_DDL,
        ),
        Attack::refused(
            format!("an insert that names {them}"),
            &format!("INSERT INTO notes (tenant_id, title) VALUES ('{them}', 'planted')"),
            NOT_ALLOWED,
        ),
        Attack::refused(
            format!("an update that gives {me}'s notes to {them}"),
            &format!("UPDATE notes SET tenant_id = '{them}'"),
            NOT_ALLOWED,
        ),
        Attack::harmless(
            format!("a delete of every note of {them}: it finds none"),
            &format!("DELETE FROM notes WHERE tenant_id = '{them}' RETURNING id, title"),
        ),
    ];
    for attack in attacks {
        attack.run(show, attacker, victim).await?;
    }
    Ok(())
}

/// Someone has the service's password, and a driver; but no key.
async fn bare_connection(show: &mut Show, administrator: &Administrator) -> Result<(), Error> {
    show.section("The service's own login without a scope: an error, never rows");
    let mut thief = administrator.connect_thief().await?;
    let read = "SELECT id, title FROM notes";
    refused(show, &mut thief, "a select", read, NO_SCOPE).await;
    refused(
        show,
        &mut thief,
        "a count",
        "SELECT count(*) FROM notes",
        NO_SCOPE,
    )
    .await;
    let insert = "INSERT INTO notes (title) VALUES ('whose?')";
    refused(
        show,
        &mut thief,
        "an insert, which would belong to nobody",
        insert,
        NO_SCOPE,
    )
    .await;
    let _ = thief.close().await;
    Ok(())
}

/// Someone has recorded how another tenant's scope was opened, word by word.
async fn stolen_proof(
    show: &mut Show,
    administrator: &Administrator,
    attacker: &Side<'_>,
    victim: &Side<'_>,
) -> Result<(), Error> {
    show.section("A stolen scope: the proof that opened it opens nothing again");
    let mut wire = administrator.connect_thief().await?;
    let proof = prove(&mut wire, administrator, victim.id()).await?;
    let enter = proof.enter_sql();
    let opened = execute(&mut wire, &enter).await;
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, title FROM notes ORDER BY id")
        .fetch_all(&mut wire)
        .await
        .map_err(SetupError::from)?;
    show.check(
        format_args!(
            "overheard: a genuine request of {} opens its scope and reads {} notes",
            victim.id(),
            rows.len()
        ),
        opened.is_ok() && rows.len() == victim.tenant.notes.len(),
    );
    show.asked(shortened(&enter));

    // The request is over; the next one gets the same connection.
    execute(&mut wire, seal::LEAVE)
        .await
        .map_err(SetupError::from)?;
    refused(
        show,
        &mut wire,
        "replayed on the same connection",
        &enter,
        &[sqlstate::BAD_PROOF],
    )
    .await;
    let mut thief = administrator.connect_thief().await?;
    execute(&mut thief, seal::LEAVE)
        .await
        .map_err(SetupError::from)?;
    refused(
        show,
        &mut thief,
        "replayed on a connection of the thief's",
        &enter,
        &[sqlstate::BAD_PROOF],
    )
    .await;

    let injected = Attack::refused(
        format!("replayed in {}'s scope, through the search", attacker.id()),
        &format!("{enter}; SELECT id, title FROM notes"),
        sqlstate::BAD_PROOF,
    );
    injected.run(show, attacker, victim).await?;

    let mine = prove(&mut thief, administrator, attacker.id()).await?;
    let forged = forged(&mine, &proof);
    refused(
        show,
        &mut thief,
        &format!(
            "a fresh proof for {}, with {} put in",
            attacker.id(),
            victim.id()
        ),
        &forged,
        &[sqlstate::BAD_PROOF],
    )
    .await;
    let _ = thief.close().await;
    let _ = wire.close().await;
    Ok(())
}

/// What the service does for each request: the connection gives a challenge, the key a proof.
async fn prove(
    connection: &mut PgConnection,
    administrator: &Administrator,
    tenant: &TenantId,
) -> Result<Proof, SetupError> {
    let (challenge,): (String,) = sqlx::query_as(seal::LEAVE).fetch_one(connection).await?;
    let challenge = Challenge::parse(&challenge)?;
    Ok(administrator
        .key
        .prove(tenant, TenantKind::Text, Binding::Session, &challenge)?)
}

/// What opens the scope of `mine`, with the tenant of `other` put in.
fn forged(mine: &Proof, other: &Proof) -> String {
    let (key, _, _, mac) = mine.parameters();
    let (_, meta, tenant, _) = other.parameters();
    let tenant: Vec<String> = tenant.iter().map(|piece| format!("'{piece}'")).collect();
    let mac: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "SELECT tenancy.enter({key}, {meta}, {}, '\\x{}')",
        tenant.join(", "),
        mac.concat(),
    )
}

async fn refused(
    show: &mut Show,
    connection: &mut PgConnection,
    what: &str,
    sql: &str,
    codes: &[&str],
) {
    let (code, answer) = match execute(connection, sql).await {
        Ok(()) => (None, "done".to_owned()),
        Err(error) => {
            let code = error.as_database_error().and_then(DatabaseError::code);
            (code.map(Cow::into_owned), said(&error))
        }
    };
    show.check(
        what,
        code.as_deref().is_some_and(|code| codes.contains(&code)),
    );
    show.asked(shortened(sql));
    show.answered(answer);
    if let Some(meaning) = code.as_deref().and_then(sqlstate::explain) {
        show.answered(format_args!("that is: {meaning}"));
    }
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
}

/// A proof is long, and its middle is not interesting.
fn shortened(sql: &str) -> String {
    const ENDS: usize = 60;
    match (sql.get(..ENDS), sql.get(sql.len().saturating_sub(ENDS)..)) {
        (Some(start), Some(end)) if sql.len() > 3 * ENDS => format!("{start} .. {end}"),
        _ => sql.to_owned(),
    }
}
