//! The whole life of a tenant, and its audit.

use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::{Placement, Strategy, TenantStatus};
use tenancy_fleet::registry::{
    Actor, Change, Credential, Expected, NewTenant, Provisioning, RegistryError,
};

use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(a_tenants_whole_life, what_the_database_keeps_is_read_back);

async fn a_tenants_whole_life(stage: Stage) {
    let registry = stage.registry().await;
    let (ada, eve) = (ada(), Actor::new("eve 🦊 'quoted'").unwrap());
    let acme = id("acme");
    assert_eq!(registry.get(&acme).await.unwrap(), None);

    let new = NewTenant::new(acme.clone(), Strategy::DatabasePerTenant)
        .metadata(&serde_json::json!({"seats": 5}))
        .unwrap()
        .domain(domain("acme.example"));
    let made = registry.create(new, &ada).await.unwrap();
    assert_eq!(made.status(), TenantStatus::Provisioning);
    assert_eq!(made.provisioning(), Provisioning::Pending);
    assert_eq!((made.revision().number(), made.placement()), (1, None));

    let place = Placement::database("db_acme")
        .on_server("s1")
        .with_credential("login_acme");
    let password = SecretString::from("correct horse");
    let login = Credential::new("tn_acme", password).unwrap();
    let change = Change::placement(place.clone())
        .and(Change::credential(login))
        .and(Change::provisioning(Provisioning::Running));
    let running = registry
        .update(&acme, made.revision(), change, &ada)
        .await
        .unwrap();
    assert_eq!(running.placement(), Some(&place));
    assert_eq!(running.sealed_credential().unwrap().key_id(), "k1");

    let early = Change::status(TenantStatus::Active);
    let refused = registry
        .update(&acme, running.revision(), early, &ada)
        .await
        .unwrap_err();
    assert_eq!(refused, RegistryError::NotReady);

    let whole = Change::provisioning(Provisioning::Ready)
        .and(Change::applied_version(Some(20_261_122)))
        .and(Change::outcome(Some("made".to_owned())).unwrap())
        .and(Change::status(TenantStatus::Active));
    let active = registry
        .update(&acme, running.revision(), whole, &ada)
        .await
        .unwrap();
    assert_eq!(active.status(), TenantStatus::Active);
    assert_eq!(active.applied_version(), Some(20_261_122));
    assert_eq!(active.outcome(), Some("made"));
    let login = registry.credential(&acme).await.unwrap();
    assert_eq!(login.user(), "tn_acme");
    assert_eq!(login.password().expose_secret(), "correct horse");

    let change = Change::add_domain(domain("shop.acme.example"))
        .and(Change::remove_domain(domain("acme.example")))
        .and(Change::metadata(&serde_json::json!({"seats": 6})).unwrap());
    let moved = registry
        .update(&acme, active.revision(), change, &eve)
        .await
        .unwrap();
    assert_eq!(moved.domains(), [domain("shop.acme.example")]);
    let found = registry.find_by_domain(&domain("shop.acme.example")).await;
    assert_eq!(found.unwrap(), Some(moved.clone()));
    let gone = registry.find_by_domain(&domain("acme.example")).await;
    assert_eq!(gone.unwrap(), None);

    for status in [TenantStatus::Suspended, TenantStatus::Archived] {
        let change = Change::status(status);
        registry
            .update(&acme, Expected::Any, change, &eve)
            .await
            .unwrap();
    }
    let back = Change::status(TenantStatus::Active);
    let refused = registry.update(&acme, Expected::Any, back, &eve).await;
    assert_eq!(refused.unwrap_err(), RegistryError::Archived);

    let audit = registry.audit(&acme, None, 100).await.unwrap();
    let told: Vec<_> = audit
        .iter()
        .map(|entry| {
            let status = |status: TenantStatus| status.as_str();
            let detail = entry.detail.as_deref().unwrap_or("-");
            let old = entry.old_status.map_or("-", status);
            let new = status(entry.new_status);
            let (revision, actor) = (entry.revision, &entry.actor);
            format!("{revision} {actor}: {} [{detail}] {old} {new}", entry.what)
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 ada: create [acme.example] - provisioning",
            "2 ada: placement+credential+provisioning [running] provisioning provisioning",
            "3 ada: provisioning+version+outcome+status [ready 20261122] provisioning active",
            "4 eve 🦊 'quoted': domain-added+domain-removed+metadata [shop.acme.example acme.example] active active",
            "5 eve 🦊 'quoted': status [-] active suspended",
            "6 eve 🦊 'quoted': status [-] suspended archived",
        ]
    );
    let later = registry.audit(&acme, Some(audit[3].revision), 1).await;
    assert_eq!(later.unwrap(), audit[4..5]);
}

async fn what_the_database_keeps_is_read_back(stage: Stage) {
    let registry = stage.registry().await;
    let schema = Placement::schema("acme").on_server("s1");
    let cases = [
        ("shared", Placement::shared().with_credential("all")),
        ("schema", schema),
        ("database", Placement::database("d1")),
    ];
    for (name, place) in cases {
        let new = NewTenant::placed(id(name), place.clone()).status(TenantStatus::Active);
        let made = registry.create(new, &ada()).await.unwrap();
        let read = registry.get(&id(name)).await.unwrap().unwrap();
        assert_eq!(read, made);
        assert_eq!(read.placement(), Some(&place));
        assert_eq!(read.strategy(), place.strategy());
        // The database's clock is this machine's.
        let age = SystemTime::now().duration_since(read.created_at());
        assert!(age.unwrap() < Duration::from_hours(1));
        assert_eq!(read.created_at(), read.updated_at());
    }
}
