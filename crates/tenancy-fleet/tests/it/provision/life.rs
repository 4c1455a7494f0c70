//! A tenant's whole life, seen from beside.

use secrecy::ExposeSecret as _;
use tenancy_core::{Domain, Strategy, TenantStatus};
use tenancy_fleet::provision::{Confirmed, Onboarding, ProvisionError};
use tenancy_fleet::registry::{Change, Expected, NewTenant, Provisioning, RegistryError};

use super::ground::{Ground, Kind};
use super::on_every_site;
use crate::registry::{ada, id};

on_every_site!(
    a_whole_life,
    a_password_is_changed_without_an_outage,
    an_active_tenant_is_not_removed,
    who_was_suspended_meanwhile_is_not_active,
);

async fn a_whole_life(ground: Ground) {
    let (acme, globex) = (id("acme"), id("globex"));
    let domain = Domain::new("acme.example").unwrap();
    let signup = Onboarding::new(acme.clone()).domain(domain.clone());
    let made = ground.fleet.onboard(signup, &ada()).await.unwrap();
    assert_eq!(made.status(), TenantStatus::Active);
    assert_eq!(made.provisioning(), Provisioning::Ready);
    assert_eq!(made.domains(), [domain]);
    ground.fleet.onboard(&globex, &ada()).await.unwrap();
    ground.furnish(&acme, "of acme").await;
    ground.furnish(&globex, "of globex").await;

    if !ground.is_sqlite() {
        keeps_to_itself(&ground).await;
    }

    // Nothing is done twice.
    let again = ground.fleet.provision(&acme, &ada()).await.unwrap();
    assert_eq!(again.revision(), made.revision());

    let confirmed = Confirmed::new(&acme, "acme").unwrap();
    let gone = ground
        .fleet
        .offboard(&acme, &confirmed, &ada())
        .await
        .unwrap();
    assert_eq!(gone.status(), TenantStatus::Archived);
    assert_eq!(gone.provisioning(), Provisioning::Removed);
    assert!(gone.sealed_credential().is_none());
    assert_eq!(ground.things(&acme).await, 0);
    let again = ground
        .fleet
        .offboard(&acme, &confirmed, &ada())
        .await
        .unwrap();
    assert_eq!(again.revision(), gone.revision());
    // The other one has all it had.
    let mut inside = ground.inside(&globex).await;
    assert_eq!(inside.texts("SELECT title FROM notes").await, "of globex\n");

    // Never again under this id.
    let refused = ground.fleet.onboard(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Registry(RegistryError::IdTaken));
    let refused = ground.fleet.provision(&acme, &ada()).await.unwrap_err();
    assert_eq!(refused, ProvisionError::Removed);
    drop(inside);
    ground.clear().await;
}

/// Its login reads and writes its own rows, makes nothing, and enters nobody else's place.
async fn keeps_to_itself(ground: &Ground) {
    let (acme, globex) = (id("acme"), id("globex"));
    for (own, other) in [(&acme, &globex), (&globex, &acme)] {
        let mut login = ground.login(own, own).await.unwrap();
        assert_eq!(
            login.texts("SELECT title FROM notes").await,
            format!("of {own}\n")
        );
        login.run("INSERT INTO notes VALUES (2, 'second')").await;
        login.run("DELETE FROM notes WHERE id = 2").await;
        for ddl in [
            "CREATE TABLE mine (id int)",
            "DROP TABLE notes",
            "ALTER TABLE notes ADD COLUMN extra int",
        ] {
            assert!(login.try_run(ddl).await.is_err(), "{ddl}");
        }
        let name = format!("{}{other}", ground.prefix);
        for quote in ['"', '`'] {
            let sql = format!("SELECT title FROM {quote}{name}{quote}.notes");
            assert!(login.try_run(&sql).await.is_err(), "{sql}");
        }
        match ground.login(own, other).await {
            Err(_) => {}
            // A schema is entered by its name; what is in it is refused.
            Ok(mut there) => assert!(there.try_run("SELECT title FROM notes").await.is_err()),
        }
    }
}

async fn a_password_is_changed_without_an_outage(ground: Ground) {
    let acme = id("acme");
    ground.fleet.onboard(&acme, &ada()).await.unwrap();
    if ground.is_sqlite() {
        let refused = ground.fleet.rotate_password(&acme, &ada()).await;
        assert_eq!(
            refused.unwrap_err(),
            ProvisionError::Registry(RegistryError::NoCredential)
        );
        return;
    }
    ground.furnish(&acme, "of acme").await;
    let before = ground.registry.credential(&acme).await.unwrap();
    let before = before.password().expose_secret().to_owned();
    let mut open = ground.login(&acme, &acme).await.unwrap();

    let entry = ground.fleet.rotate_password(&acme, &ada()).await.unwrap();
    assert!(!entry.is_rotating());
    assert_eq!(entry.status(), TenantStatus::Active);
    // The one that was open goes on; the old password opens nothing, the new one does.
    assert_eq!(open.texts("SELECT title FROM notes").await, "of acme\n");
    assert!(ground.login_with(&acme, &before, &acme).await.is_err());
    ground.login(&acme, &acme).await.unwrap();
    drop(open);
    ground.clear().await;
}

async fn an_active_tenant_is_not_removed(ground: Ground) {
    let acme = id("acme");
    ground.fleet.onboard(&acme, &ada()).await.unwrap();
    let before = ground.things(&acme).await;
    let confirmed = Confirmed::new(&acme, "acme").unwrap();
    let refused = ground.fleet.deprovision(&acme, &confirmed, &ada()).await;
    assert_eq!(refused.unwrap_err(), ProvisionError::StillActive);
    // What was typed for another tenant is no confirmation.
    let of_another = Confirmed::new(&id("globex"), "globex").unwrap();
    let refused = ground.fleet.offboard(&acme, &of_another, &ada()).await;
    assert_eq!(refused.unwrap_err(), ProvisionError::NotConfirmed);
    assert_eq!(ground.things(&acme).await, before);
    let entry = ground.registry.get(&acme).await.unwrap().unwrap();
    assert_eq!(entry.status(), TenantStatus::Active);
    ground.clear().await;
}

async fn who_was_suspended_meanwhile_is_not_active(ground: Ground) {
    let acme = id("acme");
    let strategy = match ground.kind {
        Kind::Schemas => Strategy::SchemaPerTenant,
        _ => Strategy::DatabasePerTenant,
    };
    let new = NewTenant::new(acme.clone(), strategy);
    ground.registry.create(new, &ada()).await.unwrap();
    // While its place is being made, which does not hinder that.
    let (fleet, actor) = (ground.fleet.clone(), ada());
    let (tenant, registry) = (acme.clone(), ground.registry.clone());
    let making = fleet.provision(&acme, &actor);
    let suspending = async move {
        loop {
            let entry = registry.get(&tenant).await.unwrap().unwrap();
            if entry.provisioning() != Provisioning::Pending {
                let (change, ada) = (Change::status(TenantStatus::Suspended), ada());
                let done = registry.update(&tenant, Expected::Any, change, &ada);
                return done.await.unwrap().provisioning();
            }
            tokio::task::yield_now().await;
        }
    };
    let (made, _) = futures_util::future::join(making, suspending).await;
    made.unwrap();
    let entry = ground.registry.get(&acme).await.unwrap().unwrap();
    assert_eq!(entry.provisioning(), Provisioning::Ready);
    assert_eq!(entry.status(), TenantStatus::Suspended);
    ground.clear().await;
}
