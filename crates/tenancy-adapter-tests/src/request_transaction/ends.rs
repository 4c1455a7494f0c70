//! How a request's transaction ends, and what is there then.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tenancy_core::{Ending, NoRequestTransaction, NotSaved, OpenScope};
use tenancy_postgres_pool::Error as PoolError;

use super::scene::{Scene, each, refused, session, value};
use crate::{Adapted, until};

/// The database's, or the pool's, reason why it was not committed.
fn reason<A: Adapted>(ended: Result<(), NotSaved>, is: impl Fn(&PoolError) -> bool) {
    match ended {
        Err(NotSaved::Commit(why)) => {
            assert!(A::pool_error(&why).is_some_and(is), "{why:?}");
        }
        other => panic!("{other:?}"),
    }
}

/// How a request ends that is not answered with a success.
#[derive(Debug, Clone, Copy)]
enum Unsaved {
    Failed,
    Closed,
    Dropped,
    /// After the future that was to save it, before that had begun.
    DroppedBeforeItWasSaved,
}

/// The pool's one connection goes to the other tenant next, without a row, a setting or a lock of the
/// one before.
///
/// # Panics
/// Where it doesn't.
pub async fn what_is_not_saved_is_gone_and_its_connection_clean<A: Adapted>() {
    const LEFT: [&str; 3] = [
        "SELECT pg_catalog.set_config('application_name', 'left behind', false)",
        "SELECT pg_catalog.pg_advisory_lock(77)::text",
        "PREPARE mine AS SELECT 1",
    ];
    const LOOK: &str = "SELECT pg_catalog.current_setting('application_name') || ' ' || \
        (SELECT count(*) FROM pg_catalog.pg_locks JOIN pg_catalog.pg_database d ON d.oid = database \
            WHERE datname = current_database() AND locktype = 'advisory' AND objid = 77) || ' ' || \
        (SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE name = 'mine')";
    each::<A>(1, async |scene: Scene<A>| {
        let clean = scene.request(1).await;
        let before = value(scene.say(clean.scope(), LOOK).await);
        drop(clean);
        let mut saved = Vec::new();
        for (id, how) in (20_i64..).zip([
            Unsaved::Failed,
            Unsaved::Closed,
            Unsaved::Dropped,
            Unsaved::DroppedBeforeItWasSaved,
        ]) {
            let request = scene.request(0).await;
            scene.add(0, &request, 10).await;
            for left in LEFT {
                scene.say(request.scope(), left).await;
            }
            match how {
                Unsaved::Failed => request.end_transaction(false).await.unwrap(),
                Unsaved::Closed => drop(request.close(Ending::Completed).await),
                Unsaved::Dropped => drop(request),
                Unsaved::DroppedBeforeItWasSaved => drop((request.end_transaction(true), request)),
            }
            scene.has(0, &[]).await;
            let next = scene.request(1).await;
            let after = value(scene.say(next.scope(), LOOK).await);
            assert_eq!(after, before, "{how:?}");
            drop(next);
            scene.the_next_tenant_is_served(&saved, id).await;
            saved.push(id);
        }
        scene.has(0, &[]).await;
    })
    .await;
}

/// A failed statement whose error nobody minded is no success.
///
/// # Panics
/// Where anything is saved.
pub async fn an_error_that_was_passed_over_is_not_saved<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        let request = scene.request(0).await;
        scene.add(0, &request, 10).await;
        passed_over(&scene, &request, "SELECT 1 / 0").await;
        let ended = request.end_transaction(true).await;
        reason::<A>(ended, |why| matches!(why, PoolError::TransactionFailed));
        drop(request);
        scene.has(0, &[]).await;
        scene.the_next_tenant_is_served(&[], 20).await;

        // In a savepoint it is fine, and so is taking it back.
        let request = scene.request(0).await;
        scene.add(0, &request, 11).await;
        scene.say(request.scope(), "SAVEPOINT a").await;
        passed_over(&scene, &request, "SELECT 1 / 0").await;
        scene.say(request.scope(), "ROLLBACK TO SAVEPOINT a").await;
        request.end_transaction(true).await.unwrap();
        scene.has(0, &[11]).await;
        drop(request);
        let request = scene.request(0).await;
        scene.add(0, &request, 12).await;
        passed_over(&scene, &request, "SELECT 1 / 0").await;
        request.end_transaction(false).await.unwrap();
        drop(request);
        scene.has(0, &[11]).await;
        scene.the_next_tenant_is_served(&[20], 21).await;
    })
    .await;
}

async fn passed_over<A: Adapted>(scene: &Scene<A>, request: &OpenScope, sql: &str) {
    let mut tx = scene
        .pool
        .request_transaction(request.scope())
        .await
        .unwrap();
    let failed = session::<A>(&mut tx).simple(sql).await;
    failed.unwrap_err();
}

/// A raw `COMMIT` or `ROLLBACK` ends the scope with the transaction: nothing more is read or written,
/// and the answer is no success. What stood before a raw `COMMIT` is saved.
///
/// # Panics
/// Where it is otherwise.
pub async fn sql_that_ends_it_itself_is_found_out<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        let mut kept = Vec::new();
        let ends = ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK; BEGIN"];
        for (id, (end, save)) in
            (10_i64..).zip(ends.into_iter().flat_map(|end| [(end, true), (end, false)]))
        {
            let request = scene.request(0).await;
            scene.add(0, &request, id).await;
            let mut tx = scene
                .pool
                .request_transaction(request.scope())
                .await
                .unwrap();
            let mut db = session::<A>(&mut tx);
            db.simple(end).await.unwrap();
            let after = db.simple(&scene.insert(0, 90)).await;
            assert!(after.is_err(), "{end}");
            let _over = db.simple("ROLLBACK").await;
            drop(db);
            drop(tx);
            let ended = request.end_transaction(save).await;
            if save {
                reason::<A>(ended, |why| matches!(why, PoolError::TransactionOver));
            } else {
                ended.unwrap();
            }
            drop(request);
            if end.starts_with("COMMIT") {
                kept.push(id);
            }
            scene.has(0, &kept).await;
        }
        scene.the_next_tenant_is_served(&[], 20).await;
    })
    .await;
}

/// What the database finds only at the commit keeps the answer from being a success, and its reason
/// shows no row.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_deferred_constraint_keeps_it_from_being_saved<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        let constraint = "ALTER TABLE conformance.comments \
             ALTER CONSTRAINT comments_tenant_id_note_id_fkey DEFERRABLE INITIALLY DEFERRED";
        scene.judge().batch_execute(constraint).await.unwrap();
        let comment = "INSERT INTO conformance.comments (id, note_id, body) \
             VALUES (1, 424242, 'of no note')";
        let request = scene.request(0).await;
        scene.add(0, &request, 10).await;
        scene.say(request.scope(), comment).await;
        let ended = request.end_transaction(true).await;
        assert!(!format!("{ended:?}").contains("424242"), "{ended:?}");
        reason::<A>(ended, |why| matches!(why, PoolError::Commit(_)));
        // It does not become a success by being asked for again.
        scene.has(0, &[]).await;
        drop(request);
        scene.the_next_tenant_is_served(&[], 20).await;

        // With the note that it is of, in the order that the constraint is deferred for.
        let request = scene.request(0).await;
        scene.say(request.scope(), comment).await;
        scene.add(0, &request, 424_242).await;
        request.end_transaction(true).await.unwrap();
        scene.has(0, &[424_242]).await;
    })
    .await;
}

/// The server's process is killed between two who ask: nothing is saved, and the pool makes another.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_server_process_that_dies_takes_it_along<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        let mut saved = Vec::new();
        for (id, (asks_again, save)) in
            (20_i64..).zip([(false, true), (true, true), (false, false), (true, false)])
        {
            let request = scene.request(0).await;
            scene.add(0, &request, 10).await;
            let pid = "SELECT pg_catalog.pg_backend_pid()::text";
            let pid = value(scene.say(request.scope(), pid).await);
            let kill = format!("SELECT pg_terminate_backend({pid}, 5000)");
            scene.judge().batch_execute(&kill).await.unwrap();
            if asks_again {
                passed_over(&scene, &request, &scene.insert(0, 11)).await;
            }
            match (save, request.end_transaction(save).await) {
                (true, Err(NotSaved::Commit(_))) | (false, Ok(())) => {}
                (_, other) => panic!("{other:?}"),
            }
            drop(request);
            scene.has(0, &[]).await;
            scene.the_next_tenant_is_served(&saved, id).await;
            saved.push(id);
        }
    })
    .await;
}

/// A query's future is dropped in its midst, as by a time limit in a handler: the rest is saved as a
/// whole or not at all, as is said, and the next tenant finds nothing of it.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_query_given_up_midway_leaves_nothing_to_the_next_tenant<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        let judge = scene.judge();
        let (mut kept, mut others) = (Vec::new(), Vec::new());
        for (id, end) in (10_i64..).zip([Some(true), Some(false), None]) {
            judge
                .batch_execute("SELECT pg_advisory_lock(88)")
                .await
                .unwrap();
            let request = scene.request(0).await;
            scene.add(0, &request, id).await;
            let mut tx = scene
                .pool
                .request_transaction(request.scope())
                .await
                .unwrap();
            let mut db = session::<A>(&mut tx);
            {
                let waits = "SELECT pg_catalog.pg_advisory_xact_lock(88)::text";
                let mut query = db.simple(waits);
                let arrived = until("the query to wait", async || {
                    let sql = "SELECT count(*) FROM pg_locks \
                         WHERE locktype = 'advisory' AND NOT granted AND database = \
                         (SELECT oid FROM pg_database WHERE datname = current_database())";
                    let waiting: i64 = judge.query_one(sql, &[]).await.unwrap().get(0);
                    waiting == 1
                });
                tokio::select! {
                    answer = &mut query => panic!("{answer:?}"),
                    () = arrived => {}
                }
            }
            drop(db);
            drop(tx);
            judge
                .batch_execute("SELECT pg_advisory_unlock(88)")
                .await
                .unwrap();
            match end {
                None => {}
                Some(save) => {
                    let ended = request.end_transaction(save).await;
                    if save && ended.is_ok() {
                        kept.push(id);
                    }
                    assert!(save || ended.is_ok(), "{ended:?}");
                }
            }
            drop(request);
            scene.the_next_tenant_is_served(&others, id).await;
            others.push(id);
            scene.has(0, &kept).await;
        }
    })
    .await;
}

/// Whoever panics with a handle in hand has given the transaction up: it can't be had again, and it is
/// not saved, though the handler went on to a success.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_panic_gives_it_up<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        for (id, save) in [(20, true), (21, false)] {
            let request = scene.request(0).await;
            scene.add(0, &request, 10).await;
            let panics = async {
                let mut tx = scene
                    .pool
                    .request_transaction(request.scope())
                    .await
                    .unwrap();
                let insert = scene.insert(0, 11);
                session::<A>(&mut tx).simple(&insert).await.unwrap();
                panic!("on purpose");
            };
            let caught = AssertUnwindSafe(panics).catch_unwind().await;
            assert!(caught.is_err());
            let again = scene.pool.request_transaction(request.scope()).await;
            assert_eq!(refused::<A>(again), NoRequestTransaction::GivenUp);
            // Its connection is free before the request is answered.
            scene.all_back().await;
            match (save, request.end_transaction(save).await) {
                (true, Err(NotSaved::GivenUp)) | (false, Ok(())) => {}
                (_, other) => panic!("{other:?}"),
            }
            drop(request);
            scene.has(0, &[]).await;
            let before: Vec<i64> = (20..id).collect();
            scene.the_next_tenant_is_served(&before, id).await;
        }
    })
    .await;
}

/// A handle that is held when the answer begins, as by a task that was given a ticket: the answer is no
/// success, and what is still written is never saved.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_handle_that_is_held_too_long_keeps_it_from_being_saved<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        for (id, save) in [(20, true), (21, false)] {
            let request = scene.request(0).await;
            let ticket = request.scope().ticket();
            let mut held = scene.pool.request_transaction(&ticket).await.unwrap();
            let insert = scene.insert(0, 10);
            session::<A>(&mut held).simple(&insert).await.unwrap();
            match (save, request.end_transaction(save).await) {
                (true, Err(NotSaved::InUse)) | (false, Ok(())) => {}
                (_, other) => panic!("{other:?}"),
            }
            let insert = scene.insert(0, 11);
            session::<A>(&mut held).simple(&insert).await.unwrap();
            let seen = scene.seen(&mut *session::<A>(&mut held)).await;
            assert_eq!(seen, scene.own(0, &[10, 11]));
            drop(request);
            scene.has(0, &[]).await;
            drop(held);
            scene.all_back().await;
            scene.has(0, &[]).await;
            let before: Vec<i64> = (20..id).collect();
            scene.the_next_tenant_is_served(&before, id).await;
        }
    })
    .await;
}
