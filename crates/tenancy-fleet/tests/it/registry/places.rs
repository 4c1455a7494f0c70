//! One tenant to one place, one place to one tenant, for ever.

use tenancy_core::{Placement, Strategy, TenantStatus};
use tenancy_fleet::registry::{Change, Expected, NewTenant, Registry, RegistryError};

use super::stage::Stage;
use super::{ada, id, on_every_base};

on_every_base!(
    a_place_is_taken_for_ever,
    a_database_is_one_tenants_or_many_schemas,
    names_that_look_alike_are_different_places,
    the_base_database_is_nobodys_own,
    the_same_placement_again_changes_nothing,
);

async fn create(registry: &Registry, tenant: &str, place: Placement) -> Result<(), RegistryError> {
    let new = NewTenant::placed(id(tenant), place);
    registry.create(new, &ada()).await.map(drop)
}

async fn a_place_is_taken_for_ever(stage: Stage) {
    let registry = stage.registry().await;
    for (at, place) in [
        Placement::database("d1"),
        Placement::database("d1").on_server("s1"),
        Placement::schema("x1"),
        Placement::schema("x1").on_server("s1"),
    ]
    .into_iter()
    .enumerate()
    {
        let first = format!("first-{at}");
        create(&registry, &first, place.clone()).await.unwrap();
        let renamed = place.clone().with_credential("another");
        for place in [place, renamed] {
            let again = create(&registry, &format!("second-{at}"), place).await;
            assert_eq!(again.unwrap_err(), RegistryError::PlaceTaken);
        }
        let archive = Change::status(TenantStatus::Archived);
        registry
            .update(&id(&first), Expected::Any, archive, &ada())
            .await
            .unwrap();
    }
    let again = create(&registry, "third", Placement::database("d1")).await;
    assert_eq!(again.unwrap_err(), RegistryError::PlaceTaken);
    let again = create(&registry, "first-0", Placement::database("d9")).await;
    assert_eq!(again.unwrap_err(), RegistryError::IdTaken);
}

/// A placement of schema-per-tenant in a database that is named.
fn schema_in(database: &str, schema: &str) -> Placement {
    let parts = serde_json::json!({
        "strategy": "schema-per-tenant", "database": database, "schema": schema,
    });
    serde_json::from_value(parts).unwrap()
}

async fn a_database_is_one_tenants_or_many_schemas(stage: Stage) {
    let registry = stage.registry().await;
    create(&registry, "own", Placement::database("d1"))
        .await
        .unwrap();
    let inside = create(&registry, "inside", schema_in("d1", "x")).await;
    assert_eq!(inside.unwrap_err(), RegistryError::PlaceTaken);
    for tenant in ["a", "b"] {
        create(&registry, tenant, schema_in("d2", tenant))
            .await
            .unwrap();
    }
    let around = create(&registry, "around", Placement::database("d2")).await;
    assert_eq!(around.unwrap_err(), RegistryError::PlaceTaken);
}

async fn names_that_look_alike_are_different_places(stage: Stage) {
    let registry = stage.registry().await;
    let names = [
        "acme",
        "ACME",
        "acme ",
        " acme",
        "Acme",
        "acmé",
        "acme\u{301}",
        "ac/me",
        "4:acme",
        "-",
        "a'c",
        "a\"c",
        "a\\c",
        "a`c",
        "?",
        "$1",
        "%",
        "a_c",
        "a\nc",
        "🦊",
        "x; DROP TABLE tenancy_tenant; --",
    ];
    let longest = "n".repeat(255);
    let all: Vec<_> = names.into_iter().chain([longest.as_str()]).collect();
    for (at, name) in all.iter().enumerate() {
        let place = Placement::database(*name)
            .on_server(*name)
            .with_credential(*name);
        create(&registry, &format!("t{at}"), place.clone())
            .await
            .unwrap();
        let read = registry.get(&id(&format!("t{at}"))).await.unwrap().unwrap();
        assert_eq!(read.placement(), Some(&place), "{name:?}");
    }
    for name in &all {
        let place = Placement::database(*name).on_server(*name);
        let again = create(&registry, "second", place).await;
        assert_eq!(again.unwrap_err(), RegistryError::PlaceTaken, "{name:?}");
    }
    // The parts can't be shifted from one name to the next.
    let shifted = Placement::database("b/1:c").on_server("a");
    create(&registry, "s1", shifted).await.unwrap();
    let shifted = Placement::database("c").on_server("a/1:b");
    create(&registry, "s2", shifted).await.unwrap();
    for bad in ["", "a\0b", "n".repeat(256).as_str()] {
        for place in [
            Placement::database(bad),
            Placement::schema(bad),
            Placement::shared().on_server(bad),
            Placement::shared().with_credential(bad),
        ] {
            let refused = create(&registry, "bad", place).await.unwrap_err();
            assert!(
                matches!(
                    refused,
                    RegistryError::Length { .. } | RegistryError::Character { .. }
                ),
                "{refused:?}"
            );
        }
    }
}

async fn the_base_database_is_nobodys_own(stage: Stage) {
    let registry = stage.registry().await;
    if stage.is_sqlite() {
        return; // a file has no name among databases
    }
    let base = stage.url.rsplit('/').next().unwrap().to_owned();
    let refused = create(&registry, "acme", Placement::database(&base)).await;
    assert!(matches!(
        refused.unwrap_err(),
        RegistryError::Placement { .. }
    ));
    // With its name and without, its schemas are the same.
    create(&registry, "a", Placement::schema("x"))
        .await
        .unwrap();
    let same = create(&registry, "b", schema_in(&base, "x")).await;
    assert_eq!(same.unwrap_err(), RegistryError::PlaceTaken);
    create(
        &registry,
        "c",
        Placement::database(&base).on_server("elsewhere"),
    )
    .await
    .unwrap();
}

async fn the_same_placement_again_changes_nothing(stage: Stage) {
    let registry = stage.registry().await;
    let new = NewTenant::new(id("acme"), Strategy::SchemaPerTenant);
    registry.create(new, &ada()).await.unwrap();
    let place = Placement::schema("acme");
    for revision in 2..4 {
        let change = Change::placement(place.clone());
        let placed = registry
            .update(&id("acme"), Expected::Any, change, &ada())
            .await
            .unwrap();
        assert_eq!(placed.revision().number(), revision);
        assert_eq!(placed.placement(), Some(&place));
    }
}
