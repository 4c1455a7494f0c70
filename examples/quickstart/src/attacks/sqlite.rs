//! Attacks on the one file that a connection may reach.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Attack, nothing_changed};
use crate::error::Error;
use crate::notes::AppError;
use crate::show::Show;
use crate::stage::Side;

/// Plays the attacker, who even knows where the files are.
pub(crate) async fn play(
    show: &mut Show,
    folder: &Path,
    attacker: &Side<'_>,
    victim: &Side<'_>,
) -> Result<(), Error> {
    show.section("SQL injection: whatever runs in a tenant's scope stays in its own file");
    show.say("GET /search?q=.. puts q into its SQL as it is: a mistake, made on purpose.");
    let theirs = folder.join(format!("{}.db", victim.id()));
    let count = notes_in(&theirs).await.map_err(AppError::from)?;
    show.check(
        format_args!(
            "the attacker has the right path: a bare connection reads {count} notes there"
        ),
        count == victim.tenant.notes.len(),
    );
    show.asked(format_args!("SqliteConnection on {}", theirs.display()));

    for attack in attacks(victim, &theirs.display().to_string()) {
        attack.run(show, attacker, victim).await?;
    }
    show.check(
        "no copy was left in the folder",
        !theirs.with_file_name(STOLEN).exists(),
    );
    nothing_changed(show, attacker, victim).await
}

const STOLEN: &str = "stolen.db";

fn attacks(victim: &Side<'_>, theirs: &str) -> Vec<Attack> {
    let read = "SELECT id, title FROM theirs.notes";
    let copy = theirs.replace(&format!("{}.db", victim.id()), STOLEN);
    vec![
        Attack::refused(
            format!("ATTACH of {}'s file", victim.id()),
            &format!("ATTACH DATABASE '{theirs}' AS theirs; {read}"),
            "not authorized",
        ),
        Attack::refused(
            "ATTACH of the same by a URI",
            &format!("ATTACH DATABASE 'file:{theirs}?mode=ro' AS theirs; {read}"),
            "not authorized",
        ),
        Attack::refused(
            "VACUUM INTO a file, to be fetched later",
            &format!("VACUUM INTO '{copy}'"),
            "authorization denied",
        ),
        Attack::refused(
            "a temporary table that shadows the real one",
            "CREATE TEMP TABLE notes (id, title)",
            "not authorized",
        ),
        Attack::refused(
            "foreign code by load_extension",
            "SELECT load_extension('/tmp/evil')",
            "not authorized",
        ),
        Attack::refused(
            "UNION with a table of another database",
            &format!("SELECT id, title FROM notes UNION {read}"),
            "no such table",
        ),
        Attack::harmless(
            "UNION with everything there is: all of it is the attacker's own",
            "SELECT id, title FROM notes UNION ALL SELECT rootpage, name FROM sqlite_schema",
        ),
    ]
}

/// How many notes a connection that knows no tenants finds in this file.
async fn notes_in(file: &Path) -> Result<usize, sqlx::Error> {
    let mut bare: SqliteConnection = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .connect()
        .await?;
    let notes: Vec<(i64,)> = sqlx::query_as("SELECT id FROM notes")
        .fetch_all(&mut bare)
        .await?;
    bare.close().await?;
    Ok(notes.len())
}
