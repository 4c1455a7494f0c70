//! Stores that lie, and the one in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tenancy_core::{
    BoxError, CentralScope, Claim, Context, CustomDomain, Domain, Error, MemoryStore,
    MemoryStoreError, Refusal, SetByTrustedProxy, StoreError, Tenancy, TenantId, TenantRecord,
    TenantScope, TenantStatus, TenantStore,
};

use crate::support::{Fake, Puppet, domain, id, record, tenant, visit};

fn workers(store: impl TenantStore) -> Tenancy {
    Tenancy::builder(store).without_requests().build()
}

async fn by_id(records: Vec<TenantRecord>) -> Result<(), Error> {
    visit(
        &workers(Puppet {
            by_id: records,
            ..Puppet::default()
        }),
        "acme",
    )
    .await
}

/// Asks for `shop.example`.
async fn by_domain(store: impl TenantStore) -> Result<TenantId, Error> {
    let tenancy = Tenancy::builder(store)
        .resolve(SetByTrustedProxy(CustomDomain::except("service.example")))
        .trust_resolution()
        .build();
    let open = tenancy.open_request(&Fake::host("shop.example")).await?;
    Ok(open.scope().tenant_id().clone())
}

#[tokio::test]
async fn another_tenant_than_asked_for_is_refused() {
    assert!(by_id(vec![record("acme", &[])]).await.is_ok());
    for answer in [
        vec![record("beta", &[])],
        vec![record("acme", &[]), record("beta", &[])],
        vec![record("beta", &[]), record("acme", &[])],
        vec![record("Acme", &[])],
        vec![record("acme ", &[])],
        vec![record("", &[])],
    ] {
        let refused = by_id(answer).await;
        assert!(
            matches!(refused, Err(Error::Store(StoreError::WrongTenant))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn duplicates_are_refused_even_when_equal() {
    let twice = by_id(vec![record("acme", &[]), record("acme", &[])]).await;
    assert!(
        matches!(twice, Err(Error::Store(StoreError::Duplicate))),
        "{twice:?}"
    );
    let tenancy = workers(MemoryStore::new([tenant("acme"), tenant("acme")]));
    let in_memory = visit(&tenancy, "acme").await;
    assert!(matches!(
        in_memory,
        Err(Error::Store(StoreError::Duplicate))
    ));
}

#[tokio::test]
async fn malformed_records_are_refused_and_not_repeated() {
    let incoherent: tenancy_core::Placement =
        serde_json::from_value(serde_json::json!({"strategy": "row-level", "schema": "s3cret"}))
            .unwrap();
    for (what, broken) in [
        (
            "status",
            TenantRecord {
                status: "Active".into(),
                ..record("acme", &[])
            },
        ),
        (
            "status",
            TenantRecord {
                status: String::new(),
                ..record("acme", &[])
            },
        ),
        (
            "status",
            TenantRecord {
                status: "s3cret".into(),
                ..record("acme", &[])
            },
        ),
        (
            "placement",
            TenantRecord {
                placement: incoherent,
                ..record("acme", &[])
            },
        ),
        ("list of domains", record("acme", &["s3cret domain"])),
        ("list of domains", record("acme", &["Shop.example"])),
        ("list of domains", record("acme", &["shop.example:443"])),
        ("list of domains", record("acme", &[""])),
    ] {
        match by_id(vec![broken]).await {
            Err(Error::Store(error @ StoreError::Malformed { what: said })) => {
                assert_eq!(said, what);
                assert!(!format!("{error} {error:?}").contains("s3cret"));
                assert!(!format!("{error} {error:?}").contains("acme"));
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_domain_must_lead_to_a_record_that_lists_it() {
    let honest = record("acme", &["shop.example"]);
    let store = |by_domain: &[&TenantRecord], by_id: &[&TenantRecord]| Puppet {
        by_domain: by_domain.iter().map(|&record| record.clone()).collect(),
        by_id: by_id.iter().map(|&record| record.clone()).collect(),
    };
    assert_eq!(
        by_domain(store(&[&honest], &[&honest])).await.unwrap(),
        id("acme")
    );

    let other = record("beta", &["other.example"]);
    let foreign = by_domain(store(&[&other], &[&other])).await;
    assert!(
        matches!(foreign, Err(Error::Store(StoreError::WrongTenant))),
        "{foreign:?}"
    );

    let second = record("beta", &["shop.example"]);
    let both = by_domain(store(&[&honest, &second], &[&honest])).await;
    assert!(
        matches!(both, Err(Error::Store(StoreError::Duplicate))),
        "{both:?}"
    );

    let sloppy = record("acme", &["SHOP.example"]);
    let sloppy = by_domain(store(&[&sloppy], &[&sloppy])).await;
    assert!(
        matches!(sloppy, Err(Error::Store(StoreError::Malformed { .. }))),
        "{sloppy:?}"
    );

    let silent = record("acme", &[]);
    let inconsistent = by_domain(store(&[&honest], &[&silent])).await;
    assert!(matches!(
        inconsistent,
        Err(Error::Store(StoreError::Inconsistent))
    ));
    let vanished = by_domain(store(&[&honest], &[])).await;
    assert!(matches!(
        vanished,
        Err(Error::Store(StoreError::Inconsistent))
    ));
    let swapped = by_domain(store(&[&honest], &[&second])).await;
    assert!(matches!(
        swapped,
        Err(Error::Store(StoreError::WrongTenant))
    ));
}

/// Panics, now or when awaited.
struct Explosive {
    at_once: bool,
    defused: Arc<AtomicBool>,
}

impl TenantStore for Explosive {
    #[allow(clippy::manual_async_fn)]
    fn find(
        &self,
        id: &TenantId,
    ) -> impl Future<Output = Result<Vec<TenantRecord>, BoxError>> + Send {
        let defused = self.defused.load(Ordering::SeqCst);
        assert!(defused || !self.at_once, "at once");
        async move {
            assert!(defused, "when awaited");
            Ok(vec![record(id.as_str(), &[])])
        }
    }

    async fn find_by_domain(&self, _: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        Ok(vec![])
    }
}

#[tokio::test]
async fn a_panicking_store_is_an_error_and_not_remembered() {
    for at_once in [true, false] {
        let defused = Arc::new(AtomicBool::new(false));
        let tenancy = workers(Explosive {
            at_once,
            defused: Arc::clone(&defused),
        });
        for _ in 0..2 {
            let refused = visit(&tenancy, "acme").await;
            assert!(
                matches!(refused, Err(Error::Store(StoreError::Panicked))),
                "{refused:?}"
            );
        }
        defused.store(true, Ordering::SeqCst);
        assert!(visit(&tenancy, "acme").await.is_ok());
    }
}

/// Notes which scope is open where it is asked.
#[derive(Clone, Default)]
struct Nosy(Arc<Mutex<Vec<String>>>);

impl TenantStore for Nosy {
    async fn find(&self, id: &TenantId) -> Result<Vec<TenantRecord>, BoxError> {
        self.0
            .lock()
            .unwrap()
            .push(format!("{:?}", Context::current()));
        Ok(vec![record(id.as_str(), &[])])
    }

    async fn find_by_domain(&self, _: &Domain) -> Result<Vec<TenantRecord>, BoxError> {
        Ok(vec![])
    }
}

#[tokio::test]
async fn a_store_runs_outside_every_scope() {
    let store = Nosy::default();
    let tenancy = workers(store.clone());
    tenancy
        .central(
            "looks up inside",
            async |_: &CentralScope| -> Result<(), Error> {
                visit(&tenancy, "acme").await?;
                assert!(matches!(Context::current(), Context::Central(_)));
                Ok(())
            },
        )
        .await
        .unwrap();
    assert_eq!(*store.0.lock().unwrap(), ["None"]);
}

#[tokio::test]
async fn memory_store_keeps_ids_and_domains_unique() {
    let store = MemoryStore::new([tenant("acme"), tenant("beta")]);
    let shop = domain("shop.example");
    assert_eq!(
        store.insert(tenant("acme")),
        Err(MemoryStoreError::AlreadyThere)
    );
    store.add_domain(&id("acme"), &shop).unwrap();
    store.add_domain(&id("acme"), &shop).unwrap();
    let taken = store.add_domain(&id("beta"), &shop);
    assert_eq!(taken, Err(MemoryStoreError::DomainTaken));
    assert_eq!(by_domain(store.clone()).await.unwrap(), id("acme"));

    store.remove_domain(&id("acme"), &shop).unwrap();
    store.add_domain(&id("beta"), &shop).unwrap();
    assert_eq!(by_domain(store.clone()).await.unwrap(), id("beta"));

    store
        .set_status(&id("beta"), TenantStatus::Suspended)
        .unwrap();
    assert!(matches!(
        by_domain(store.clone()).await,
        Err(Error::Refused(Refusal::NotActive(TenantStatus::Suspended)))
    ));
    store.remove(&id("beta")).unwrap();
    assert_eq!(
        store.remove(&id("beta")),
        Err(MemoryStoreError::NoSuchTenant)
    );
    let gone = store.set_status(&id("beta"), TenantStatus::Active);
    assert_eq!(gone, Err(MemoryStoreError::NoSuchTenant));
    assert!(matches!(
        by_domain(store).await,
        Err(Error::Refused(Refusal::Unknown))
    ));
}

#[tokio::test]
async fn metadata_and_placement_come_through() {
    let acme = tenant("acme")
        .with_metadata(&serde_json::json!({"seats": 5}))
        .unwrap()
        .with_placement(tenancy_core::Placement::schema("acme"));
    let tenancy = Tenancy::builder(MemoryStore::new([acme.clone()]))
        .resolve(Claim::named("tenant"))
        .trust_resolution()
        .build();
    let found = tenancy
        .run("acme", async |scope: &TenantScope| -> Result<_, Error> {
            Ok(scope.tenant().clone())
        })
        .await
        .unwrap();
    assert!(found == acme);
    assert!(!format!("{:?}", TenantRecord::from(acme)).contains("seats"));
}
