//! Tables that would like to be taken for a tenant's own: in `public`, in a schema named like the
//! login, and temporary ones. An administrator or another application put them there.

use crate::place::quoted;
use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// A table of the other's words, which everyone may read and write.
fn planted(scene: &Scene<'_>, schema: &str, table: &str) -> String {
    format!(
        "CREATE TABLE {schema}.{table} (tenant_id text, id bigint, title text, amount bigint); \
         INSERT INTO {schema}.{table} VALUES ('x', 1, '{mark}-planted', 1); \
         GRANT ALL ON {schema}.{table} TO PUBLIC; GRANT USAGE ON SCHEMA {schema} TO PUBLIC;",
        mark = scene.other.side.mark,
    )
}

/// Reads and writes by the bare names, on a connection that was there before and on a new one.
async fn is_not_fooled(scene: &Scene<'_>) -> Verdict {
    for fresh in [false, true] {
        if fresh {
            scene.new_connection().await?;
        }
        let mut session = match scene.acquire_again(&scene.me).await {
            Ok(session) => session,
            // Not to be served over a stray right is a good answer.
            Err(Stop::Failed(_)) if fresh => continue,
            Err(stop) => return Err(stop),
        };
        scene.reads_own(&scene.me, &mut session).await?;
        session
            .rows("INSERT INTO conformance.notes (id, title) VALUES (650, 'mine')")
            .await?;
        ensure!(
            scene.count(&scene.me, "id = 650").await? == 1,
            "a row was written to a table in a tenant table's place"
        );
        session
            .rows("DELETE FROM conformance.notes WHERE id = 650")
            .await?;
        // A name that the tenant's schema does not have is found nowhere else.
        let behind = session.attempt("SELECT * FROM archive").await?;
        ensure!(
            behind.is_err(),
            "a table that the tenant does not have was found in another schema"
        );
        drop(session);
        let mut transaction = scene.begin(&scene.me).await?;
        let rows = transaction
            .rows("SELECT id, title FROM conformance.notes ORDER BY id")
            .await?;
        scene.is_all_of(&scene.me, &rows).await?;
        ensure!(
            transaction.attempt("SELECT * FROM archive").await?.is_err(),
            "a table that the tenant does not have was found in another schema"
        );
        let _ = transaction.rollback().await?;
    }
    Ok(())
}

/// In `public`, before the tenant's schema or behind it.
pub(super) async fn public(scene: &Scene<'_>) -> Verdict {
    const CLEAN: &str = "DROP TABLE IF EXISTS public.notes, public.archive; \
                         REVOKE USAGE ON SCHEMA public FROM PUBLIC";
    scene.still_serves(&scene.me).await?;
    let plant = planted(scene, "public", "notes") + &planted(scene, "public", "archive");
    scene.stage.administer(&plant).await?;
    let verdict = is_not_fooled(scene).await;
    scene.stage.administer(CLEAN).await?;
    verdict?;
    scene.still_serves(&scene.me).await
}

/// In a schema named like the login, which is what `"$user"` in a path means.
pub(super) async fn user(scene: &Scene<'_>) -> Verdict {
    let schema = quoted(scene.role(&scene.me));
    scene.still_serves(&scene.me).await?;
    let clean = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    let plant = format!("{clean}; CREATE SCHEMA {schema};")
        + &planted(scene, &schema, "notes")
        + &planted(scene, &schema, "archive");
    scene.stage.administer(&plant).await?;
    let verdict = is_not_fooled(scene).await;
    scene.stage.administer(&clean).await?;
    verdict?;
    scene.still_serves(&scene.me).await
}

/// A temporary one, where it can be made (PUBLIC may, unless somebody took it away), takes no
/// place: neither in its own scope nor in the next.
pub(super) async fn temporary(scene: &Scene<'_>) -> Verdict {
    let right = |sql: &str| {
        format!(
            "DO $do$ BEGIN EXECUTE pg_catalog.format('{sql}', pg_catalog.current_database()); END $do$"
        )
    };
    let mut session = scene.acquire_again(&scene.me).await?;
    let left = session.pid().await?;
    scene
        .stage
        .administer(&right("GRANT TEMPORARY ON DATABASE %I TO PUBLIC"))
        .await?;
    let made = session
        .attempt_blind(&format!(
            "CREATE TEMPORARY TABLE notes (tenant_id text, id bigint, title text, amount bigint); \
             INSERT INTO pg_temp.notes VALUES ('x', 1, '{}-planted', 1)",
            scene.other.side.mark
        ))
        .await;
    scene
        .stage
        .administer(&right("REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC"))
        .await?;
    made.map_err(|error| Stop::failed(format!("nothing temporary could be made: {error}")))?;
    scene.reads_own(&scene.me, &mut session).await?;
    drop(session);
    for next in [&scene.me, &scene.other] {
        let mut session = scene.acquire(next).await?;
        scene.same_or_gone(&left, &mut session).await?;
        scene.reads_own(next, &mut session).await?;
    }
    Ok(())
}
