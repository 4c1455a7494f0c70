//! Several processes, one tenant.

use std::time::Duration;

use tenancy_core::{Strategy, TenantStatus};
use tenancy_fleet::provision::{Confirmed, ProvisionError};
use tenancy_fleet::registry::{NewTenant, Provisioning};

use super::ground::{Ground, Kind};
use super::on_every_site;
use crate::registry::{ada, id};

on_every_site!(
    one_makes_it_and_the_others_have_it,
    whoever_comes_second_waits_for_a_bounded_time,
    one_removes_it_and_the_others_see_it_gone,
);

async fn one_makes_it_and_the_others_have_it(ground: Ground) {
    let acme = id("acme");
    let fleets = [
        ground.fleet.clone(),
        ground.another().await,
        ground.another().await,
        ground.another().await,
    ];
    let signups = fleets.map(|fleet| async move { fleet.onboard(&id("acme"), &ada()).await });
    for made in futures_util::future::join_all(signups).await {
        match made {
            Ok(made) => assert_eq!(made.status(), TenantStatus::Active),
            // It was active by the time that it was to be recorded.
            Err(error) => assert!(
                error.to_string().contains("a tenant has this id"),
                "{error}"
            ),
        }
    }
    // Made once: begun once, and finished once.
    let audit = ground.registry.audit(&acme, None, 100).await.unwrap();
    let count = |word: &str| {
        let with = |detail: &str| detail.split(' ').any(|part| part == word);
        audit
            .iter()
            .filter(|entry| entry.detail.as_deref().is_some_and(with))
            .count()
    };
    assert_eq!(
        (count("running"), count("ready"), count("failed")),
        (1, 1, 0)
    );
    ground.clear().await;
}

async fn whoever_comes_second_waits_for_a_bounded_time(ground: Ground) {
    let acme = id("acme");
    let strategy = match ground.kind {
        Kind::Schemas => Strategy::SchemaPerTenant,
        _ => Strategy::DatabasePerTenant,
    };
    let new = NewTenant::new(acme.clone(), strategy);
    ground.registry.create(new, &ada()).await.unwrap();
    // Whoever holds the lock is stopped in mid-work: dropped at some poll, and kept alive.
    let first = ground.another().await;
    let (held, actor) = (id("acme"), ada());
    let mut working = Box::pin(first.provision(&held, &actor));
    loop {
        let polled = tokio::time::timeout(Duration::from_millis(1), &mut working).await;
        assert!(polled.is_err(), "it was done before it could be stopped");
        let entry = ground.registry.get(&acme).await.unwrap().unwrap();
        if entry.provisioning() == Provisioning::Running {
            break;
        }
    }
    let second = ground.another().await.patience(Duration::from_millis(100));
    let refused = second.provision(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Busy);
    // Gone with its process: the next one goes on.
    drop(working);
    let made = ground.fleet.provision(&acme, &ada()).await.unwrap();
    assert_eq!(made.status(), TenantStatus::Active);
    ground.clear().await;
}

async fn one_removes_it_and_the_others_see_it_gone(ground: Ground) {
    let acme = id("acme");
    ground.fleet.onboard(&acme, &ada()).await.unwrap();
    let fleets = [
        ground.fleet.clone(),
        ground.another().await,
        ground.another().await,
    ];
    let removals = fleets.map(|fleet| async move {
        let acme = id("acme");
        let confirmed = Confirmed::new(&acme, "acme").unwrap();
        fleet.offboard(&acme, &confirmed, &ada()).await
    });
    for gone in futures_util::future::join_all(removals).await {
        assert_eq!(gone.unwrap().provisioning(), Provisioning::Removed);
    }
    assert_eq!(ground.things(&acme).await, 0);
}
