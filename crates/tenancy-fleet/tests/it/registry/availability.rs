//! Maintenance and read-only in the registry.

use std::time::{Duration, UNIX_EPOCH};

use tenancy_core::{Availability, Error, StoreError, Tenancy, TenantScope, TenantStore};
use tenancy_fleet::registry::{Change, Expected, List, NewTenant, RegistryError};

use super::stage::Stage;
use super::{ada, id, on_every_base};

on_every_base!(
    a_maintenance_is_recorded_and_ended,
    what_is_malformed_opens_no_door,
    a_registry_of_before_is_brought_here,
);

async fn a_maintenance_is_recorded_and_ended(stage: Stage) {
    let registry = stage.registry().await;
    for name in ["acme", "beta"] {
        registry
            .create(NewTenant::active(id(name)), &ada())
            .await
            .unwrap();
    }
    let until = Some(UNIX_EPOCH + Duration::from_millis(1_800_000_000_250));
    let all = [
        Availability::Maintenance { until },
        Availability::Maintenance { until },
        Availability::ReadOnly { until: None },
        Availability::Open,
        Availability::ReadOnly { until },
        Availability::Maintenance { until: None },
        Availability::Open,
    ];
    for availability in all {
        let change = Change::availability(availability);
        let changed = registry
            .update(&id("acme"), Expected::Any, change, &ada())
            .await
            .unwrap();
        assert_eq!(changed.availability(), availability);
        let read = registry.get(&id("acme")).await.unwrap();
        assert_eq!(read.as_ref(), Some(&changed));
        let listed = registry.list(&List::default()).await.unwrap();
        assert_eq!(listed[0], changed);
        assert_eq!(listed[1].availability(), Availability::Open);
        let records = registry.find(&id("acme")).await.unwrap();
        assert_eq!(records[0].availability, availability);

        let tenancy = Tenancy::builder(registry.clone())
            .without_requests()
            .build();
        let visited = tenancy
            .run("acme", async |scope: &TenantScope| {
                Ok::<_, Error>(scope.is_read_only())
            })
            .await;
        match availability {
            Availability::Open => assert!(!visited.unwrap()),
            Availability::ReadOnly { .. } => assert!(visited.unwrap()),
            _ => assert!(matches!(visited, Err(Error::Unavailable(_)))),
        }
    }
    let audit = registry.audit(&id("acme"), None, 100).await.unwrap();
    let said: Vec<_> = audit
        .iter()
        .map(|entry| (entry.what.as_str(), entry.detail.as_deref()))
        .collect();
    assert_eq!(
        said[..4],
        [
            ("create", None),
            ("availability", Some("maintenance:1800000000")),
            ("availability", Some("maintenance:1800000000")),
            ("availability", Some("read_only")),
        ]
    );
    assert_eq!(said.len(), 1 + all.len());
    let mut side = stage.side().await;
    let rows = "SELECT count(*) FROM tenancy_availability";
    assert_eq!(side.number(rows).await, 0);

    let read = registry.get(&id("beta")).await.unwrap().unwrap().revision();
    let change = || Change::availability(Availability::ReadOnly { until: None });
    let first = registry.update(&id("beta"), read, change(), &ada()).await;
    first.unwrap();
    let second = registry
        .update(
            &id("beta"),
            read,
            Change::availability(Availability::Open),
            &ada(),
        )
        .await;
    assert!(
        matches!(second, Err(RegistryError::Conflict { .. })),
        "{second:?}"
    );
    let twice = registry
        .update(&id("beta"), Expected::Any, change().and(change()), &ada())
        .await;
    assert_eq!(twice.unwrap_err(), RegistryError::Change);
    // What was refused left nothing behind.
    let beta = registry.get(&id("beta")).await.unwrap().unwrap();
    assert_eq!(beta.availability(), Availability::ReadOnly { until: None });
}

async fn what_is_malformed_opens_no_door(stage: Stage) {
    let registry = stage.registry().await;
    registry
        .create(NewTenant::active(id("acme")), &ada())
        .await
        .unwrap();
    let mut side = stage.side().await;
    for row in ["'acme', 'open', NULL", "'nobody', 'maintenance', NULL"] {
        let sql = format!(
            "INSERT INTO tenancy_availability (tenant_id, mode, available_at) VALUES ({row})"
        );
        assert!(side.try_run(&sql).await.is_err(), "{row}");
    }
    side.run(
        "INSERT INTO tenancy_availability (tenant_id, mode, available_at) VALUES ('acme', 'maintenance', -1)",
    )
    .await;
    let error = registry.get(&id("acme")).await.unwrap_err();
    let what = "availability";
    assert_eq!(error, RegistryError::Malformed { what });
    let tenancy = Tenancy::builder(registry.clone())
        .without_requests()
        .build();
    let visited = tenancy
        .run("acme", async |_: &TenantScope| Ok::<_, Error>(()))
        .await;
    assert!(
        matches!(visited, Err(Error::Store(StoreError::Unavailable { .. }))),
        "{visited:?}"
    );
}

async fn a_registry_of_before_is_brought_here(stage: Stage) {
    let registry = stage.registry().await;
    registry
        .create(NewTenant::active(id("acme")), &ada())
        .await
        .unwrap();
    let mut side = stage.side().await;
    side.run("DROP TABLE tenancy_availability").await;
    side.run("UPDATE tenancy_registry SET version = 1").await;
    let older = RegistryError::Older { found: 1, ours: 2 };
    assert_eq!(stage.builder().connect().await.unwrap_err(), older);
    let registry = stage.registry().await;
    let acme = registry.get(&id("acme")).await.unwrap().unwrap();
    assert_eq!(acme.availability(), Availability::Open);
    let change = Change::availability(Availability::Maintenance { until: None });
    registry
        .update(&id("acme"), acme.revision(), change, &ada())
        .await
        .unwrap();
    // As MariaDB has it where the program was killed between the table and the version.
    side.run("UPDATE tenancy_registry SET version = 1").await;
    let registry = stage.registry().await;
    let acme = registry.get(&id("acme")).await.unwrap().unwrap();
    assert_eq!(
        acme.availability(),
        Availability::Maintenance { until: None }
    );
}
