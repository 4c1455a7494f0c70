//! Every call is dropped at every one of its polls, and called again.

use tenancy_core::TenantStatus;
use tenancy_fleet::provision::Confirmed;
use tenancy_fleet::registry::Provisioning;

use super::ground::{Ground, Kind};
use super::on_every_site;
use crate::registry::cancelled::polled;
use crate::registry::{ada, id};

on_every_site!(
    an_onboarding_goes_on_where_it_was_left,
    a_rotation_is_finished_by_the_next_one,
    an_offboarding_goes_on_where_it_was_left,
);

/// After how many polls each call is dropped: by no pattern, and the last ones are whole.
fn limits(ground: &Ground) -> impl Iterator<Item = usize> {
    let (rounds, most) = match ground.kind {
        Kind::Databases => (14, 60),
        Kind::Sqlite(_) => (30, 25),
        _ => (24, 40),
    };
    (0..rounds)
        .map(move |round| 1 + round * 7 % most)
        .chain([1_000])
}

async fn an_onboarding_goes_on_where_it_was_left(ground: Ground) {
    for (number, polls) in limits(&ground).enumerate() {
        let tenant = id(&format!("t{number}"));
        let actor = ada();
        let whole = polled(polls, Box::pin(ground.fleet.onboard(&tenant, &actor))).await;
        if whole.is_none() {
            // Never active and half made.
            if let Some(entry) = ground.registry.get(&tenant).await.unwrap() {
                let ready = entry.provisioning() == Provisioning::Ready;
                assert_eq!(entry.status() == TenantStatus::Active, ready);
            }
            match ground.fleet.onboard(&tenant, &ada()).await {
                Ok(made) => assert_eq!(made.status(), TenantStatus::Active),
                // All but the answer was there.
                Err(error) => assert!(error.to_string().contains("has this id"), "{error}"),
            }
        }
        let entry = ground.registry.get(&tenant).await.unwrap().unwrap();
        assert_eq!(entry.status(), TenantStatus::Active);
        if !ground.is_sqlite() {
            assert_eq!(ground.things(&tenant).await, 2);
            ground.login(&tenant, &tenant).await.unwrap();
        }
        let confirmed = Confirmed::new(&tenant, tenant.as_str()).unwrap();
        ground
            .fleet
            .offboard(&tenant, &confirmed, &ada())
            .await
            .unwrap();
        assert_eq!(ground.things(&tenant).await, 0);
    }
}

async fn a_rotation_is_finished_by_the_next_one(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    let acme = id("acme");
    ground.fleet.onboard(&acme, &ada()).await.unwrap();
    let mut rotating = 0;
    for polls in (1..20).cycle().take(400) {
        let actor = ada();
        let rotation = ground.fleet.rotate_password(&acme, &actor);
        let _ = polled(polls, rotation).await;
        let entry = ground.registry.get(&acme).await.unwrap().unwrap();
        rotating += usize::from(entry.is_rotating());
        // At each moment one of two credentials is taken, and who is refused asks once more.
        let mut tries = 0;
        while ground.login(&acme, &acme).await.is_err() {
            tries += 1;
            assert!(tries < 2, "neither credential is taken");
        }
        if rotating > 3 {
            break;
        }
    }
    assert!(rotating > 0, "no rotation was broken off half way");
    let entry = ground.fleet.rotate_password(&acme, &ada()).await.unwrap();
    assert!(!entry.is_rotating());
    ground.login(&acme, &acme).await.unwrap();
    ground.clear().await;
}

async fn an_offboarding_goes_on_where_it_was_left(ground: Ground) {
    for (number, polls) in limits(&ground).enumerate() {
        let tenant = id(&format!("t{number}"));
        ground.fleet.onboard(&tenant, &ada()).await.unwrap();
        let confirmed = Confirmed::new(&tenant, tenant.as_str()).unwrap();
        let actor = ada();
        let removing = ground.fleet.offboard(&tenant, &confirmed, &actor);
        let _ = polled(polls, removing).await;
        let gone = ground.fleet.offboard(&tenant, &confirmed, &ada()).await;
        assert_eq!(gone.unwrap().provisioning(), Provisioning::Removed);
        assert_eq!(ground.things(&tenant).await, 0);
    }
}
