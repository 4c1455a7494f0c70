//! `rotate_key`: the whole fleet, past what fails, and again after it was interrupted.

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_fleet::registry::{Change, Credential, Expected, NewTenant, Registry, RegistryError};
use tenancy_fleet::secrets::{Keyring, SealingKey, SecretsError};

use super::stage::Stage;
use super::{ada, id, on_every_base};

on_every_base!(
    a_fleet_is_sealed_with_the_new_key,
    the_next_credential_is_sealed_again_too,
    what_fails_is_named_and_stops_nobody,
    two_rotations_at_once_are_one,
);

const PASSWORD: &str = "hunter2-hunter2";

async fn put(registry: &Registry, tenant: &str) {
    let new = NewTenant::active(id(tenant));
    registry.create(new, &ada()).await.unwrap();
    let credential = Credential::new("tn_user", SecretString::from(PASSWORD)).unwrap();
    registry
        .update(
            &id(tenant),
            Expected::Any,
            Change::credential(credential),
            &ada(),
        )
        .await
        .unwrap();
}

/// Twelve tenants with a login that is sealed with the old key, and one without; the registry with
/// the old key, and one with the new key before it.
async fn fleet(stage: &Stage) -> (Registry, Registry) {
    let old = SealingKey::generate("old").unwrap();
    let new = SealingKey::generate("new").unwrap();
    let with = |keyring: Keyring| stage.builder().keyring(keyring).install();
    let before = with(Keyring::new(old.clone())).await.unwrap();
    for number in 0..12 {
        put(&before, &format!("t{number:02}")).await;
    }
    before
        .create(NewTenant::active(id("plain")), &ada())
        .await
        .unwrap();
    let during = with(Keyring::new(new).accept(old).unwrap()).await.unwrap();
    (before, during)
}

async fn a_fleet_is_sealed_with_the_new_key(stage: Stage) {
    let (before, during) = fleet(&stage).await;
    let plan = during.plan_key_rotation().await.unwrap();
    assert_eq!((plan.resealed.len(), plan.key.as_str()), (12, "new"));
    let entry = before.get(&id("t00")).await.unwrap().unwrap();
    assert_eq!(entry.sealed_credential().unwrap().key_id(), "old");

    let report = during.rotate_key(&ada()).await.unwrap();
    assert!(report.is_whole());
    assert_eq!(report.resealed.len(), 12);
    for tenant in &report.resealed {
        let opened = during.credential(tenant).await.unwrap();
        assert_eq!(opened.password().expose_secret(), PASSWORD);
        let unknown = before.credential(tenant).await.unwrap_err();
        assert_eq!(unknown, RegistryError::Secrets(SecretsError::UnknownKey));
        let audit = during.audit(tenant, None, 9).await.unwrap();
        assert_eq!(audit.last().unwrap().what, "resealed");
    }
    let again = during.rotate_key(&ada()).await.unwrap();
    assert!(again.is_whole() && again.resealed.is_empty());
}

/// A password that was being changed by a process that had the old key alone.
async fn the_next_credential_is_sealed_again_too(stage: Stage) {
    let (before, during) = fleet(&stage).await;
    let next = Credential::new("tn_user", SecretString::from(PASSWORD)).unwrap();
    let next = Change::next_credential(next);
    before
        .update(&id("t00"), Expected::Any, next, &ada())
        .await
        .unwrap();
    let mut side = stage.side().await;
    let old = side
        .texts("SELECT sealed_next FROM tenancy_tenant WHERE id = 't00'")
        .await;
    during.rotate_key(&ada()).await.unwrap();
    // As that process leaves it where it comes too late.
    let put_back = format!(
        "UPDATE tenancy_tenant SET sealed_next = '{}' WHERE id = 't00'",
        old.trim()
    );
    side.run(&put_back).await;
    let plan = during.plan_key_rotation().await.unwrap();
    assert_eq!(plan.resealed, [id("t00")]);
    let report = during.rotate_key(&ada()).await.unwrap();
    assert_eq!(report.resealed, [id("t00")]);
    let next = side
        .texts("SELECT sealed_next FROM tenancy_tenant WHERE id = 't00'")
        .await;
    assert!(next.starts_with("ts1.new."));
    during
        .update(&id("t00"), Expected::Any, Change::promote(), &ada())
        .await
        .unwrap();
    let opened = during.credential(&id("t00")).await.unwrap();
    assert_eq!(opened.password().expose_secret(), PASSWORD);
}

async fn what_fails_is_named_and_stops_nobody(stage: Stage) {
    let (_, during) = fleet(&stage).await;
    let mut side = stage.side().await;
    // Another tenant's value, one that is cut, and one under a key that is nowhere.
    let copied = "UPDATE tenancy_tenant SET sealed_credential = '{}' WHERE id = 't03'";
    let foreign = side
        .texts("SELECT sealed_credential FROM tenancy_tenant WHERE id = 't04'")
        .await;
    side.run(&copied.replace("{}", foreign.trim())).await;
    side.run("UPDATE tenancy_tenant SET sealed_credential = 'ts1.old.AAAA' WHERE id = 't05'")
        .await;
    let elsewhere = foreign.trim().replace("ts1.old.", "ts1.gone.");
    side.run(&format!(
        "UPDATE tenancy_tenant SET sealed_credential = '{elsewhere}', sealed_with = 'gone' WHERE id = 't06'"
    ))
    .await;
    let expected = [
        ("t03", RegistryError::Secrets(SecretsError::Refused)),
        ("t05", RegistryError::Malformed { what: "credential" }),
        ("t06", RegistryError::Secrets(SecretsError::UnknownKey)),
    ]
    .map(|(tenant, error)| (id(tenant), error));
    let plan = during.plan_key_rotation().await.unwrap();
    assert_eq!(plan.failed, expected);
    assert_eq!(plan.resealed.len(), 9);
    let report = during.rotate_key(&ada()).await.unwrap();
    assert_eq!(report.failed, expected);
    assert_eq!(report.resealed.len(), 9);
    assert!(!report.is_whole());
    // The next run has those alone.
    let again = during.rotate_key(&ada()).await.unwrap();
    assert_eq!((again.failed.len(), again.resealed.len()), (3, 0));
    let keyless = Registry::builder(SecretString::from(stage.url.as_str()));
    let keyless = keyless.connect().await.unwrap();
    let refused = keyless.rotate_key(&ada()).await.unwrap_err();
    assert_eq!(refused, RegistryError::NoKeyring);
}

async fn two_rotations_at_once_are_one(stage: Stage) {
    let (_, during) = fleet(&stage).await;
    let actor = ada();
    let (one, other) = tokio::join!(during.rotate_key(&actor), during.rotate_key(&actor));
    assert!(one.unwrap().is_whole() && other.unwrap().is_whole());
    for number in 0..12 {
        let tenant = id(&format!("t{number:02}"));
        let opened = during.credential(&tenant).await.unwrap();
        assert_eq!(opened.password().expose_secret(), PASSWORD);
        let entry = during.get(&tenant).await.unwrap().unwrap();
        assert_eq!(entry.sealed_credential().unwrap().key_id(), "new");
    }
}
