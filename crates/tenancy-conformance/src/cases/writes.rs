//! Writing: everything an INSERT, UPDATE, DELETE or MERGE can be. That the other tenant's rows are
//! untouched, the suite asks the judge after every case.

use crate::scene::Scene;
use crate::verdict::{Verdict, ensure};

/// What a row security check refuses with.
const REFUSED: &[&str] = &["42501"];

/// An insert needs no tenant, and gets its own.
pub(super) async fn default_tenant(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    session
        .prepared(
            "INSERT INTO conformance.notes (id, title) VALUES ($1::text::bigint, $2::text) RETURNING title::text",
            &["500", "new"],
        )
        .await?;
    let count = scene.count(&scene.me, "id = 500 AND title = 'new'").await?;
    ensure!(count == 1, "the judge sees {count} of 1 new rows");
    Ok(())
}

/// An insert that names the other, alone or among own rows, is refused whole.
pub(super) async fn insert_for_other(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let (me, other) = (scene.me.side.literal(), scene.other.side.literal());
    for sql in [
        format!(
            "INSERT INTO conformance.notes (tenant_id, id, title) VALUES ({other}, 501, 'planted')"
        ),
        format!(
            "INSERT INTO conformance.notes (tenant_id, id, title) VALUES ({me}, 502, 'x'), ({other}, 502, 'x')"
        ),
        format!(
            "INSERT INTO conformance.notes (tenant_id, id, title) SELECT {other}, 503, title FROM conformance.notes LIMIT 1"
        ),
        format!(
            "INSERT INTO conformance.notes AS n SELECT (jsonb_populate_record(n, jsonb_build_object('tenant_id', {other}, 'id', 504))).* FROM conformance.notes n LIMIT 1"
        ),
        format!(
            "INSERT INTO conformance.events (tenant_id, id, what) VALUES ({other}, 5, 'planted')"
        ),
        format!(
            "WITH i AS (INSERT INTO conformance.notes (tenant_id, id, title) VALUES ({other}, 505, 'x') RETURNING *) SELECT * FROM i"
        ),
    ] {
        session.refused(&sql).await?;
    }
    session
        .refused_as(
            &format!("INSERT INTO conformance.notes (tenant_id, id, title) VALUES ({other}, 501, 'planted')"),
            REFUSED,
        )
        .await?;
    let mine = scene.count(&scene.me, "id BETWEEN 501 AND 505").await?;
    ensure!(mine == 0, "{mine} rows of a refused insert were kept");
    Ok(())
}

/// UPDATE and DELETE without a condition reach the own rows.
pub(super) async fn all_rows(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let updated = session
        .rows("UPDATE conformance.notes SET title = title || '-seen' RETURNING id, title")
        .await?;
    ensure!(updated.len() == 4, "{} rows of 4 updated", updated.len());
    let deleted = session
        .rows("DELETE FROM conformance.comments RETURNING *")
        .await?;
    ensure!(deleted.len() == 3, "{} rows of 3 deleted", deleted.len());
    session.rows("DELETE FROM conformance.notes").await?;
    let left = scene.count(&scene.me, "true").await?;
    ensure!(left == 0, "{left} own rows left after deleting all");
    Ok(())
}

/// No row can be given to the other, and none taken.
pub(super) async fn move_over(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let (me, other) = (scene.me.side.literal(), scene.other.side.literal());
    session
        .refused_as(
            &format!("UPDATE conformance.notes SET tenant_id = {other} WHERE id = 1"),
            REFUSED,
        )
        .await?;
    session
        .refused_as(
            &format!("UPDATE conformance.events SET tenant_id = {other}, id = id + 5"),
            REFUSED,
        )
        .await?;
    for sql in [
        format!(
            "UPDATE conformance.notes SET tenant_id = {me}, id = 700 WHERE tenant_id = {other} RETURNING 1"
        ),
        format!(
            "UPDATE conformance.notes SET title = 'taken' WHERE tenant_id = {other} RETURNING 1"
        ),
        format!("DELETE FROM conformance.notes WHERE tenant_id = {other} RETURNING 1"),
        format!(
            "DELETE FROM conformance.notes WHERE id = {} RETURNING 1",
            scene.other.side.lone
        ),
    ] {
        let rows = session.rows(&sql).await?;
        ensure!(rows.is_empty(), "{} rows touched by: {sql}", rows.len());
    }
    // One that reads no column needs no right to read: only WITH CHECK stands in its way.
    session
        .rows("DELETE FROM conformance.notes WHERE id <> 1")
        .await?;
    session
        .refused_as(
            &format!("UPDATE conformance.notes SET tenant_id = {other}, id = 701"),
            REFUSED,
        )
        .await
}

/// UPDATE .. FROM and DELETE .. USING reach no further than a join.
pub(super) async fn by_join(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    for sql in [
        "UPDATE conformance.notes n SET title = n.title || c.body FROM conformance.comments c WHERE c.id >= 0 RETURNING n.*, c.*",
        "DELETE FROM conformance.comments c USING conformance.notes n WHERE n.id >= c.id RETURNING n.*, c.*",
        "WITH d AS (DELETE FROM conformance.events RETURNING *) SELECT * FROM d",
    ] {
        session.rows(sql).await?;
    }
    Ok(())
}

/// Bulk inserts get the own tenant, and RETURNING returns the own rows.
pub(super) async fn bulk(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let rows = session
        .prepared(
            "INSERT INTO conformance.notes (id, title) \
             SELECT i, t FROM unnest($1::text::bigint[], $2::text::text[]) AS u(i, t) RETURNING id::text",
            &["{601,602,603}", "{x,y,z}"],
        )
        .await?;
    ensure!(rows.len() == 3, "{} rows of 3 inserted", rows.len());
    let there = scene.count(&scene.me, "id BETWEEN 601 AND 603").await?;
    ensure!(there == 3, "the judge sees {there} of 3");
    if !scene.tier().is_walled() {
        return Ok(());
    }
    let other = scene.other.side.literal();
    session
        .refused_as(
            &format!(
                "INSERT INTO conformance.notes (tenant_id, id, title) \
                 SELECT {other}, i, 'planted' FROM generate_series(604, 700) AS i"
            ),
            REFUSED,
        )
        .await
}

/// An upsert with a key that both have changes the own row; one that names the other is refused.
pub(super) async fn upsert(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let other = scene.other.side.literal();
    session
        .rows(
            "INSERT INTO conformance.notes (id, title) VALUES (1, 'upserted') \
             ON CONFLICT (tenant_id, id) DO UPDATE SET title = excluded.title RETURNING *",
        )
        .await?;
    let mine = scene
        .count(&scene.me, "id = 1 AND title = 'upserted'")
        .await?;
    ensure!(mine == 1, "the upsert did not reach its own row");
    if !scene.tier().is_walled() {
        return Ok(());
    }
    for conflict in [
        "DO UPDATE SET title = 'taken' RETURNING *",
        "DO UPDATE SET tenant_id = excluded.tenant_id RETURNING *",
        "DO NOTHING RETURNING *",
    ] {
        let sql = format!(
            "INSERT INTO conformance.notes (tenant_id, id, title) VALUES ({other}, 1, 'x') \
             ON CONFLICT (tenant_id, id) {conflict}"
        );
        session.refused_as(&sql, REFUSED).await?;
    }
    // With a key of its own, changed to the other's in the update.
    session
        .refused_as(
            &format!(
                "INSERT INTO conformance.notes (id, title) VALUES (1, 'x') \
                 ON CONFLICT (tenant_id, id) DO UPDATE SET tenant_id = {other}, id = 77"
            ),
            REFUSED,
        )
        .await
}

/// MERGE reaches the own rows.
pub(super) async fn merge(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    let other = scene.other.side.literal();
    session
        .rows(
            "MERGE INTO conformance.notes n USING (VALUES (1, 'merged'), (800, 'merged')) AS v(id, title) \
             ON n.id = v.id WHEN MATCHED THEN UPDATE SET title = v.title \
             WHEN NOT MATCHED THEN INSERT (id, title) VALUES (v.id, v.title)",
        )
        .await?;
    let merged = scene.count(&scene.me, "title = 'merged'").await?;
    ensure!(merged == 2, "the judge sees {merged} of 2 merged rows");
    session
        .rows(&format!(
            "MERGE INTO conformance.notes n USING (VALUES (1)) AS v(id) ON n.tenant_id = {other} \
             WHEN MATCHED THEN DELETE"
        ))
        .await?;
    if !scene.tier().is_walled() {
        return Ok(());
    }
    session
        .refused_as(
            &format!(
                "MERGE INTO conformance.notes n USING (VALUES (1)) AS v(id) ON n.tenant_id = {other} \
                 WHEN NOT MATCHED THEN INSERT (tenant_id, id, title) VALUES ({other}, 801, 'planted')"
            ),
            REFUSED,
        )
        .await?;
    session
        .refused_as(
            &format!(
                "MERGE INTO conformance.notes n USING (VALUES (1)) AS v(id) ON n.id = v.id \
                 WHEN MATCHED THEN UPDATE SET tenant_id = {other}, id = 802"
            ),
            REFUSED,
        )
        .await?;
    if scene.stage.major >= 17 {
        session
            .rows(
                "MERGE INTO conformance.notes n USING (VALUES (1)) AS v(id) ON n.id = v.id \
                 WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING n.*",
            )
            .await?;
    }
    Ok(())
}

/// TRUNCATE, which row security does not cover, is not the runtime role's.
pub(super) async fn truncate(scene: &Scene<'_>) -> Verdict {
    for table in ["notes CASCADE", "comments", "events", "events_low"] {
        // Through a transaction: were it not refused, it would be undone.
        let mut transaction = scene.begin(&scene.me).await?;
        transaction
            .refused_as(&format!("TRUNCATE conformance.{table}"), &["42501"])
            .await?;
        let _ = transaction.rollback().await?;
    }
    Ok(())
}

/// A foreign key leads to an own row, or nowhere.
pub(super) async fn foreign_key(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    session
        .refused_as(
            &format!(
                "INSERT INTO conformance.comments (id, note_id, body) VALUES (70, {}, 'across')",
                scene.other.side.lone
            ),
            &["23503"],
        )
        .await?;
    // Cascades stay inside as well.
    session
        .rows("UPDATE conformance.notes SET id = id + 5000 WHERE id = 2")
        .await?;
    session
        .rows("DELETE FROM conformance.notes WHERE id = 1")
        .await?;
    Ok(())
}

/// Locking every row that can be seen locks none of the other's.
pub(super) async fn row_locks(scene: &Scene<'_>) -> Verdict {
    let mut transaction = scene.begin(&scene.me).await?;
    let locked = transaction
        .rows("SELECT 1 FROM conformance.notes FOR UPDATE")
        .await?;
    ensure!(locked.len() == 4, "{} rows of 4 locked", locked.len());
    scene
        .other
        .side
        .place
        .administer(&format!(
            "BEGIN; SELECT FROM conformance.notes WHERE tenant_id = {} FOR UPDATE NOWAIT; ROLLBACK",
            scene.other.side.literal()
        ))
        .await?;
    let _ = transaction.rollback().await?;
    Ok(())
}
