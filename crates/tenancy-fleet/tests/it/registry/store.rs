//! The registry as core's store.

use tenancy_core::{
    Error, Placement, Refusal, Strategy, Tenancy, TenantScope, TenantStatus, TenantStore,
};
use tenancy_fleet::registry::{Change, Expected, NewTenant};

use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(a_tenant_is_served_when_it_is_active);

async fn a_tenant_is_served_when_it_is_active(stage: Stage) {
    let registry = stage.registry().await;
    let place = Placement::schema("acme").on_server("s1");
    let new = NewTenant::placed(id("acme"), place.clone())
        .status(TenantStatus::Active)
        .metadata(&serde_json::json!({"seats": 5}))
        .unwrap()
        .domain(domain("acme.example"))
        .domain(domain("b.acme.example"));
    registry.create(new, &ada()).await.unwrap();
    let unplaced = NewTenant::new(id("beta"), Strategy::SchemaPerTenant);
    registry
        .create(unplaced.domain(domain("beta.example")), &ada())
        .await
        .unwrap();

    let by_id = registry.find(&id("acme")).await.unwrap();
    let by_domain = TenantStore::find_by_domain(&registry, &domain("b.acme.example"))
        .await
        .unwrap();
    assert_eq!(by_id, by_domain);
    assert_eq!(by_id[0].domains, ["acme.example", "b.acme.example"]);
    assert_eq!(registry.find(&id("beta")).await.unwrap(), []);
    let none = TenantStore::find_by_domain(&registry, &domain("beta.example")).await;
    assert_eq!(none.unwrap(), []);

    let tenancy = Tenancy::builder(registry.clone())
        .without_requests()
        .build();
    let visit = async |tenant: &'static str| {
        tenancy
            .run(tenant, async |scope: &TenantScope| {
                Ok::<_, Error>(scope.tenant().placement().clone())
            })
            .await
    };
    assert_eq!(visit("acme").await.unwrap(), place);
    for tenant in ["beta", "nobody"] {
        let refused = visit(tenant).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(Refusal::Unknown)));
    }
    let suspend = Change::status(TenantStatus::Suspended);
    registry
        .update(&id("acme"), Expected::Any, suspend, &ada())
        .await
        .unwrap();
    tenancy.invalidate(&id("acme"));
    assert!(visit("acme").await.is_err());
}
