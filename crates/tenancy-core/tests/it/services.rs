//! Scopes handed to another service, and what a request says beside them.

use std::time::Duration;

use tenancy_core::{
    BoxError, CustomDomain, EnvelopeError, EnvelopeKeys, Error, Header, MemoryStore, Refusal,
    RequestView, Tenancy, TenantId, TenantScope, TenantStatus,
};

use crate::support::{Fake, Watched, domain, id, tenant};

const KEY: &str = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYh";
const MINUTE: Duration = Duration::from_mins(1);

fn tenants() -> MemoryStore {
    let store = MemoryStore::new([tenant("acme"), tenant("beta")]);
    for name in ["acme", "beta"] {
        let own = domain(&format!("{name}.example"));
        store.add_domain(&id(name), &own).unwrap();
    }
    store
}

/// Nobody is a member: an envelope asks for none.
fn tenancy(store: impl tenancy_core::TenantStore) -> Tenancy {
    Tenancy::builder(store)
        .resolve(CustomDomain::except("service.internal"))
        .resolve(Header::named("x-tenant-id"))
        .authorize(|_: &TenantId, _: &dyn RequestView| async { Ok::<_, BoxError>(false) })
        .envelope_keys(EnvelopeKeys::new(KEY.parse().unwrap()))
        .build()
}

async fn sealed(tenancy: &Tenancy) -> String {
    let sealed = tenancy.run("acme", async |scope: &TenantScope| {
        tenancy.service("notes")?.envelope(scope, MINUTE)
    });
    sealed.await.unwrap().as_str().to_owned()
}

async fn opened(tenancy: &Tenancy, envelope: &str, request: Fake) -> Result<TenantId, Error> {
    let service = tenancy.service("notes")?;
    let open = service.open_request(envelope, &request).await?;
    Ok(open.scope().tenant_id().clone())
}

#[tokio::test]
async fn a_request_names_the_same_tenant_or_none() {
    let tenancy = tenancy(tenants());
    let envelope = sealed(&tenancy).await;
    for request in [
        Fake::path("/"),
        Fake::host("service.internal"),
        Fake::host("acme.example"),
        Fake::host("acme.example").header("x-tenant-id", "acme"),
    ] {
        assert_eq!(
            opened(&tenancy, &envelope, request).await.unwrap(),
            id("acme")
        );
    }
    for request in [
        Fake::host("beta.example"),
        Fake::host("nobody.example"),
        Fake::host("acme.example").header("x-tenant-id", "beta"),
        Fake::host("beta.example").header("x-tenant-id", "acme"),
        Fake::path("/").header("x-tenant-id", "beta"),
    ] {
        let error = opened(&tenancy, &envelope, request).await.unwrap_err();
        assert!(
            matches!(error, Error::Refused(Refusal::Forbidden)),
            "{error}"
        );
    }
    let bad = Fake::path("/").header("x-tenant-id", "NO ID");
    let error = opened(&tenancy, &envelope, bad).await.unwrap_err();
    assert!(matches!(error, Error::Resolution(_)), "{error}");
}

#[tokio::test]
async fn the_tenant_is_looked_up_anew() {
    let store = tenants();
    let watched = Watched::new(&store);
    let tenancy = tenancy(watched);
    let envelope = sealed(&tenancy).await;
    assert!(opened(&tenancy, &envelope, Fake::path("/")).await.is_ok());
    // The cache still knows it as active.
    store
        .set_status(&id("acme"), TenantStatus::Suspended)
        .unwrap();
    let error = opened(&tenancy, &envelope, Fake::path("/"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Refused(Refusal::NotActive(_))),
        "{error}"
    );
    store.remove(&id("acme")).unwrap();
    let error = opened(&tenancy, &envelope, Fake::path("/"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Refused(Refusal::Unknown)), "{error}");
}

#[tokio::test]
async fn a_service_is_neither_a_queue_nor_another_service() {
    let tenancy = tenancy(tenants());
    let envelope = sealed(&tenancy).await;
    let wrong = |error: Error| matches!(error, Error::Envelope(EnvelopeError::WrongAudience));
    let others = [
        tenancy.service("billing").unwrap(),
        tenancy.audience("notes").unwrap(),
        tenancy.child_process(),
    ];
    for other in others {
        let open = other.open_request(&envelope, &Fake::path("/")).await;
        assert!(wrong(open.unwrap_err()), "{other:?}");
        let sealed = tenancy.run("acme", async |scope: &TenantScope| {
            other.envelope(scope, MINUTE)
        });
        let sealed = sealed.await.unwrap();
        let error = opened(&tenancy, sealed.as_str(), Fake::path("/")).await;
        assert!(wrong(error.unwrap_err()), "{other:?}");
    }
    // No audience is named as services are.
    assert!(tenancy.audience("service notes").is_err());
}

#[tokio::test]
async fn inside_another_scope_nothing_is_opened() {
    let tenancy = tenancy(tenants());
    let envelope = sealed(&tenancy).await;
    let inside = tenancy.run("beta", async |_: &TenantScope| {
        opened(&tenancy, &envelope, Fake::path("/")).await
    });
    assert!(matches!(inside.await, Err(Error::NestedTenant)));
}
