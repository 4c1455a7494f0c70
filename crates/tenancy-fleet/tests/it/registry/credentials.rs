//! Credentials in the registry: sealed, tied to their row, rotated, and never shown.

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::Placement;
use tenancy_fleet::registry::{
    Change, Credential, Expected, List, NewTenant, Registry, RegistryError,
};
use tenancy_fleet::secrets::{Keyring, SealingKey, SecretsError};

use super::stage::Stage;
use super::{ada, id, on_every_base};

on_every_base!(
    a_credential_that_was_moved_to_another_row_does_not_open,
    keys_are_rotated_and_a_rotation_is_resumed,
    without_a_key_nothing_is_kept,
    no_secret_is_anywhere_but_sealed,
);

const PASSWORD: &str = "hunter2-hunter2";

fn login() -> Change {
    Change::credential(Credential::new("tn_user", SecretString::from(PASSWORD)).unwrap())
}

async fn put(registry: &Registry, tenant: &str) {
    let new = NewTenant::active(id(tenant));
    registry.create(new, &ada()).await.unwrap();
    registry
        .update(&id(tenant), Expected::Any, login(), &ada())
        .await
        .unwrap();
}

async fn a_credential_that_was_moved_to_another_row_does_not_open(stage: Stage) {
    let registry = stage.registry().await;
    put(&registry, "acme").await;
    put(&registry, "beta").await;
    let mut side = stage.side().await;
    let own = side
        .texts("SELECT sealed_credential FROM tenancy_tenant WHERE id = 'acme'")
        .await;
    let own = own.trim();
    side.run(&format!(
        "UPDATE tenancy_tenant SET sealed_credential = '{own}' WHERE id = 'beta'"
    ))
    .await;
    let refused = registry.credential(&id("beta")).await.unwrap_err();
    assert_eq!(refused, RegistryError::Secrets(SecretsError::Refused));
    let opened = registry.credential(&id("acme")).await.unwrap();
    assert_eq!(opened.password().expose_secret(), PASSWORD);
    side.run("UPDATE tenancy_tenant SET sealed_credential = 'hunter2' WHERE id = 'beta'")
        .await;
    let refused = registry.credential(&id("beta")).await.unwrap_err();
    let malformed = RegistryError::Malformed { what: "credential" };
    assert_eq!(refused, malformed);
}

async fn keys_are_rotated_and_a_rotation_is_resumed(stage: Stage) {
    let old = SealingKey::generate("old").unwrap();
    let new = SealingKey::generate("new").unwrap();
    let with = |keyring: Keyring| stage.builder().keyring(keyring).install();
    let before = with(Keyring::new(old.clone())).await.unwrap();
    for tenant in ["a", "b", "c"] {
        put(&before, tenant).await;
    }
    let during = with(Keyring::new(new.clone()).accept(old).unwrap())
        .await
        .unwrap();
    let left = List::default().sealed_with_other_than("new").limit(1);
    // One at a time, as if it were killed after each.
    for count in (0..3).rev() {
        let next = during.list(&left).await.unwrap().remove(0);
        let again = during
            .update(next.id(), next.revision(), Change::reseal(), &ada())
            .await
            .unwrap();
        assert_eq!(again.sealed_credential().unwrap().key_id(), "new");
        let rest = during.list(&left.clone().limit(9)).await.unwrap();
        assert_eq!(rest.len(), count);
    }
    let after = with(Keyring::new(new)).await.unwrap();
    for tenant in ["a", "b", "c"] {
        let opened = after.credential(&id(tenant)).await.unwrap();
        assert_eq!(opened.password().expose_secret(), PASSWORD);
        let unknown = before.credential(&id(tenant)).await.unwrap_err();
        assert_eq!(unknown, RegistryError::Secrets(SecretsError::UnknownKey));
    }
}

async fn without_a_key_nothing_is_kept(stage: Stage) {
    let keyed = stage.registry().await;
    put(&keyed, "acme").await;
    keyed
        .create(NewTenant::active(id("beta")), &ada())
        .await
        .unwrap();
    let url = SecretString::from(stage.url.as_str());
    let keyless = Registry::builder(url).connect().await.unwrap();
    for (tenant, change) in [("beta", login()), ("acme", Change::reseal())] {
        let refused = keyless
            .update(&id(tenant), Expected::Any, change, &ada())
            .await;
        assert_eq!(refused.unwrap_err(), RegistryError::NoKeyring);
    }
    let refused = keyless.credential(&id("acme")).await.unwrap_err();
    assert_eq!(refused, RegistryError::NoKeyring);
    for (tenant, error) in [
        ("beta", RegistryError::NoCredential),
        ("nobody", RegistryError::NoSuchTenant),
    ] {
        let refused = keyed.credential(&id(tenant)).await.unwrap_err();
        assert_eq!(refused, error);
    }
    let forget = Change::forget_credential();
    keyless
        .update(&id("acme"), Expected::Any, forget, &ada())
        .await
        .unwrap();
    let refused = keyed.credential(&id("acme")).await.unwrap_err();
    assert_eq!(refused, RegistryError::NoCredential);
}

async fn no_secret_is_anywhere_but_sealed(stage: Stage) {
    let registry = stage.registry().await;
    let place = Placement::database("d1").with_credential("login-of-acme");
    let new = NewTenant::placed(id("acme"), place)
        .metadata(&"metadata-of-acme")
        .unwrap();
    let made = registry.create(new.clone(), &ada()).await.unwrap();
    let changed = registry
        .update(&id("acme"), made.revision(), login(), &ada())
        .await
        .unwrap();
    let opened = registry.credential(&id("acme")).await.unwrap();
    let sealed = changed.sealed_credential().unwrap().to_string();
    let builder = stage.builder();
    let audit = registry.audit(&id("acme"), None, 9).await.unwrap();
    let conflict = registry
        .update(&id("acme"), made.revision(), login(), &ada())
        .await
        .unwrap_err();
    let taken = registry.create(new.clone(), &ada()).await.unwrap_err();
    let mut shown = format!(
        "{new:?} {changed:?} {opened:?} {registry:?} {builder:?} {audit:?} {:?} {conflict:?} {conflict} {taken:?} {taken}",
        login()
    );
    for table in ["audit", "domain", "place"] {
        let mut side = stage.side().await;
        let columns = match table {
            "audit" => "tenant_id, actor, what, detail, old_status, new_status",
            "domain" => "domain, tenant_id",
            _ => "place, kind",
        };
        let sql = format!("SELECT {columns} FROM tenancy_{table}");
        shown.push_str(&side.texts(&sql).await);
    }
    let password = stage.url.split([':', '@']).nth(2).unwrap_or_default();
    let mut hidden = vec![
        PASSWORD,
        "tn_user",
        &sealed,
        "metadata-of-acme",
        "login-of-acme",
    ];
    if !stage.is_sqlite() {
        hidden.push(password);
    }
    for hidden in hidden {
        assert!(!shown.contains(hidden), "{hidden} is shown: {shown}");
    }
    let mut side = stage.side().await;
    let kept = "SELECT sealed_credential, sealed_with, metadata, outcome FROM tenancy_tenant";
    let kept = side.texts(kept).await;
    assert!(kept.contains(&sealed) && !kept.contains(PASSWORD) && !kept.contains("tn_user"));
}
