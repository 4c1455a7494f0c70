//! Making, migrating and refusing a registry.

use futures_util::future::join_all;
use tenancy_core::Strategy;
use tenancy_fleet::registry::{Change, Expected, NewTenant, Registry, RegistryError};

use super::stage::Stage;
use super::{ada, id, on_every_base};

on_every_base!(
    many_installations_at_once_are_one,
    a_registry_that_is_not_there_is_said,
    a_newer_registry_is_refused_and_left_alone,
    a_half_made_registry_is_finished,
    two_prefixes_are_two_registries,
);

async fn many_installations_at_once_are_one(stage: Stage) {
    let installs = (0..6).map(|_| stage.builder().install());
    for registry in join_all(installs).await {
        registry
            .unwrap()
            .list(&tenancy_fleet::registry::List::default())
            .await
            .unwrap();
    }
    let registry = stage.registry().await;
    registry
        .create(NewTenant::active(id("acme")), &ada())
        .await
        .unwrap();
    let again = stage.registry().await;
    assert!(again.get(&id("acme")).await.unwrap().is_some());
    let mut side = stage.side().await;
    let rows = "SELECT count(*) FROM tenancy_registry";
    assert_eq!(side.number(rows).await, 1);
}

async fn a_registry_that_is_not_there_is_said(stage: Stage) {
    // SQLite makes a file where it is asked to install only.
    let error = stage.builder().connect().await.unwrap_err();
    if stage.is_sqlite() {
        assert!(matches!(error, RegistryError::Database(_)), "{error:?}");
    } else {
        assert_eq!(error, RegistryError::NotInstalled);
    }
    stage.registry().await;
    stage.builder().connect().await.unwrap();
    let other = stage.builder().prefix("other_").connect().await;
    assert_eq!(other.unwrap_err(), RegistryError::NotInstalled);
}

async fn a_newer_registry_is_refused_and_left_alone(stage: Stage) {
    let running = stage.registry().await;
    let new = NewTenant::new(id("acme"), Strategy::RowLevel);
    running.create(new, &ada()).await.unwrap();
    let mut side = stage.side().await;
    side.run("UPDATE tenancy_registry SET version = 99").await;
    let newer = RegistryError::Newer { found: 99, ours: 2 };
    assert_eq!(stage.builder().install().await.unwrap_err(), newer);
    assert_eq!(stage.builder().connect().await.unwrap_err(), newer);
    // One that was running already writes no more.
    let refused = running.create(NewTenant::active(id("beta")), &ada()).await;
    assert_eq!(refused.unwrap_err(), newer);
    for change in [
        Change::applied_version(Some(1)),
        Change::metadata(&1).unwrap(),
    ] {
        let refused = running
            .update(&id("acme"), Expected::Any, change, &ada())
            .await;
        assert_eq!(refused.unwrap_err(), newer);
    }
    for (sql, expected) in [
        ("SELECT version FROM tenancy_registry", 99),
        ("SELECT changes FROM tenancy_registry", 1),
        ("SELECT count(*) FROM tenancy_tenant", 1),
        ("SELECT count(*) FROM tenancy_audit", 1),
    ] {
        assert_eq!(side.number(sql).await, expected, "{sql}");
    }
    side.run("UPDATE tenancy_registry SET version = 0").await;
    let older = RegistryError::Older { found: 0, ours: 2 };
    assert_eq!(stage.builder().connect().await.unwrap_err(), older);
}

async fn a_half_made_registry_is_finished(stage: Stage) {
    stage.registry().await;
    let mut side = stage.side().await;
    // As MariaDB has it where the program was killed between two tables.
    side.run("DELETE FROM tenancy_registry").await;
    for table in ["audit", "domain", "availability", "tenant"] {
        side.run(&format!("DROP TABLE tenancy_{table}")).await;
    }
    let error = stage.builder().connect().await.unwrap_err();
    assert_eq!(error, RegistryError::Older { found: 0, ours: 2 });
    let registry = stage.registry().await;
    registry
        .create(NewTenant::active(id("acme")), &ada())
        .await
        .unwrap();
}

async fn two_prefixes_are_two_registries(stage: Stage) {
    let longest = "p".repeat(32);
    let mut registries: Vec<Registry> = Vec::new();
    for prefix in ["tenancy_", "order", &longest, "select_1"] {
        registries.push(stage.builder().prefix(prefix).install().await.unwrap());
    }
    let new = NewTenant::active(id("acme"));
    registries[0].create(new, &ada()).await.unwrap();
    for registry in &registries[1..] {
        assert_eq!(registry.get(&id("acme")).await.unwrap(), None);
    }
    let too_long = "p".repeat(33);
    for prefix in [
        "", "T", "1a", "_a", "a-b", "a b", "a\"b", "a`b", "a;--", "ä", "a\0", &too_long,
    ] {
        let refused = stage.builder().prefix(prefix).install().await.unwrap_err();
        assert!(matches!(refused, RegistryError::Name { .. }), "{prefix:?}");
        let refused = stage.builder().schema(prefix).install().await;
        assert!(refused.is_err() || prefix == too_long, "{prefix:?}");
    }
}
