//! Schemas behind one login, which the facade alone keeps apart: that it always leads to the right
//! one, and what it does not do.

use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// Without a scope, a table's name leads nowhere.
pub(super) async fn no_scope(scene: &Scene<'_>) -> Verdict {
    let attacker = scene.stage.attacker().await?;
    for sql in ["SELECT * FROM notes", "UPDATE notes SET amount = 0"] {
        let Err(error) = attacker.simple(sql).await else {
            return Err(Stop::failed(format!(
                "a connection without a scope was answered: {sql}"
            )));
        };
        ensure!(error.is("42P01"), "refused with {error:?}: {sql}");
    }
    Ok(())
}

/// The path of a transaction is over with it; what stands behind it is nobody else's.
pub(super) async fn after_commit(scene: &Scene<'_>) -> Verdict {
    // A connection that served the other's session before.
    for end in [
        "COMMIT",
        "ROLLBACK",
        "COMMIT AND CHAIN",
        "ROLLBACK AND CHAIN",
        "COMMIT; BEGIN",
    ] {
        scene.still_serves(&scene.other).await?;
        let mut transaction = scene.begin(&scene.me).await?;
        transaction.rows(end).await?;
        // Own rows, or no such table.
        let _ = transaction
            .attempt("SELECT * FROM conformance.notes")
            .await?;
        let _ = transaction
            .attempt("UPDATE conformance.notes SET title = 'late'")
            .await?;
        drop(transaction);
        let mut session = scene.acquire_again(&scene.me).await?;
        for reset in ["RESET search_path", "RESET ALL", "DISCARD ALL"] {
            let _ = session.attempt(reset).await?;
            let _ = session.attempt("SELECT * FROM conformance.notes").await?;
            let _ = session
                .attempt("UPDATE conformance.notes SET title = 'late'")
                .await?;
        }
        drop(session);
        scene.still_serves(&scene.other).await?;
    }
    Ok(())
}

/// What binds, where a driver keeps it prepared, can't be replaced by what leads elsewhere.
pub(super) async fn hijacked_bind(scene: &Scene<'_>) -> Verdict {
    scene.still_serves(&scene.other).await?;
    let mut session = scene.acquire_again(&scene.me).await?;
    let path = scene.me.side.place.quoted().replace('\'', "''");
    let names = session
        .rows("SELECT name, parameter_types::text, statement FROM pg_prepared_statements WHERE NOT from_sql AND statement LIKE '%search_path%'")
        .await?;
    for row in names {
        let [Some(name), Some(types), Some(statement)] = &row[..] else {
            continue;
        };
        if statement.contains("pg_prepared_statements") {
            continue;
        }
        let types = types.trim_matches(['{', '}']);
        let parameters = if types.is_empty() {
            String::new()
        } else {
            format!("({types})")
        };
        session
            .attempt(&format!(
                "DEALLOCATE \"{name}\"; PREPARE \"{name}\"{parameters} AS SELECT set_config('search_path', '{path}', false)"
            ))
            .await?
            .map_err(Stop::failed)?;
    }
    drop(session);
    // The victim's bind goes to whatever stands there now.
    if let Ok(mut victim) = scene.acquire_again(&scene.other).await {
        scene.reads_own(&scene.other, &mut victim).await?;
    }
    scene.still_serves(&scene.other).await
}

/// Not a promise but its limit, shown so that nobody believes otherwise: the database lets the
/// shared login read every tenant's schema by its name. Whoever runs SQL that is not the
/// application's own needs a login for each tenant.
pub(super) async fn names_are_not_enforced(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let sql = format!(
        "SELECT title FROM {}.notes",
        scene.other.side.place.quoted()
    );
    // Past the watch, which would fail the case over exactly this.
    let rows = session
        .inner()
        .simple(&sql)
        .await
        .map_err(|error| Stop::failed(format!(
            "the database refused a schema by its name ({error}): then this tier enforces more than it says, and its words must change"
        )))?;
    let foreign = rows
        .iter()
        .flatten()
        .flatten()
        .any(|value| scene.other.side.owns(value));
    ensure!(
        foreign,
        "the other's schema, by its name, gave no row of the other's"
    );
    Ok(())
}
