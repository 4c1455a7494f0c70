//! What has a tenant's name and not its mark is somebody else's: never adopted, never dropped.

use tenancy_core::{Placement, Strategy, TenantId, TenantStatus};
use tenancy_fleet::provision::{Confirmed, ProvisionError};
use tenancy_fleet::registry::{NewTenant, Provisioning};
use tenancy_fleet::site::SiteError;

use super::ground::{Ground, Kind};
use super::on_every_site;
use crate::registry::{ada, id};

on_every_site!(
    what_is_there_is_not_adopted,
    what_lost_its_mark_is_not_dropped,
    a_user_that_was_there_is_not_taken,
    what_was_never_begun_is_not_dropped,
    another_tenants_place_is_not_adopted,
);

/// Somebody else's thing where the tenant's is to be, and how to take it away again.
async fn plant(ground: &Ground, tenant: &TenantId) {
    let name = format!("{}{tenant}", ground.prefix);
    match &ground.kind {
        Kind::Sqlite(_) => std::fs::write(ground.file(tenant), b"somebody's").unwrap(),
        Kind::Databases => {
            let mut admin = ground.admin().await;
            admin.run(&format!("CREATE DATABASE \"{name}\"")).await;
        }
        Kind::Schemas => {
            let mut admin = ground.admin().await;
            admin
                .run(&format!(
                    "CREATE SCHEMA \"{name}\" CREATE TABLE kept (id int)"
                ))
                .await;
        }
        Kind::Mariadb => {
            let mut admin = ground.admin().await;
            admin.run(&format!("CREATE DATABASE `{name}`")).await;
        }
    }
}

async fn unplant(ground: &Ground, tenant: &TenantId) {
    let name = format!("{}{tenant}", ground.prefix);
    match &ground.kind {
        Kind::Sqlite(_) => std::fs::remove_file(ground.file(tenant)).unwrap(),
        Kind::Databases => {
            let mut admin = ground.admin().await;
            admin.run(&format!("DROP DATABASE \"{name}\"")).await;
        }
        Kind::Schemas => {
            let mut admin = ground.admin().await;
            admin.run(&format!("DROP SCHEMA \"{name}\" CASCADE")).await;
        }
        Kind::Mariadb => {
            let mut admin = ground.admin().await;
            admin.run(&format!("DROP DATABASE `{name}`")).await;
        }
    }
}

/// The tenant's place is marked for globex.
pub(crate) async fn mislead(ground: &Ground, tenant: &TenantId) {
    mark_as(ground, tenant, "globex").await;
}

/// The tenant's place is marked for somebody.
pub(crate) async fn mark_as(ground: &Ground, tenant: &TenantId, whose: &str) {
    let name = format!("{}{tenant}", ground.prefix);
    let other = format!("tenancy: tenant {whose}");
    match &ground.kind {
        Kind::Sqlite(_) => {
            let mut inside = ground.inside(tenant).await;
            inside
                .run(&format!("UPDATE tenancy_identity SET tenant = '{whose}'"))
                .await;
        }
        Kind::Databases => {
            let mut admin = ground.admin().await;
            admin
                .run(&format!("COMMENT ON DATABASE \"{name}\" IS '{other}'"))
                .await;
        }
        Kind::Schemas => {
            let mut admin = ground.admin().await;
            admin
                .run(&format!("COMMENT ON SCHEMA \"{name}\" IS '{other}'"))
                .await;
        }
        Kind::Mariadb => {
            let mut admin = ground.admin().await;
            admin
                .run(&format!("ALTER DATABASE `{name}` COMMENT '{other}'"))
                .await;
        }
    }
}

async fn what_is_there_is_not_adopted(ground: Ground) {
    let acme = id("acme");
    plant(&ground, &acme).await;
    let refused = ground.fleet.onboard(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Site(SiteError::NotOurs));
    let entry = ground.registry.get(&acme).await.unwrap().unwrap();
    assert_eq!(entry.status(), TenantStatus::Provisioning);
    assert_eq!(entry.provisioning(), Provisioning::Failed);
    assert_eq!(entry.outcome(), Some(refused.to_string().as_str()));
    // Nor is it dropped.
    let confirmed = Confirmed::new(&acme, "acme").unwrap();
    let refused = ground.fleet.deprovision(&acme, &confirmed, &ada()).await;
    assert_eq!(
        refused.unwrap_err(),
        ProvisionError::Site(SiteError::NotOurs)
    );
    assert!(ground.things(&acme).await > 0);
    if ground.is_sqlite() {
        assert_eq!(std::fs::read(ground.file(&acme)).unwrap(), b"somebody's");
    }
    // A removal that has begun is not undone by making it again.
    unplant(&ground, &acme).await;
    let refused = ground.fleet.provision(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Removed);

    // Where nobody asked for the removal, it goes on once the place is free.
    let globex = id("globex");
    plant(&ground, &globex).await;
    ground.fleet.onboard(&globex, &ada()).await.unwrap_err();
    unplant(&ground, &globex).await;
    let made = ground.fleet.onboard(&globex, &ada()).await.unwrap();
    assert_eq!(made.status(), TenantStatus::Active);
    assert_eq!(made.outcome(), None);
    ground.clear().await;
}

async fn what_lost_its_mark_is_not_dropped(ground: Ground) {
    let acme = id("acme");
    ground.fleet.onboard(&acme, &ada()).await.unwrap();
    mislead(&ground, &acme).await;
    let confirmed = Confirmed::new(&acme, "acme").unwrap();
    let refused = ground.fleet.offboard(&acme, &confirmed, &ada()).await;
    assert_eq!(
        refused.unwrap_err(),
        ProvisionError::Site(SiteError::NotOurs)
    );
    let entry = ground.registry.get(&acme).await.unwrap().unwrap();
    assert_eq!(entry.provisioning(), Provisioning::Removing);
    assert!(ground.things(&acme).await > 0);
    unplant(&ground, &acme).await;
    ground
        .fleet
        .offboard(&acme, &confirmed, &ada())
        .await
        .unwrap();
    assert_eq!(ground.things(&acme).await, 0);
}

async fn a_user_that_was_there_is_not_taken(ground: Ground) {
    let acme = id("acme");
    let name = format!("{}acme", ground.prefix);
    let (make, drop) = match &ground.kind {
        Kind::Sqlite(_) => return,
        Kind::Databases | Kind::Schemas => (
            format!("CREATE ROLE \"{name}\" LOGIN PASSWORD 'kept'"),
            format!("DROP ROLE \"{name}\""),
        ),
        Kind::Mariadb => (
            format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'kept'"),
            format!("DROP USER '{name}'@'%'"),
        ),
    };
    let mut admin = ground.admin().await;
    admin.run(&make).await;
    let refused = ground.fleet.onboard(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Site(SiteError::NotOurs));
    let confirmed = Confirmed::new(&acme, "acme").unwrap();
    let removed = ground.fleet.offboard(&acme, &confirmed, &ada()).await;
    // Somebody's user is there as before, whatever became of the tenant.
    assert_eq!(ground.things(&acme).await, 1, "{removed:?}");
    if matches!(ground.kind, Kind::Mariadb) {
        // By its own password.
        let password = admin
            .texts(&format!(
                "SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User = '{name}' \
                 AND JSON_VALUE(Priv, '$.account_locked') IS NULL"
            ))
            .await;
        let kept = admin.texts("SELECT PASSWORD('kept')").await;
        assert_eq!(password, kept);
    }
    admin.run(&drop).await;
}

async fn what_was_never_begun_is_not_dropped(ground: Ground) {
    // A tenant that was recorded for a place that is somebody else's, and never provisioned.
    let acme = id("acme");
    let name = format!("{}acme", ground.prefix);
    let placement = match ground.kind {
        Kind::Sqlite(_) => Placement::database("acme.db"),
        Kind::Schemas => Placement::schema(&name).with_credential(&name),
        _ => Placement::database(&name).with_credential(&name),
    };
    plant(&ground, &acme).await;
    let new = NewTenant::new(acme.clone(), Strategy::DatabasePerTenant).placement(placement);
    ground.registry.create(new, &ada()).await.unwrap();
    let confirmed = Confirmed::new(&acme, "acme").unwrap();
    let _ = ground.fleet.offboard(&acme, &confirmed, &ada()).await;
    assert_eq!(ground.things(&acme).await, 1);
    unplant(&ground, &acme).await;
}

async fn another_tenants_place_is_not_adopted(ground: Ground) {
    // A backup that was put back under the wrong name.
    let (acme, globex) = (id("acme"), id("globex"));
    ground.fleet.onboard(&globex, &ada()).await.unwrap();
    let names = ["acme", "globex"].map(|name| format!("{}{name}", ground.prefix));
    let [new, old] = names;
    match &ground.kind {
        Kind::Sqlite(_) => std::fs::rename(ground.file(&globex), ground.file(&acme)).unwrap(),
        Kind::Databases => {
            let mut admin = ground.admin().await;
            admin
                .run(&format!("ALTER DATABASE \"{old}\" RENAME TO \"{new}\""))
                .await;
        }
        Kind::Schemas => {
            let mut admin = ground.admin().await;
            admin
                .run(&format!("ALTER SCHEMA \"{old}\" RENAME TO \"{new}\""))
                .await;
        }
        Kind::Mariadb => {
            // It renames no database.
            let mut admin = ground.admin().await;
            admin
                .run(&format!(
                    "CREATE DATABASE `{new}` COMMENT 'tenancy: tenant globex'"
                ))
                .await;
        }
    }
    let refused = ground.fleet.onboard(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Site(SiteError::NotOurs));
    unplant(&ground, &acme).await;
    ground.clear().await;
}
