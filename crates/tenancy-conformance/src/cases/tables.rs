//! Any table: the stage's own, or an application's. Nothing is changed; what a statement would
//! have done is counted inside a transaction that is rolled back.

use crate::scene::Scene;
use crate::stage::OwnTable;
use crate::verdict::{Verdict, ensure};

/// A row of the other's, as JSON, by the judge.
async fn foreign_row(scene: &Scene<'_>, table: &OwnTable) -> Verdict<String> {
    let row = scene
        .stage
        .ask(&format!(
            "SELECT pg_catalog.to_jsonb(t) FROM {} AS t WHERE {} = {} LIMIT 1",
            table.name.quoted(),
            table.column,
            scene.other.side.literal()
        ))
        .await?;
    ensure!(
        !row.is_empty(),
        "{} holds no row of {}: both tenants need one",
        table.name,
        scene.other.side.id
    );
    Ok(row)
}

/// A scope reads as many rows as the judge says are its own, and none by the other's name.
pub(super) async fn reads(scene: &Scene<'_>) -> Verdict {
    let mut session = scene.acquire(&scene.me).await?;
    for table in &scene.stage.tables {
        let (name, column) = (table.name.quoted(), &table.column);
        foreign_row(scene, table).await?;
        let there = scene
            .stage
            .ask(&format!(
                "SELECT pg_catalog.count(*) FROM {name} WHERE {column} = {}",
                scene.me.side.literal()
            ))
            .await?;
        ensure!(
            there != "0",
            "{name} holds no row of {}: both tenants need one",
            scene.me.side.id
        );
        let count = session
            .value(&format!("SELECT count(*) FROM {name}"))
            .await?;
        ensure!(
            count == there,
            "{count} rows of {name} where the judge sees {there}"
        );
        let tenants = session
            .rows(&format!("SELECT DISTINCT {column}::text FROM {name}"))
            .await?;
        ensure!(
            tenants.len() == 1,
            "rows of {} tenants in {name}",
            tenants.len()
        );
        for sql in [
            format!(
                "SELECT count(*) FROM {name} WHERE {column} = {}",
                scene.other.side.literal()
            ),
            format!("SELECT count(*) FROM {name} a JOIN {name} b ON a.{column} <> b.{column}"),
        ] {
            let rows = session.value(&sql).await?;
            ensure!(rows == "0", "{rows} foreign rows: {sql}");
        }
    }
    Ok(())
}

/// No statement reaches a row by the other's name.
pub(super) async fn changes(scene: &Scene<'_>) -> Verdict {
    let other = scene.other.side.literal();
    for table in &scene.stage.tables {
        let (name, column) = (table.name.quoted(), &table.column);
        for sql in [
            format!("UPDATE {name} SET {column} = {column} WHERE {column} = {other} RETURNING 1"),
            format!("DELETE FROM {name} WHERE {column} = {other} RETURNING 1"),
            format!("SELECT 1 FROM {name} WHERE {column} = {other} FOR UPDATE"),
        ] {
            let mut transaction = scene.begin(&scene.me).await?;
            // Without the privilege nothing is reached either.
            if let Ok(rows) = transaction.attempt(&sql).await? {
                ensure!(
                    rows.is_empty(),
                    "{} foreign rows reached: {sql}",
                    rows.len()
                );
            }
            let _ = transaction.rollback().await?;
        }
        let mut transaction = scene.begin(&scene.me).await?;
        transaction
            .refused_as(&format!("UPDATE {name} SET {column} = {other}"), &["42501"])
            .await?;
        let _ = transaction.rollback().await?;
        let mut transaction = scene.begin(&scene.me).await?;
        transaction
            .refused(&format!("TRUNCATE {name} CASCADE"))
            .await?;
        let _ = transaction.rollback().await?;
    }
    Ok(())
}

/// A row of the other's can't be written again, nor one with a fresh key.
pub(super) async fn inserts(scene: &Scene<'_>) -> Verdict {
    for table in &scene.stage.tables {
        let name = table.name.quoted();
        let row = foreign_row(scene, table).await?.replace('\'', "''");
        for conflict in ["", " ON CONFLICT DO NOTHING"] {
            let mut transaction = scene.begin(&scene.me).await?;
            let sql = format!(
                "INSERT INTO {name} SELECT (jsonb_populate_record(NULL::{name}, '{row}')).*{conflict}"
            );
            let Err(error) = transaction.attempt_blind(&sql).await else {
                return Err(crate::verdict::Stop::failed(format!(
                    "a row of the other tenant was written to {name}"
                )));
            };
            ensure!(
                !error.is("23505"),
                "{name} says that the other tenant's row exists: its unique keys must contain the tenant"
            );
            let _ = transaction.rollback().await?;
        }
    }
    Ok(())
}

/// Without a scope the table gives nothing.
pub(super) async fn no_scope(scene: &Scene<'_>) -> Verdict {
    let attacker = scene.stage.attacker().await?;
    for table in &scene.stage.tables {
        for sql in [
            format!("SELECT * FROM {}", table.name.quoted()),
            format!("SELECT count(*) FROM {}", table.name.quoted()),
            format!("BEGIN; DELETE FROM {}; ROLLBACK", table.name.quoted()),
        ] {
            let refused = match attacker.simple(&sql).await {
                Ok(_) => false,
                Err(error) => ["TN001", "55000", "42501"]
                    .iter()
                    .any(|code| error.is(code)),
            };
            attacker
                .simple("ROLLBACK")
                .await
                .map_err(crate::verdict::Stop::failed)?;
            ensure!(refused, "a connection without a scope was answered: {sql}");
        }
    }
    Ok(())
}
