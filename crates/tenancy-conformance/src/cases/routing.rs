//! Where a scope leads: to its own tenant's place, or nowhere.

use std::time::Duration;

use tenancy_core::{Placement, Strategy};
use tenancy_postgres::mark;
use tokio::time::sleep;

use crate::Body;
use crate::scene::{Player, Scene};
use crate::session::BodyEnding;
use crate::side::Side;
use crate::verdict::{Stop, Verdict, ensure};
use crate::watched::Watched;

/// How long an adapter gets to open a scope that nobody has asked for yet.
const AHEAD_OF_NEED: Duration = Duration::from_millis(50);

/// The attacker's id with another placement.
async fn placed(scene: &Scene<'_>, placement: Placement) -> Verdict<Player> {
    Player::new(&Side {
        placement,
        ..scene.me.side.clone()
    })
    .await
}

/// No verb opens `player`'s scope; and if one does, no row comes back by any of the tables' names.
async fn leads_nowhere(scene: &Scene<'_>, player: &Player, what: &str) -> Verdict {
    let (read, write) = (
        "SELECT id, title FROM conformance.notes",
        "UPDATE conformance.notes SET title = 'lost'",
    );
    if let Ok(session) = scene.harness.acquire(player.scope()).await {
        let mut session = Watched::new(session, &scene.other.side, scene.tier());
        for sql in [read, write] {
            let served = session.attempt(sql).await?;
            ensure!(served.is_err(), "acquire served {what}: {sql}");
        }
    }
    if let Ok(transaction) = scene.harness.begin(player.scope()).await {
        let mut transaction = Watched::new(transaction, &scene.other.side, scene.tier());
        let served = transaction.attempt(read).await?;
        ensure!(served.is_err(), "begin served {what}");
    }
    for sql in [read, write] {
        let body = Body::new(&[sql], BodyEnding::Ok);
        let served = scene.transaction(player, &body).await?;
        ensure!(served.is_err(), "transaction served {what}: {sql}");
    }
    Ok(())
}

/// A store that says the wrong thing: this tenant, in the other's place.
pub(super) async fn foreign_placement(scene: &Scene<'_>) -> Verdict {
    let theirs = scene.other.side.placement.clone();
    let mine = &scene.me.side.placement;
    let place = || match scene.tier().strategy() {
        Strategy::DatabasePerTenant => {
            Placement::database(theirs.database_name().unwrap_or_default())
        }
        _ => Placement::schema(theirs.schema_name().unwrap_or_default()),
    };
    let mut placements = vec![theirs.clone(), place()];
    if let Some(credential) = mine.credential() {
        placements.push(place().with_credential(credential));
    }
    // With the other's connection at rest, and without it.
    scene.still_serves(&scene.other).await?;
    for placement in placements {
        let player = placed(scene, placement).await?;
        leads_nowhere(scene, &player, "one tenant in the other's place").await?;
        scene.still_serves(&scene.other).await?;
        scene.new_connection().await?;
        leads_nowhere(scene, &player, "one tenant in the other's place").await?;
    }
    scene.still_serves(&scene.me).await
}

/// A tenant that is on shared tables, or of another strategy, has no place here.
pub(super) async fn no_placement(scene: &Scene<'_>) -> Verdict {
    let credential = scene.me.side.placement.credential().unwrap_or_default();
    let other_strategy = match scene.tier().strategy() {
        Strategy::DatabasePerTenant => Placement::schema("public"),
        _ => Placement::database(scene.me.side.placement.schema_name().unwrap_or_default()),
    };
    for placement in [
        Placement::shared(),
        Placement::shared().with_credential(credential),
        other_strategy.with_credential(credential),
    ] {
        let player = placed(scene, placement).await?;
        leads_nowhere(scene, &player, "a tenant without a place").await?;
    }
    scene.still_serves(&scene.me).await
}

/// A place that is not there: no other takes its stead.
pub(super) async fn no_place(scene: &Scene<'_>) -> Verdict {
    let credential = scene.me.side.placement.credential().unwrap_or_default();
    for name in ["nowhere", "public", "pg_catalog", "$user", "postgres", ""] {
        let placement = match scene.tier().strategy() {
            Strategy::DatabasePerTenant => Placement::database(name),
            _ => Placement::schema(name),
        };
        // An incoherent one is no tenant at all, and opens no scope.
        let Ok(player) = placed(scene, placement.with_credential(credential)).await else {
            continue;
        };
        leads_nowhere(scene, &player, "a tenant whose place is not there").await?;
    }
    scene.still_serves(&scene.me).await
}

/// The attacker's place, without a mark or with the other's.
pub(super) async fn unmarked(scene: &Scene<'_>) -> Verdict {
    let thing = match scene.me.side.placement.database_name() {
        Some(database) => format!("DATABASE {}", crate::place::quoted(database)),
        None => format!("SCHEMA {}", scene.me.side.place.quoted()),
    };
    let comment = |mark: &str| format!("COMMENT ON {thing} IS {mark}");
    let mine = format!("'{}'", mark::of(&scene.me.side.id));
    let mut verdict = Ok(());
    for wrong in [
        "NULL".to_owned(),
        format!("'{}'", mark::of(&scene.other.side.id)),
        format!("'{}'", scene.me.side.id),
        format!("'{}x'", mark::of(&scene.me.side.id)),
    ] {
        scene.me.side.place.administer(&comment(&wrong)).await?;
        let refused = match scene.new_connection().await {
            Ok(()) => leads_nowhere(scene, &scene.me, "a place without its tenant's mark").await,
            stop => stop,
        };
        verdict = verdict.and(refused);
        scene.me.side.place.administer(&comment(&mine)).await?;
    }
    scene.still_serves(&scene.me).await?;
    verdict
}

/// Two schemas that have changed names: each name leads to the other's tables.
pub(super) async fn renamed(scene: &Scene<'_>) -> Verdict {
    let (mine, other) = (
        scene.me.side.place.quoted(),
        scene.other.side.place.quoted(),
    );
    let swap = format!(
        "BEGIN; ALTER SCHEMA {mine} RENAME TO conformance_between; ALTER SCHEMA {other} RENAME TO {mine}; \
         ALTER SCHEMA conformance_between RENAME TO {other}; COMMIT"
    );
    let mut verdict = Ok(());
    for _ in 0..3 {
        // With a connection at rest that knows the schema by its name. An adapter that opens scopes
        // ahead of need gets the time for it.
        scene.still_serves(&scene.me).await?;
        sleep(AHEAD_OF_NEED).await;
        scene.stage.administer(&swap).await?;
        verdict = verdict.and(seen_after_the_swap(scene).await);
        verdict = match scene.new_connection().await {
            Ok(()) => verdict.and(seen_after_the_swap(scene).await),
            stop => verdict.and(stop),
        };
        scene.stage.administer(&swap).await?;
    }
    verdict?;
    scene.still_serves(&scene.me).await
}

/// What comes back under the swapped name is no row of the other's; nothing at all is best.
async fn seen_after_the_swap(scene: &Scene<'_>) -> Verdict {
    for sql in [
        "SELECT * FROM conformance.notes",
        "UPDATE conformance.notes SET title = 'swapped' RETURNING *",
    ] {
        if let Ok(session) = scene.harness.acquire(scene.me.scope()).await {
            let mut session = Watched::new(session, &scene.other.side, scene.tier());
            let served = session.attempt(sql).await?;
            ensure!(
                served.is_err(),
                "a schema of the tenant's name, with another's mark, was served: {sql}"
            );
        }
        let body = Body::new(&[sql], BodyEnding::Ok);
        let served = scene.transaction(&scene.me, &body).await?;
        if served.is_ok() {
            return Err(Stop::failed(format!(
                "a schema of the tenant's name, with another's mark, was served: {sql}"
            )));
        }
    }
    Ok(())
}
