//! What the tables themselves refuse, also from somebody who doesn't ask the registry.

use tenancy_core::{Placement, TenantId};
use tenancy_fleet::registry::NewTenant;

use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(
    the_tables_refuse_what_the_registry_would,
    ids_and_domains_are_compared_byte_for_byte,
);

/// A row of a tenant, beside the registry.
fn row(tenant: &str, key: &str) -> String {
    format!(
        "INSERT INTO tenancy_tenant (id, status, strategy, placed, place, place_kind, place_key, metadata, \
         provisioning, revision, created_at, updated_at) VALUES ('{tenant}', 'suspended', 'database-per-tenant', 1, \
         {key}, 'null', 'ready', 1, 1, 1)"
    )
}

async fn the_tables_refuse_what_the_registry_would(stage: Stage) {
    let registry = stage.registry().await;
    let place = NewTenant::placed(id("acme"), Placement::database("d1"));
    registry
        .create(place.domain(domain("acme.example")), &ada())
        .await
        .unwrap();
    let mut side = stage.side().await;
    side.run(
        &row("control", "NULL, NULL, NULL").replace("'database-per-tenant', 1", "'row-level', 1"),
    )
    .await;
    for sql in [
        row("acme", "NULL, NULL, NULL"),
        // Its place again, as its own and as one to share.
        row("beta", "'-/2:d1', 'own', '-/2:d1'"),
        row("beta", "'-/2:d1', 'shared', '-/2:d1/1:x'"),
        row("beta", "'-/2:d9', 'own', '-/2:d9'"),
        row("beta", "NULL, NULL, NULL"),
        "INSERT INTO tenancy_domain (domain, tenant_id) VALUES ('acme.example', 'control')"
            .to_owned(),
        "INSERT INTO tenancy_domain (domain, tenant_id) VALUES ('x.example', 'nobody')".to_owned(),
        "INSERT INTO tenancy_place (place, kind) VALUES ('-/2:d1', 'shared')".to_owned(),
        "UPDATE tenancy_place SET kind = 'shared'".to_owned(),
        "DELETE FROM tenancy_place".to_owned(),
        "DELETE FROM tenancy_tenant WHERE id = 'acme'".to_owned(),
        "INSERT INTO tenancy_audit (tenant_id, revision, changed_at, actor, what, new_status) \
         VALUES ('acme', 1, 1, 'eve', 'status', 'active')"
            .to_owned(),
    ] {
        assert!(side.try_run(&sql).await.is_err(), "{sql}");
    }
}

async fn ids_and_domains_are_compared_byte_for_byte(stage: Stage) {
    let registry = stage.registry().await;
    let new = NewTenant::active(id("acme")).domain(domain("acme.example"));
    registry.create(new, &ada()).await.unwrap();
    let mut side = stage.side().await;
    // Each is another id; a loose collation would say that it is taken, or find it for `acme`.
    for (at, twin) in ["ACME", "acme ", "Acme", "acmé", "ａcme"]
        .into_iter()
        .enumerate()
    {
        side.run(
            &row(twin, "NULL, NULL, NULL").replace("'database-per-tenant', 1", "'row-level', 1"),
        )
        .await;
        side.run(&format!(
            "INSERT INTO tenancy_domain (domain, tenant_id) VALUES ('{}', '{twin}')",
            [
                "ACME.example",
                "acme.example ",
                "Acme.example",
                "acmé.example",
                "ａcme.example"
            ][at]
        ))
        .await;
    }
    let found = registry.get(&id("acme")).await.unwrap().unwrap();
    assert_eq!(found.domains(), [domain("acme.example")]);
    let by_domain = registry.find_by_domain(&domain("acme.example")).await;
    assert_eq!(by_domain.unwrap(), Some(found));
    let same = id("acme");
    assert_eq!(registry.audit(&same, None, 10).await.unwrap().len(), 1);
    assert!(TenantId::new("ACME").is_err() && TenantId::new("acme ").is_err());
}
