//! Work across tenants: a login of its own, which no tenant's scope comes near.

use crate::scene::Scene;
use crate::side::{Open, open_central};
use crate::verdict::{Stop, Verdict, ensure};
use crate::{Row, Session};
use tenancy_core::CentralScope;

async fn opened<'a>(
    scene: &'a Scene<'_>,
    central: &'a Open<CentralScope>,
) -> Verdict<Box<dyn Session + 'a>> {
    let opening = scene.harness.central(&central.scope);
    let session = opening.ok_or(Stop::NotOffered)?.await;
    session.map_err(|error| Stop::failed(format!("the central pool opened nothing: {error}")))
}

async fn rows(session: &mut dyn Session, sql: &str) -> Verdict<Vec<Row>> {
    let answer = session.simple(sql).await;
    answer.map_err(|error| Stop::failed(format!("central was refused ({error}): {sql}")))
}

async fn value(session: &mut dyn Session, sql: &str) -> Verdict<String> {
    let first = rows(session, sql).await?.into_iter().flatten().flatten();
    Ok(first.into_iter().next().unwrap_or_default())
}

/// It sees and writes everyone's rows, each by its tenant's name.
pub(super) async fn above(scene: &Scene<'_>) -> Verdict {
    let central = open_central().await?;
    let mut session = opened(scene, &central).await?;
    let titles = rows(&mut *session, "SELECT title FROM conformance.notes").await?;
    for player in [&scene.me, &scene.other] {
        let own = titles
            .iter()
            .flatten()
            .flatten()
            .filter(|title| player.side.owns(title))
            .count();
        ensure!(own == 4, "central sees {own} of a tenant's 4 rows");
    }
    let sql = format!(
        "INSERT INTO conformance.notes (tenant_id, id, title) VALUES ({}, 7000, '{} by central')",
        scene.me.side.literal(),
        scene.me.side.mark
    );
    rows(&mut *session, &sql).await?;
    ensure!(
        session
            .simple("INSERT INTO conformance.notes (id, title) VALUES (7001, 'nobody''s')")
            .await
            .is_err(),
        "central wrote a row without saying whose it is"
    );
    drop(session);
    let there = scene.count(&scene.me, "id = 7000").await?;
    ensure!(there == 1, "what central wrote is not there");
    scene.still_serves(&scene.me).await?;
    scene.still_serves(&scene.other).await
}

/// A tenant's connection is never one of central's, nor the other way round.
pub(super) async fn apart(scene: &Scene<'_>) -> Verdict {
    const WHO: &str = "SELECT session_user || ' ' || current_user";
    let central = open_central().await?;
    for _ in 0..3 {
        let (above, its_pid) = {
            let mut session = opened(scene, &central).await?;
            let who = value(&mut *session, WHO).await?;
            (
                who,
                value(&mut *session, "SELECT pg_catalog.pg_backend_pid()").await?,
            )
        };
        let mut session = scene.acquire_again(&scene.me).await?;
        let (below, pid) = (session.value(WHO).await?, session.pid().await?);
        ensure!(
            above != below && its_pid != pid,
            "a tenant's scope runs on central's connection, as `{below}`"
        );
        scene.reads_own(&scene.me, &mut session).await?;
    }
    Ok(())
}

/// What one central scope leaves behind is not there in the next, nor in a tenant's.
pub(super) async fn leftovers(scene: &Scene<'_>) -> Verdict {
    const PLANTS: &[&str] = &[
        "SET application_name = 'central left this'",
        "SET statement_timeout = 77777",
        "DECLARE \"central left this\" CURSOR WITH HOLD FOR SELECT * FROM conformance.notes",
        "PREPARE \"central left this\" AS SELECT * FROM conformance.notes",
        "LISTEN \"central left this\"",
        "SELECT pg_catalog.pg_advisory_lock(818181)",
    ];
    const LEFT: &str = "SELECT pg_catalog.concat_ws(' ', pg_catalog.current_setting('application_name'), \
         pg_catalog.current_setting('statement_timeout'), \
         (SELECT pg_catalog.string_agg(name, ' ') FROM pg_catalog.pg_cursors), \
         (SELECT pg_catalog.string_agg(name, ' ') FROM pg_catalog.pg_prepared_statements WHERE from_sql), \
         (SELECT pg_catalog.string_agg(c, ' ') FROM pg_catalog.pg_listening_channels() AS c), \
         (SELECT pg_catalog.string_agg(objid::pg_catalog.text, ' ') FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()))";
    let central = open_central().await?;
    {
        let mut session = opened(scene, &central).await?;
        for plant in PLANTS {
            rows(&mut *session, plant).await?;
        }
        // Left open: nobody commits it.
        let sql = "BEGIN; UPDATE conformance.notes SET title = 'central left this'";
        rows(&mut *session, sql).await?;
    }
    let mut session = opened(scene, &central).await?;
    let left = value(&mut *session, LEFT).await?;
    ensure!(
        !["central left this", "77777", "818181"]
            .iter()
            .any(|planted| left.contains(planted)),
        "the next central scope finds: {left}"
    );
    let written =
        "SELECT pg_catalog.count(*) FROM conformance.notes WHERE title = 'central left this'";
    let written = value(&mut *session, written).await?;
    ensure!(
        written == "0",
        "a transaction that nobody committed was kept"
    );
    drop(session);
    scene.still_serves(&scene.me).await?;
    scene.still_serves(&scene.other).await
}

/// A central scope that has ended opens nothing, and a tenant's scope is none.
pub(super) async fn ended(scene: &Scene<'_>) -> Verdict {
    let mut central = open_central().await?;
    drop(opened(scene, &central).await?);
    let inside = async {
        let refused = opened(scene, &central).await.is_err();
        ensure!(refused, "central was opened inside a tenant's scope");
        Verdict::Ok(())
    };
    scene.me.scope().scope(inside).await?;
    central.end().await?;
    ensure!(
        opened(scene, &central).await.is_err(),
        "a central scope that has ended opened a connection"
    );
    scene.still_serves(&scene.me).await
}
