//! The look-up cache, raced.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use tenancy_core::{
    CacheOptions, CustomDomain, Error, MemoryStore, Refusal, SetByTrustedProxy, StoreError,
    Tenancy, TenantId, TenantStatus,
};

use crate::support::{Fake, Watched, domain, id, tenant, visit};

fn tenancy(store: &Watched, options: CacheOptions) -> Tenancy {
    Tenancy::builder(store.clone())
        .resolve(SetByTrustedProxy(CustomDomain::except("service.example")))
        .trust_resolution()
        .cache(options)
        .build()
}

fn acme() -> MemoryStore {
    MemoryStore::new([tenant("acme")])
}

/// Polls once.
fn begin(future: &mut std::pin::Pin<&mut impl Future>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(
        matches!(future.as_mut().poll(&mut cx), Poll::Pending),
        "it should wait"
    );
}

async fn by_domain(tenancy: &Tenancy, host: &str) -> Result<TenantId, Error> {
    let open = tenancy.open_request(&Fake::host(host)).await?;
    Ok(open.scope().tenant_id().clone())
}

fn is_suspended(result: &Result<(), Error>) -> bool {
    matches!(
        result,
        Err(Error::Refused(Refusal::NotActive(TenantStatus::Suspended)))
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_tasks_are_one_look_up() {
    let store = Watched::shut(&acme());
    let tenancy = tenancy(&store, CacheOptions::default());
    let tasks: Vec<_> = (0..4_000)
        .map(|_| {
            let tenancy = tenancy.clone();
            tokio::spawn(async move { visit(&tenancy, "acme").await })
        })
        .collect();
    while store.by_id() == 0 {
        tokio::task::yield_now().await;
    }
    store.open_door();
    for task in join_all(tasks).await {
        task.unwrap().unwrap();
    }
    assert_eq!(store.by_id(), 1);
}

#[tokio::test]
async fn all_waiters_share_a_failure_and_nobody_remembers_it() {
    let store = Watched::shut(&acme());
    store.fail(true);
    let tenancy = tenancy(&store, CacheOptions::default());
    let mut waiting: Vec<_> = (0..1_000)
        .map(|_| Box::pin(visit(&tenancy, "acme")))
        .collect();
    for waiter in &mut waiting {
        begin(&mut waiter.as_mut());
    }
    store.open_door();
    for answer in join_all(waiting).await {
        let failed = matches!(answer, Err(Error::Store(StoreError::Unavailable { .. })));
        assert!(failed, "{answer:?}");
    }
    assert_eq!(store.by_id(), 1);
    store.fail(false);
    assert!(visit(&tenancy, "acme").await.is_ok());
    assert_eq!(store.by_id(), 2);
}

#[tokio::test]
async fn an_invalidation_beats_the_load_under_way() {
    let tenants = acme();
    let store = Watched::shut(&tenants);
    let tenancy = tenancy(&store, CacheOptions::default());

    let mut early = pin!(visit(&tenancy, "acme"));
    begin(&mut early); // has read "active", and is held back
    tenants
        .set_status(&id("acme"), TenantStatus::Suspended)
        .unwrap();
    tenancy.invalidate(&id("acme"));

    let mut late = pin!(visit(&tenancy, "acme"));
    begin(&mut late);
    assert_eq!(
        store.by_id(),
        2,
        "a look-up after the invalidation must not join the old one"
    );
    store.open_door();
    assert!(is_suspended(&late.await));
    assert!(
        is_suspended(&early.await),
        "what was read before the invalidation is thrown away"
    );
    assert!(
        is_suspended(&visit(&tenancy, "acme").await),
        "and is remembered by nobody"
    );
    assert_eq!(store.by_id(), 2);
}

#[tokio::test]
async fn an_old_load_that_lands_last_is_not_remembered() {
    let tenants = acme();
    let store = Watched::shut(&tenants);
    let tenancy = tenancy(&store, CacheOptions::default());
    let mut early = pin!(visit(&tenancy, "acme"));
    begin(&mut early);
    tenants
        .set_status(&id("acme"), TenantStatus::Suspended)
        .unwrap();
    tenancy.invalidate_all();
    // The new load lands first: the semaphore is fair, so the old one's permit comes first, and it
    // is not polled before the end.
    let mut late = pin!(visit(&tenancy, "acme"));
    begin(&mut late);
    store.let_pass(2);
    assert!(is_suspended(&late.as_mut().await));
    store.open_door();
    assert!(is_suspended(&early.await));
    assert!(is_suspended(&visit(&tenancy, "acme").await));
}

#[tokio::test]
async fn a_cancelled_waiter_holds_up_nobody() {
    let store = Watched::shut(&acme());
    let tenancy = tenancy(&store, CacheOptions::default());
    let mut first = Box::pin(visit(&tenancy, "acme"));
    begin(&mut first.as_mut());
    let mut second = pin!(visit(&tenancy, "acme"));
    begin(&mut second);
    drop(first);
    store.open_door();
    second.await.unwrap();
    assert_eq!(store.by_id(), 1, "the load goes on for who is left");
}

#[tokio::test]
async fn a_load_that_nobody_waits_for_is_gone() {
    let store = Watched::shut(&acme());
    let tenancy = tenancy(&store, CacheOptions::default());
    for _ in 0..3 {
        let mut alone = Box::pin(visit(&tenancy, "acme"));
        begin(&mut alone.as_mut());
    }
    assert_eq!(store.by_id(), 3);
    store.open_door();
    visit(&tenancy, "acme").await.unwrap();
    assert_eq!(store.by_id(), 4);
}

#[tokio::test]
async fn a_waiter_that_is_never_polled_again_holds_up_nobody() {
    let store = Watched::shut(&acme());
    let tenancy = tenancy(&store, CacheOptions::default());
    let mut asleep = pin!(visit(&tenancy, "acme"));
    begin(&mut asleep);
    store.open_door();
    let awake = tokio::time::timeout(Duration::from_secs(20), visit(&tenancy, "acme"));
    awake
        .await
        .expect("the waiter that sleeps must not hold the load")
        .unwrap();
    assert_eq!(store.by_id(), 1);
    asleep.await.unwrap();
}

#[tokio::test]
async fn a_flood_of_unknown_ids_pushes_out_no_tenant_and_is_bounded() {
    let store = Watched::new(&acme());
    let tenancy = tenancy(
        &store,
        CacheOptions::default().capacity(10).negative_capacity(100),
    );
    visit(&tenancy, "acme").await.unwrap();
    for number in 0..20_000 {
        let unknown = visit(&tenancy, &format!("unknown-{number}")).await;
        assert!(matches!(unknown, Err(Error::Refused(Refusal::Unknown))));
        if number % 1_000 == 0 {
            visit(&tenancy, "acme").await.unwrap();
        }
    }
    visit(&tenancy, "acme").await.unwrap();
    assert_eq!(store.by_id(), 20_001, "the tenant was looked up once");

    // Asking for all of them again finds only a bounded number remembered.
    for number in 0..20_000 {
        visit(&tenancy, &format!("unknown-{number}"))
            .await
            .unwrap_err();
    }
    let remembered = 40_001 - store.by_id();
    assert!(
        remembered <= 1_000,
        "{remembered} unknown ids were remembered"
    );
}

#[tokio::test]
async fn an_unknown_id_is_remembered_until_invalidated() {
    let tenants = acme();
    let store = Watched::new(&tenants);
    let tenancy = tenancy(&store, CacheOptions::default());
    for _ in 0..3 {
        visit(&tenancy, "beta").await.unwrap_err();
    }
    assert_eq!(store.by_id(), 1);
    tenants.insert(tenant("beta")).unwrap();
    tenancy.invalidate(&id("beta"));
    visit(&tenancy, "beta").await.unwrap();
}

#[tokio::test]
async fn a_change_is_seen_when_the_time_is_over() {
    let tenants = acme();
    let store = Watched::new(&tenants);
    let options = CacheOptions::default()
        .time_to_live(Duration::from_millis(50))
        .negative_time_to_live(Duration::from_millis(50));
    let tenancy = tenancy(&store, options);
    visit(&tenancy, "acme").await.unwrap();
    visit(&tenancy, "beta").await.unwrap_err();
    tenants
        .set_status(&id("acme"), TenantStatus::Suspended)
        .unwrap();
    tenants.insert(tenant("beta")).unwrap();
    for _ in 0..1_000 {
        if is_suspended(&visit(&tenancy, "acme").await) && visit(&tenancy, "beta").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the change was never seen");
}

#[tokio::test]
async fn a_disabled_cache_asks_each_time() {
    let tenants = acme();
    let store = Watched::new(&tenants);
    let tenancy = tenancy(&store, CacheOptions::disabled());
    visit(&tenancy, "acme").await.unwrap();
    tenants
        .set_status(&id("acme"), TenantStatus::Suspended)
        .unwrap();
    assert!(is_suspended(&visit(&tenancy, "acme").await));
    assert_eq!(store.by_id(), 2);
}

#[tokio::test]
async fn domains_are_remembered_and_forgotten_with_their_tenant() {
    let tenants = MemoryStore::new([tenant("acme"), tenant("beta")]);
    let shop = domain("shop.example");
    tenants.add_domain(&id("acme"), &shop).unwrap();
    let store = Watched::new(&tenants);
    let tenancy = tenancy(&store, CacheOptions::default());
    for _ in 0..3 {
        assert_eq!(
            by_domain(&tenancy, "shop.example").await.unwrap(),
            id("acme")
        );
    }
    assert_eq!((store.by_domain(), store.by_id()), (1, 1));

    // Moved: the former owner's invalidation is enough.
    tenants.remove_domain(&id("acme"), &shop).unwrap();
    tenants.add_domain(&id("beta"), &shop).unwrap();
    tenancy.invalidate(&id("acme"));
    assert_eq!(
        by_domain(&tenancy, "shop.example").await.unwrap(),
        id("beta")
    );
    assert_eq!(
        by_domain(&tenancy, "Shop.Example:8080").await.unwrap(),
        id("beta")
    );

    // An unknown domain becomes known with its tenant's invalidation.
    for _ in 0..2 {
        let unknown = by_domain(&tenancy, "new.example").await;
        assert!(matches!(unknown, Err(Error::Refused(Refusal::Unknown))));
    }
    tenants
        .add_domain(&id("acme"), &domain("new.example"))
        .unwrap();
    tenancy.invalidate(&id("acme"));
    assert_eq!(
        by_domain(&tenancy, "new.example").await.unwrap(),
        id("acme")
    );
}

#[tokio::test]
async fn a_domain_added_to_a_remembered_tenant_is_found() {
    let tenants = acme();
    let store = Watched::new(&tenants);
    let tenancy = tenancy(&store, CacheOptions::default());
    visit(&tenancy, "acme").await.unwrap();
    tenants
        .add_domain(&id("acme"), &domain("shop.example"))
        .unwrap();
    assert_eq!(
        by_domain(&tenancy, "shop.example").await.unwrap(),
        id("acme")
    );
}
