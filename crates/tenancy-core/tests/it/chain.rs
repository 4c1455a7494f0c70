//! Several resolvers together.

use tenancy_core::{
    Claim, CustomDomain, Error, Extracted, Header, MemoryStore, Outcome, RequestView,
    ResolutionError, SetByTrustedProxy, Subdomain, Tenancy, TenantId,
};

use crate::support::{Fake, domain, id, tenant};

fn tenancy() -> Tenancy {
    let store = MemoryStore::new([tenant("acme"), tenant("beta")]);
    store.add_domain(&id("acme"), &domain("shop.org")).unwrap();
    Tenancy::builder(store)
        .resolve(Claim::named("tenant"))
        .resolve(SetByTrustedProxy(Header::named("x-tenant-id")))
        .resolve(SetByTrustedProxy(Subdomain::of("example.com")))
        .resolve(SetByTrustedProxy(CustomDomain::except("example.com")))
        .trust_resolution()
        .build()
}

async fn ask(request: &Fake) -> Result<TenantId, Error> {
    let open = tenancy().open_request(request).await?;
    Ok(open.scope().tenant_id().clone())
}

#[tokio::test]
async fn agreement_resolves() {
    for request in [
        Fake::path("/").claim("tenant", "acme"),
        Fake::host("acme.example.com"),
        Fake::host("example.com").header("x-tenant-id", "acme"),
        Fake::host("acme.example.com")
            .claim("tenant", "acme")
            .header("x-tenant-id", "acme"),
        Fake::host("shop.org"),
        Fake::host("shop.org").claim("tenant", "acme"),
    ] {
        assert_eq!(ask(&request).await.unwrap(), id("acme"));
    }
}

#[tokio::test]
async fn a_request_opens_no_second_scope_inside_a_tenants() {
    let tenancy = tenancy();
    let outer = tenancy
        .open_request(&Fake::host("acme.example.com"))
        .await
        .unwrap();
    for host in ["acme.example.com", "beta.example.com"] {
        let request = Fake::host(host);
        let inner = outer.scope().scope(tenancy.open_request(&request)).await;
        assert!(matches!(inner, Err(Error::NestedTenant)), "{inner:?}");
    }
}

#[tokio::test]
async fn a_bad_identifier_never_falls_through() {
    let good = || Fake::host("acme.example.com").claim("tenant", "acme");
    for (resolver, request) in [
        ("header", good().header("x-tenant-id", "ACME")),
        ("header", good().header("x-tenant-id", "")),
        ("claim", Fake::host("acme.example.com").claim("tenant", "")),
        (
            "subdomain",
            Fake::host("a.acme.example.com").claim("tenant", "acme"),
        ),
        ("subdomain", good().header("host", "acme.example.com")),
        // Bad wins over ambiguous, wherever it stands in the chain.
        (
            "subdomain",
            Fake::host("x..y")
                .claim("tenant", "acme")
                .header("x-tenant-id", "beta"),
        ),
    ] {
        match ask(&request).await {
            Err(Error::Resolution(ResolutionError::Invalid { resolver: said, .. })) => {
                assert_eq!(said, resolver);
            }
            other => panic!("{resolver}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn disagreement_is_refused() {
    for request in [
        Fake::host("acme.example.com").claim("tenant", "beta"),
        Fake::host("acme.example.com").header("x-tenant-id", "beta"),
        Fake::host("example.com")
            .claim("tenant", "beta")
            .header("x-tenant-id", "acme"),
        Fake::host("example.com")
            .claim("tenant", "no-such")
            .header("x-tenant-id", "acme"),
    ] {
        let refused = ask(&request).await;
        assert_eq!(
            Outcome::of(&refused),
            Some(Outcome::Ambiguous),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn an_id_beside_another_tenants_domain_looks_like_an_unknown_domain() {
    let known = ask(&Fake::host("shop.org").claim("tenant", "beta"))
        .await
        .unwrap_err();
    let unknown = ask(&Fake::host("nobody.org").claim("tenant", "beta"))
        .await
        .unwrap_err();
    assert_eq!(
        format!("{known:?} {known}"),
        format!("{unknown:?} {unknown}")
    );
}

#[tokio::test]
async fn nothing_said_is_no_identifier() {
    for request in [
        Fake::path("/"),
        Fake::host("example.com"),
        Fake::host("example.com:80"),
    ] {
        let refused = ask(&request).await;
        assert_eq!(
            Outcome::of(&refused),
            Some(Outcome::NoIdentifier),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn without_a_chain_every_request_is_refused() {
    let tenancy = Tenancy::builder(MemoryStore::new([tenant("acme")]))
        .without_requests()
        .build();
    let request = Fake::host("acme.example.com").claim("tenant", "acme");
    let refused = tenancy.open_request(&request).await;
    assert!(matches!(refused, Err(tenancy_core::Error::WithoutRequests)));
}

#[tokio::test]
async fn errors_repeat_nothing_of_the_request() {
    for request in [
        Fake::host("acme.example.com").header("x-tenant-id", "s3cret!"),
        Fake::host("s3cret!"),
        Fake::path("/").claim("tenant", "s3cret!"),
        Fake::path("/").claim("tenant", "s3cret"),
        Fake::host("s3cret.org"),
    ] {
        let error = ask(&request).await.unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("s3cret"),
            "{error:?}"
        );
    }
}

#[test]
fn a_closure_is_asked_as_any_other() {
    let none = tenancy_core::Custom::spoofable("none", |_: &dyn RequestView| Extracted::None);
    assert_eq!(format!("{none:?}"), "Custom { name: \"none\", .. }");
}
