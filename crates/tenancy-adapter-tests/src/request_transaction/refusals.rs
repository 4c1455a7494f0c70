//! Who has no transaction of a request's.

use std::time::Duration;

use tenancy_core::{Ending, Error, NoRequestTransaction, TenantScope};
use tenancy_postgres_pool::Error as PoolError;

use super::scene::{Scene, back, each, refused};
use crate::Adapted;

/// Long enough for anything that goes.
const PATIENCE: Duration = Duration::from_secs(20);

/// One handle at a time, of one pool, where it is switched on, until it is over.
///
/// # Panics
/// Where it is otherwise.
pub async fn it_is_refused_to_whoever_may_not_have_it<A: Adapted>() {
    each::<A>(2, async |scene: Scene<A>| {
        let another = scene.another_pool(1, PATIENCE).await;
        for save in [true, false] {
            let request = scene.request(0).await;
            let scope = request.scope();
            let held = scene.pool.request_transaction(scope).await.unwrap();
            for pool in [&scene.pool, &another] {
                let second = pool.request_transaction(scope).await;
                assert_eq!(refused::<A>(second), NoRequestTransaction::InUse);
            }
            drop(held);
            let elsewhere = another.request_transaction(scope).await;
            assert_eq!(refused::<A>(elsewhere), NoRequestTransaction::AnotherPool);
            scene.add(0, &request, if save { 10 } else { 11 }).await;

            request.end_transaction(save).await.unwrap();
            for pool in [&scene.pool, &another] {
                let late = pool.request_transaction(scope).await;
                assert_eq!(refused::<A>(late), NoRequestTransaction::Over);
            }
            scene.has(0, &[10]).await;
            // The answer is streamed from a checkout of its own.
            let mut beside = scene.pool.acquire(scope).await.unwrap();
            assert_eq!(scene.seen(&mut *beside).await, scene.own(0, &[10]));
        }

        // Unbegun, it is over as well; and begun by either pool.
        let request = scene.request(0).await;
        request.end_transaction(true).await.unwrap();
        let late = scene.pool.request_transaction(request.scope()).await;
        assert_eq!(refused::<A>(late), NoRequestTransaction::Over);
        drop(request);
        let request = scene.request(0).await;
        drop(another.request_transaction(request.scope()).await.unwrap());
        let elsewhere = scene.pool.request_transaction(request.scope()).await;
        assert_eq!(refused::<A>(elsewhere), NoRequestTransaction::AnotherPool);
        drop(request);

        // Without the option, and in a worker, nobody would end it.
        let request = scene.request_of(&scene.tenancy, 0).await;
        let off = scene.pool.request_transaction(request.scope()).await;
        assert_eq!(refused::<A>(off), NoRequestTransaction::Off);
        assert!(!request.has_transaction());
        request.end_transaction(true).await.unwrap();
        let off = async |scope: &TenantScope| -> Result<(), Error> {
            let off = scene.pool.request_transaction(scope).await;
            assert_eq!(refused::<A>(off), NoRequestTransaction::Off);
            Ok(())
        };
        scene.tenancy.run(scene.tenant(0), off).await.unwrap();
        scene.has(0, &[10]).await;
        back(&another).await;
        scene.all_back().await;
    })
    .await;
}

/// A ticket opens nothing after its scope has ended, nor inside another tenant's.
///
/// # Panics
/// Where it does.
pub async fn a_scope_that_ended_or_another_one_opens_none<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        let request = scene.request(0).await;
        scene.add(0, &request, 10).await;
        let ticket = request.scope().ticket();
        drop(request.close(Ending::Completed).await);
        let ended = scene.pool.request_transaction(&ticket).await.unwrap_err();
        let ended = A::of_the_scope(&ended);
        assert!(matches!(ended, Some(Error::ScopeEnded)), "{ended:?}");
        scene.has(0, &[]).await;

        for begun in [false, true] {
            let request = scene.request(0).await;
            if begun {
                scene.say(request.scope(), "SELECT 1").await;
            }
            let outer = request.scope().ticket();
            let misuse = async |_: &TenantScope| -> Result<(), Error> {
                let refused = scene.pool.request_transaction(&outer).await.unwrap_err();
                let refused = A::of_the_scope(&refused);
                assert!(matches!(refused, Some(Error::ScopeMismatch)), "{refused:?}");
                Ok(())
            };
            scene.tenancy.run(scene.tenant(1), misuse).await.unwrap();
            // It is nobody's fault but the misuser's.
            assert_eq!(scene.seen_by(&request).await, scene.own(0, &[]));
        }
        scene.the_next_tenant_is_served(&[], 10).await;
    })
    .await;
}

/// Who found no connection in time has begun nothing, and whoever asks next begins.
///
/// # Panics
/// Where it is otherwise.
pub async fn one_that_could_not_be_begun_is_begun_by_the_next_who_asks<A: Adapted>() {
    each::<A>(1, async |scene: Scene<A>| {
        let impatient = scene.another_pool(1, Duration::from_millis(200)).await;
        let (mine, other) = (scene.request(0).await, scene.request(1).await);
        let held = impatient.acquire(other.scope()).await.unwrap();
        let timed_out = impatient.request_transaction(mine.scope()).await;
        let timed_out = timed_out.unwrap_err();
        let why = A::of_the_pool(&timed_out);
        assert!(matches!(why, Some(PoolError::PoolTimedOut)), "{why:?}");
        assert!(mine.has_transaction());
        drop(held);
        // Of whichever pool.
        scene.add(0, &mine, 10).await;
        mine.end_transaction(true).await.unwrap();
        scene.has(0, &[10]).await;
        drop((mine, other));
        scene.the_next_tenant_is_served(&[], 10).await;
    })
    .await;
}
