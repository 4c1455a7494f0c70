//! Reading: everything a SELECT can be.

use crate::scene::Scene;
use crate::verdict::{Verdict, ensure};

/// What both protocols read is what the judge sees.
pub(super) async fn own_rows(scene: &Scene<'_>) -> Verdict {
    for player in [&scene.me, &scene.other, &scene.me] {
        let mut session = scene.acquire(player).await?;
        scene.reads_own(player, &mut session).await?;
        let rows = session
            .rows("SELECT id, title FROM conformance.notes ORDER BY id")
            .await?;
        scene.is_all_of(player, &rows).await?;
        drop(session);
        let mut transaction = scene.begin(player).await?;
        let rows = transaction
            .prepared(
                "SELECT id::text, title::text FROM conformance.notes ORDER BY id",
                &[],
            )
            .await?;
        scene.is_all_of(player, &rows).await?;
        let _ = transaction.rollback().await?;
    }
    Ok(())
}

/// A key that both have gives the own row; the other's name gives nothing.
pub(super) async fn by_key(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let own = session
        .prepared(
            "SELECT title::text FROM conformance.notes WHERE id = $1::text::bigint",
            &["1"],
        )
        .await?;
    ensure!(
        own.len() == 1,
        "{} rows for a key that both tenants have",
        own.len()
    );
    let other = scene.other.side.literal();
    for sql in [
        format!("SELECT * FROM conformance.notes WHERE tenant_id = {other}"),
        format!("SELECT * FROM conformance.notes WHERE tenant_id = {other} OR id < 0"),
        format!("SELECT * FROM conformance.notes WHERE (tenant_id, id) = ({other}, 1)"),
        format!(
            "SELECT * FROM conformance.notes WHERE id = {}",
            scene.other.side.lone
        ),
    ] {
        let rows = session.rows(&sql).await?;
        ensure!(rows.is_empty(), "{} rows for: {sql}", rows.len());
    }
    session
        .rows("SELECT * FROM conformance.notes WHERE true OR tenant_id IS NOT NULL")
        .await?;
    Ok(())
}

/// Counts, sums and their like are over the own rows alone.
pub(super) async fn aggregates(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let columns = "count(*), sum(amount), min(amount), max(amount), count(DISTINCT tenant_id), \
                   bool_and(title IS NOT NULL), count(*) FILTER (WHERE amount > 0)";
    let own = session
        .rows(&format!("SELECT {columns} FROM conformance.notes"))
        .await?;
    let there = scene
        .me
        .side
        .place
        .simple(&format!(
            "SELECT {columns} FROM conformance.notes WHERE tenant_id = {}",
            scene.me.side.literal()
        ))
        .await;
    ensure!(
        there.as_ref() == Ok(&own),
        "aggregates {own:?} where the judge has {there:?}"
    );
    session
        .rows(
            "SELECT tenant_id, array_agg(title) FROM conformance.notes GROUP BY ROLLUP (tenant_id)",
        )
        .await?;
    let groups = session
        .value("SELECT count(*) FROM (SELECT FROM conformance.notes GROUP BY tenant_id) AS g")
        .await?;
    ensure!(groups == "1", "{groups} groups of tenants");
    Ok(())
}

/// Pages are pages of the own rows.
pub(super) async fn pagination(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let mut seen = Vec::new();
    for page in ["0", "2", "4", "6"] {
        let rows = session
            .prepared(
                "SELECT id::text, title::text FROM conformance.notes ORDER BY id \
                 LIMIT 2 OFFSET $1::text::bigint",
                &[page],
            )
            .await?;
        seen.extend(rows);
    }
    scene.is_all_of(&scene.me, &seen).await?;
    session
        .rows("SELECT * FROM conformance.notes WHERE (amount, id) > (0, 0) ORDER BY amount DESC, id FETCH FIRST 3 ROWS WITH TIES")
        .await?;
    Ok(())
}

/// No join, set operation or sub-query reaches over.
pub(super) async fn joins(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    for sql in [
        "SELECT n.*, c.* FROM conformance.notes n JOIN conformance.comments c ON c.note_id = n.id",
        "SELECT n.*, c.* FROM conformance.notes n FULL JOIN conformance.comments c USING (id)",
        "SELECT a.*, b.* FROM conformance.notes a CROSS JOIN conformance.notes b",
        "SELECT n.*, c.* FROM conformance.notes n LEFT JOIN LATERAL (SELECT * FROM conformance.comments x WHERE x.id >= n.id) c ON true",
        "SELECT * FROM conformance.notes WHERE EXISTS (SELECT FROM conformance.comments)",
        "SELECT * FROM conformance.notes WHERE id IN (SELECT note_id FROM conformance.comments)",
        "SELECT title FROM conformance.notes UNION SELECT body FROM conformance.comments",
        "SELECT id FROM conformance.notes EXCEPT ALL SELECT -1",
        "SELECT (SELECT string_agg(title, ',') FROM conformance.notes), e.* FROM conformance.events e",
        "SELECT n.title, p.name FROM conformance.notes n CROSS JOIN conformance.plans p",
    ] {
        session.rows(sql).await?;
    }
    let crossed = session
        .value("SELECT count(*) FROM conformance.notes n JOIN conformance.comments c ON c.tenant_id <> n.tenant_id")
        .await?;
    ensure!(crossed == "0", "{crossed} pairs of two tenants' rows");
    Ok(())
}

/// CTEs, windows, whole rows, XML and JSON exports, cursors.
pub(super) async fn shapes(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    for sql in [
        "WITH n AS MATERIALIZED (SELECT * FROM conformance.notes) SELECT * FROM n",
        "WITH n AS NOT MATERIALIZED (SELECT * FROM conformance.notes) SELECT * FROM n a, n b",
        "WITH RECURSIVE r(id, title) AS (SELECT id, title FROM conformance.notes WHERE id = 1 UNION ALL \
         SELECT n.id, n.title FROM conformance.notes n JOIN r ON n.id = r.id + 1) SELECT * FROM r",
        "SELECT title, lag(title) OVER w, sum(amount) OVER w FROM conformance.notes WINDOW w AS (ORDER BY id, tenant_id)",
        "TABLE conformance.notes",
        "SELECT n FROM conformance.notes n",
        "SELECT row_to_json(n), to_jsonb(n) FROM conformance.notes n",
        "SELECT * FROM ONLY conformance.notes TABLESAMPLE SYSTEM (100)",
        "SELECT * FROM conformance.notes FOR SHARE",
        "SELECT query_to_xml('SELECT * FROM conformance.notes', true, false, '')",
        "SELECT table_to_xml('conformance.notes', true, false, '')",
        "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT * FROM conformance.notes; FETCH ALL c; FETCH BACKWARD ALL c; ROLLBACK",
        "EXPLAIN (ANALYZE, VERBOSE, COSTS off, TIMING off) SELECT title FROM conformance.notes",
        "VALUES ((SELECT max(title) FROM conformance.notes)), ((SELECT min(title) FROM conformance.notes))",
        "SELECT ts_stat('SELECT to_tsvector(title) FROM conformance.notes')",
    ] {
        // Some are refused on some servers or builds (XML): what counts is what comes back.
        let _ = session.attempt(sql).await?;
    }
    Ok(())
}

/// A partitioned table, by its own name and by its partitions'.
pub(super) async fn partitions(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let events = session
        .value("SELECT count(*) FROM conformance.events")
        .await?;
    ensure!(events == "3", "{events} events of 3");
    for partition in ["events_low", "events_high"] {
        let _ = session
            .attempt(&format!("SELECT * FROM conformance.{partition}"))
            .await?;
        let _ = session
            .attempt(&format!("SELECT count(*) FROM conformance.{partition}"))
            .await?;
    }
    Ok(())
}

/// The table owner's view and definer function see the scope's rows, as everyone does.
pub(super) async fn of_owner(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let rows = session
        .rows("SELECT id, title FROM conformance.notes_of_owner ORDER BY id")
        .await?;
    scene.is_all_of(&scene.me, &rows).await?;
    let titles = session.rows("SELECT conformance.titles_of_owner()").await?;
    ensure!(
        titles.len() == 4,
        "{} titles of 4 from the owner's function",
        titles.len()
    );
    Ok(())
}

/// What a failing expression says in its error is about own rows only, whatever it looks at first.
pub(super) async fn leaky_errors(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let mark = &scene.other.side.mark;
    for sql in [
        "SELECT * FROM conformance.notes WHERE title::int = 1".to_owned(),
        format!(
            "SELECT * FROM conformance.notes WHERE CASE WHEN title LIKE '{mark}%' THEN title::int ELSE 1 END = 1"
        ),
        format!(
            "SELECT * FROM conformance.notes n JOIN conformance.comments c ON c.body::int = n.id WHERE n.title LIKE '{mark}%'"
        ),
        format!("UPDATE conformance.notes SET amount = title::int WHERE title LIKE '{mark}%'"),
        format!("DELETE FROM conformance.notes WHERE title LIKE '{mark}%' AND title::int = 1"),
    ] {
        let _ = session.attempt(&sql).await?;
    }
    // Divides by zero on the other's row, if it is ever looked at.
    let sql = format!(
        "SELECT count(*) FROM conformance.notes WHERE 1 / (CASE WHEN title LIKE '{mark}%' THEN 0 ELSE 1 END) = 1"
    );
    let own = session.value(&sql).await?;
    ensure!(
        own == "4",
        "{own} rows of 4 beside a condition that fails on the other's"
    );
    Ok(())
}

/// A table that is declared shared can be read by both, and written by neither.
pub(super) async fn shared(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let plans = session
        .value("SELECT count(*) FROM conformance.plans")
        .await?;
    ensure!(plans == "2", "{plans} of 2 shared rows");
    session
        .refused_as("UPDATE conformance.plans SET price = 0", &["42501"])
        .await?;
    session
        .refused_as(
            "INSERT INTO conformance.plans VALUES ('mine', 1)",
            &["42501"],
        )
        .await
}

/// After its own `leave()`, a session reads and writes nothing.
pub(super) async fn no_scope(scene: &Scene<'_>) -> Verdict {
    for sql in [
        "SELECT * FROM conformance.notes",
        "SELECT count(*) FROM conformance.notes",
        "INSERT INTO conformance.notes (id, title) VALUES (900, 'nobody')",
        "UPDATE conformance.notes SET amount = 0",
        "DELETE FROM conformance.notes",
        "SELECT tenancy.current_tenant()",
    ] {
        let mut session = scene.acquire(&scene.me).await?;
        session.rows("SELECT tenancy.leave()").await?;
        session.refused_as(sql, &["TN001", "55000"]).await?;
    }
    let attacker = scene.stage.attacker().await?;
    for sql in [
        "SELECT * FROM conformance.notes",
        "SELECT count(*) FROM conformance.comments",
    ] {
        let Err(error) = attacker.simple(sql).await else {
            return Err(crate::verdict::Stop::failed(format!(
                "a connection without a scope was answered: {sql}"
            )));
        };
        ensure!(
            error.is("TN001") || error.is("55000"),
            "refused with {error:?}: {sql}"
        );
    }
    Ok(())
}
