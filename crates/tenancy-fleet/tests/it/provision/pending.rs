//! Places that are made ahead of need.

use tenancy_core::TenantStatus;
use tenancy_fleet::provision::{Confirmed, ProvisionError};
use tenancy_fleet::registry::Provisioning;
use tenancy_fleet::site::SiteError;

use super::furnished::until_asleep;
use super::ground::{Ground, Kind};
use super::{on_every_site, set, set_with};
use crate::registry::cancelled::polled;
use crate::registry::{ada, id};

on_every_site!(
    a_sign_up_takes_one,
    what_was_left_half_made_is_finished,
    a_sign_up_that_is_broken_off_keeps_its_place,
    a_place_that_somebody_else_marked_is_not_taken,
    sign_ups_at_once_take_different_places,
    who_left_before_it_was_handed_over_is_gone,
    places_too_many_are_removed,
    what_is_behind_is_brought_up_to_date,
    what_is_worked_on_is_nobodys,
);

async fn a_sign_up_takes_one(ground: Ground) {
    let filled = ground.fleet.fill_pending(2).await;
    if ground.is_sqlite() {
        assert!(matches!(
            filled.unwrap_err(),
            ProvisionError::Site(SiteError::Strategy { .. })
        ));
        ground.fleet.onboard(&id("acme"), &ada()).await.unwrap();
        return;
    }
    let filled = filled.unwrap();
    assert_eq!((filled.ready, filled.made), (2, 2));
    assert_eq!(ground.fleet.fill_pending(2).await.unwrap().made, 0);

    for (number, left) in [(1, 1), (2, 0), (3, 0)] {
        let tenant = id(&format!("t{number}"));
        let made = ground.fleet.onboard(&tenant, &ada()).await.unwrap();
        assert_eq!(made.status(), TenantStatus::Active);
        assert_eq!(made.provisioning(), Provisioning::Ready);
        assert_eq!(ground.fleet.pending().await.unwrap(), left);
        ground.furnish(&tenant, &format!("of {tenant}")).await;
        let ahead = made
            .placement()
            .unwrap()
            .credential()
            .unwrap()
            .contains("p-");
        assert_eq!(ahead, number < 3);
    }
    // Each has its own, and reaches no other.
    for own in 1..=3 {
        let own = id(&format!("t{own}"));
        let mut login = ground.login(&own, &own).await.unwrap();
        assert_eq!(
            login.texts("SELECT title FROM notes").await,
            format!("of {own}\n")
        );
        for other in 1..=3 {
            let other = id(&format!("t{other}"));
            if own == other {
                continue;
            }
            if let Ok(mut there) = ground.login(&own, &other).await {
                assert!(there.try_run("SELECT title FROM notes").await.is_err());
            }
        }
    }
    // Its life goes on as any other's.
    let tenant = id("t1");
    ground.fleet.rotate_password(&tenant, &ada()).await.unwrap();
    ground.login(&tenant, &tenant).await.unwrap();
    let confirmed = Confirmed::new(&tenant, "t1").unwrap();
    ground
        .fleet
        .offboard(&tenant, &confirmed, &ada())
        .await
        .unwrap();
    assert_eq!(ground.things(&tenant).await, 0);
    ground.clear().await;
}

async fn what_was_left_half_made_is_finished(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    for polls in (0..12).map(|round| 1 + round * 7 % 40) {
        let before = ground.fleet.pending().await.unwrap();
        let _ = polled(polls, ground.fleet.fill_pending(before + 1)).await;
        let filled = ground.fleet.fill_pending(before + 1).await.unwrap();
        assert_eq!(filled.ready, before + 1, "after {polls} polls");
    }
    let tenant = id("acme");
    ground.fleet.onboard(&tenant, &ada()).await.unwrap();
    ground.login(&tenant, &tenant).await.unwrap();
    ground.clear().await;
}

async fn a_sign_up_that_is_broken_off_keeps_its_place(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    let mut taken = 0;
    for number in 1..80 {
        let polls = 1 + number * 7 % 30;
        let tenant = id(&format!("t{number}"));
        ground.fleet.fill_pending(1).await.unwrap();
        let actor = ada();
        let whole = polled(polls, Box::pin(ground.fleet.onboard(&tenant, &actor))).await;
        let recorded = ground.registry.get(&tenant).await.unwrap();
        // Half of them leave instead of coming back: nothing of them stays.
        if number % 2 == 0 && recorded.is_some() {
            let confirmed = Confirmed::new(&tenant, tenant.as_str()).unwrap();
            let gone = ground.fleet.offboard(&tenant, &confirmed, &ada()).await;
            assert_eq!(gone.unwrap().provisioning(), Provisioning::Removed);
            assert_eq!(ground.things(&tenant).await, 0);
        } else {
            if let Some(entry) = &recorded
                && entry.provisioning() == Provisioning::Running
            {
                taken += 1;
                assert_ne!(entry.status(), TenantStatus::Active);
            }
            if whole.is_none() {
                match ground.fleet.onboard(&tenant, &ada()).await {
                    Ok(made) => assert_eq!(made.status(), TenantStatus::Active),
                    Err(error) => assert!(error.to_string().contains("has this id"), "{error}"),
                }
            }
            ground.login(&tenant, &tenant).await.unwrap();
            assert_eq!(ground.things(&tenant).await, 2);
        }
        if taken > 3 {
            break;
        }
    }
    assert!(taken > 0, "none was broken off half way");
    ground.clear().await;
}

async fn a_place_that_somebody_else_marked_is_not_taken(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    ground.fleet.fill_pending(1).await.unwrap();
    let mut admin = ground.admin().await;
    let like = format!("{}p-%", ground.prefix);
    let (find, mark) = match ground.kind {
        Kind::Databases => (
            "SELECT datname::text FROM pg_database WHERE datname LIKE",
            "COMMENT ON DATABASE \"{}\" IS",
        ),
        Kind::Schemas => (
            "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE",
            "COMMENT ON SCHEMA \"{}\" IS",
        ),
        _ => (
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE",
            "ALTER DATABASE `{}` COMMENT",
        ),
    };
    let name = admin.texts(&format!("{find} '{like}'")).await;
    let mark = mark.replace("{}", name.trim());
    admin.run(&format!("{mark} 'tenancy: tenant globex'")).await;
    let acme = id("acme");
    let refused = ground.fleet.onboard(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Site(SiteError::NotOurs));
    let entry = ground.registry.get(&acme).await.unwrap().unwrap();
    assert_eq!(entry.status(), TenantStatus::Provisioning);
    let refused = ground.fleet.provision(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Site(SiteError::NotOurs));
    // When it is back as it was, the tenant has it.
    let from = name.trim().strip_prefix(&ground.prefix).unwrap();
    admin.run(&format!("{mark} 'tenancy: tenant {from}'")).await;
    ground.fleet.provision(&acme, &ada()).await.unwrap();
    ground.login(&acme, &acme).await.unwrap();
    ground.clear().await;
}

async fn sign_ups_at_once_take_different_places(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    ground.fleet.fill_pending(3).await.unwrap();
    let other = ground.another().await;
    let signups = (0..5).map(|number| {
        let fleet = if number % 2 == 0 {
            &ground.fleet
        } else {
            &other
        };
        async move { fleet.onboard(&id(&format!("t{number}")), &ada()).await }
    });
    let made = futures_util::future::join_all(signups).await;
    let mut places: Vec<String> = Vec::new();
    for entry in made {
        let entry = entry.unwrap();
        assert_eq!(entry.status(), TenantStatus::Active);
        places.push(entry.placement().unwrap().credential().unwrap().to_owned());
    }
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 5);
    assert_eq!(ground.fleet.pending().await.unwrap(), 0);
    ground.clear().await;
}

async fn who_left_before_it_was_handed_over_is_gone(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    ground.fleet.fill_pending(1).await.unwrap();
    let acme = id("acme");
    let made = ground.fleet.onboard(&acme, &ada()).await.unwrap();
    // As it is where a sign-up was killed between the registry and the server.
    let place = made.placement().unwrap();
    let login = place.credential().unwrap();
    let from = login.strip_prefix(&ground.prefix).unwrap();
    let mark = format!("'tenancy: tenant {from}'");
    let mut admin = ground.admin().await;
    match ground.kind {
        Kind::Databases => {
            let name = place.database_name().unwrap();
            admin
                .run(&format!("COMMENT ON DATABASE \"{name}\" IS {mark}"))
                .await;
            admin
                .run(&format!("COMMENT ON ROLE \"{login}\" IS {mark}"))
                .await;
        }
        Kind::Schemas => {
            let name = place.schema_name().unwrap();
            admin
                .run(&format!("COMMENT ON SCHEMA \"{name}\" IS {mark}"))
                .await;
            admin
                .run(&format!("COMMENT ON ROLE \"{login}\" IS {mark}"))
                .await;
        }
        _ => {
            let name = place.database_name().unwrap();
            admin
                .run(&format!("ALTER DATABASE `{name}` COMMENT {mark}"))
                .await;
        }
    }
    let confirmed = Confirmed::new(&acme, "acme").unwrap();
    ground
        .fleet
        .offboard(&acme, &confirmed, &ada())
        .await
        .unwrap();
    assert_eq!(ground.things(&acme).await, 0);
}

async fn places_too_many_are_removed(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    ground.fleet.fill_pending(3).await.unwrap();
    let left = ground.fleet.empty_pending(1).await.unwrap();
    assert_eq!(left.ready, 1);
    assert_eq!(ground.fleet.pending().await.unwrap(), 1);
    let acme = id("acme");
    ground.fleet.onboard(&acme, &ada()).await.unwrap();
    ground.fleet.empty_pending(0).await.unwrap();
    // What a tenant has is no longer a pending place.
    ground.login(&acme, &acme).await.unwrap();
    let mut admin = ground.admin().await;
    let sql = match ground.kind {
        Kind::Mariadb => "SELECT CAST(COUNT(*) AS SIGNED) FROM mysql.user WHERE User LIKE",
        _ => "SELECT count(*) FROM pg_roles WHERE rolname LIKE",
    };
    let logins = admin.number(&format!("{sql} '{}p-%'", ground.prefix)).await;
    assert_eq!(logins, 1);
    ground.clear().await;
}

async fn what_is_behind_is_brought_up_to_date(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    let first = ground.fleet.clone().migrations(set(1));
    let second = ground.fleet.clone().migrations(set(2));
    first.fill_pending(2).await.unwrap();
    // A sign-up after a deployment, before the places were seen to.
    let made = second.onboard(&id("acme"), &ada()).await.unwrap();
    assert_eq!(made.applied_version(), Some(2));
    let filled = second.fill_pending(1).await.unwrap();
    assert_eq!((filled.ready, filled.made), (1, 1));
    let made = second.onboard(&id("globex"), &ada()).await.unwrap();
    assert_eq!(made.applied_version(), Some(2));
    for tenant in [id("acme"), id("globex")] {
        let mut login = ground.login(&tenant, &tenant).await.unwrap();
        login.run("INSERT INTO t1 VALUES (1)").await;
        login.run("INSERT INTO t2 VALUES (1)").await;
    }
    ground.clear().await;
}

async fn what_is_worked_on_is_nobodys(ground: Ground) {
    let slow = match ground.kind {
        Kind::Sqlite(_) => return,
        Kind::Mariadb => "DO SLEEP(5)",
        _ => "SELECT pg_sleep(5)",
    };
    ground.fleet.fill_pending(1).await.unwrap();
    let slow = ground.fleet.clone().migrations(set_with(1, slow));
    // A sign-up while the place is brought up to date has another one.
    let signing_up = async {
        until_asleep(&ground).await;
        ground.fleet.onboard(&id("acme"), &ada()).await.unwrap()
    };
    let (filled, made) = futures_util::future::join(slow.fill_pending(1), signing_up).await;
    assert_eq!(filled.unwrap().ready, 1);
    let login = made.placement().unwrap().credential().unwrap().to_owned();
    assert!(!login.contains("p-"), "{login}");
    ground.login(&id("acme"), &id("acme")).await.unwrap();
    ground.clear().await;
}
