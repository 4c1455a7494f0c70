//! Who shares a request's transaction, and who doesn't.

use tenancy_core::Availability;

use super::scene::{Scene, each, each_in, session, value};
use crate::Adapted;
use crate::read_only::TIERS;

const XACT: &str = "SELECT pg_catalog.pg_current_xact_id()::text";

/// Two who ask have one transaction, and see what either wrote; a connection beside it, the judge and
/// the other tenant don't, until it is saved.
///
/// # Panics
/// Where it is otherwise.
pub async fn all_who_ask_share_one_and_nobody_else_sees_it<A: Adapted>() {
    each_in::<A>(&TIERS, 2, async |scene: Scene<A>| {
        let request = scene.request(0).await;
        let scope = request.scope();
        let first = {
            let mut tx = scene.pool.request_transaction(scope).await.unwrap();
            let mut session = session::<A>(&mut tx);
            session.simple(&scene.insert(0, 10)).await.unwrap();
            value(session.simple(XACT).await.unwrap())
        };
        assert_eq!(value(scene.say(scope, XACT).await), first);
        assert_eq!(scene.seen_by(&request).await, scene.own(0, &[10]));
        // A clone of the pool is that pool.
        let pool = scene.pool.clone();
        let mut tx = pool.request_transaction(scope).await.unwrap();
        let again = session::<A>(&mut tx).simple(XACT).await.unwrap();
        assert_eq!(value(again), first);
        drop(tx);

        let mut beside = scene.pool.acquire(scope).await.unwrap();
        assert_eq!(scene.seen(&mut *beside).await, scene.own(0, &[]));
        scene.has(0, &[]).await;
        assert_eq!(scene.pool.status().in_use, 2);
        assert!(request.has_transaction());

        request.end_transaction(true).await.unwrap();
        assert!(!request.has_transaction());
        assert_eq!(scene.seen(&mut *beside).await, scene.own(0, &[10]));
        drop(beside);
        scene.has(0, &[10]).await;
        scene.has(1, &[]).await;
        drop(request);
        scene.all_back().await;
        scene.the_next_tenant_is_served(&[], 10).await;
        scene.has(0, &[10]).await;
    })
    .await;
}

/// Two tenants' requests, and two of one tenant's, in turn on one pool: each has a transaction of its
/// own, with its own rows alone.
///
/// # Panics
/// Where it is otherwise.
pub async fn two_requests_at_once_each_have_their_own<A: Adapted>() {
    each::<A>(2, async |scene: Scene<A>| {
        let requests = [scene.request(0).await, scene.request(1).await];
        for id in 10..15 {
            for (at, request) in requests.iter().enumerate() {
                let before: Vec<i64> = (10..id).collect();
                assert_eq!(scene.seen_by(request).await, scene.own(at, &before));
                scene.add(at, request, id).await;
            }
        }
        let saved: Vec<i64> = (10..15).collect();
        for (at, request) in requests.iter().enumerate() {
            scene.has(at, &[]).await;
            request.end_transaction(true).await.unwrap();
            scene.has(at, &saved).await;
        }
        drop(requests);
        scene.all_back().await;

        // At the same time, with keys that collide; one is saved.
        let [kept, gone] = [scene.request(0).await, scene.request(1).await];
        tokio::join!(scene.add(0, &kept, 20), scene.add(1, &gone, 20));
        let (one, other) = tokio::join!(kept.end_transaction(true), gone.end_transaction(false));
        one.unwrap();
        other.unwrap();
        drop((kept, gone));
        scene.has(0, &[&saved[..], &[20]].concat()).await;
        scene.has(1, &saved).await;

        // The same tenant twice.
        let [first, second] = [scene.request(0).await, scene.request(0).await];
        let xact = value(scene.say(first.scope(), XACT).await);
        assert_ne!(value(scene.say(second.scope(), XACT).await), xact);
        scene.add(0, &first, 30).await;
        let seen = scene.seen_by(&second).await;
        assert_eq!(seen, scene.own(0, &[&saved[..], &[20]].concat()));
        second.end_transaction(true).await.unwrap();
        assert!(first.has_transaction());
        first.end_transaction(false).await.unwrap();
        scene.has(0, &[&saved[..], &[20]].concat()).await;
    })
    .await;
}

/// A read-only tenant's request has a transaction that the database lets read, and no more.
///
/// # Panics
/// Where it writes.
pub async fn a_read_only_request_only_reads<A: Adapted>() {
    each_in::<A>(&TIERS, 1, async |scene: Scene<A>| {
        let until = None;
        let tenancy = scene.world.serving(Availability::ReadOnly { until });
        for before in ["SELECT 1", "SET TRANSACTION READ WRITE"] {
            let request = scene.request_of(&tenancy, 0).await.with_transaction();
            assert!(request.scope().is_read_only());
            assert_eq!(scene.seen_by(&request).await, scene.own(0, &[]));
            let mut tx = scene
                .pool
                .request_transaction(request.scope())
                .await
                .unwrap();
            let mut db = session::<A>(&mut tx);
            let _either = db.simple(before).await;
            assert!(db.simple(&scene.insert(0, 10)).await.is_err(), "{before}");
            drop(db);
            drop(tx);
            request.end_transaction(true).await.unwrap_err();
            drop(request);
            scene.has(0, &[]).await;

            let request = scene.request_of(&tenancy, 0).await.with_transaction();
            assert_eq!(scene.seen_by(&request).await, scene.own(0, &[]));
            request.end_transaction(true).await.unwrap();
        }
        scene.the_next_tenant_is_served(&[], 10).await;
    })
    .await;
}
