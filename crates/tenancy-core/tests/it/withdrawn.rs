//! Who is told that a tenant's right may have ended.

use std::sync::{Arc, Mutex};

use tenancy_core::{CacheOptions, MemoryStore, Tenancy, TenantStatus, Withdrawn};

use crate::support::{id, tenant, visit};

/// What was told, in order: a tenant's id, or `*`.
fn told(tenancy: &Tenancy) -> Arc<Mutex<Vec<String>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    tenancy.on_withdrawn(move |withdrawn| {
        sink.lock().unwrap().push(match withdrawn {
            Withdrawn::Tenant(tenant) => tenant.to_string(),
            _ => "*".to_owned(),
        });
    });
    told
}

fn tenancy(store: &MemoryStore, options: CacheOptions) -> Tenancy {
    Tenancy::builder(store.clone())
        .without_requests()
        .cache(options)
        .build()
}

#[tokio::test]
async fn an_invalidation_is_told_to_all_that_asked() {
    let store = MemoryStore::new([tenant("acme"), tenant("beta")]);
    let tenancy = tenancy(&store, CacheOptions::default());
    let (one, two) = (told(&tenancy), told(&tenancy));
    visit(&tenancy, "acme").await.unwrap();
    tenancy.invalidate(&id("acme"));
    tenancy.clone().invalidate_all();
    for told in [one, two] {
        assert_eq!(*told.lock().unwrap(), ["acme", "*"]);
    }
}

#[tokio::test]
async fn a_store_that_no_longer_has_it_active_is_told_where_it_is_asked() {
    for options in [CacheOptions::default(), CacheOptions::disabled()] {
        let store = MemoryStore::new([tenant("acme")]);
        let tenancy = tenancy(&store, options);
        let told = told(&tenancy);
        visit(&tenancy, "acme").await.unwrap();
        assert_eq!(*told.lock().unwrap(), [""; 0], "it is active");
        store
            .set_status(&id("acme"), TenantStatus::Suspended)
            .unwrap();
        tenancy.invalidate_all();
        assert!(visit(&tenancy, "acme").await.is_err());
        assert_eq!(*told.lock().unwrap(), ["*", "acme"]);
        store.remove(&id("acme")).unwrap();
        tenancy.invalidate_all();
        assert!(visit(&tenancy, "acme").await.is_err());
        assert_eq!(*told.lock().unwrap(), ["*", "acme", "*", "acme"]);
    }
}

#[tokio::test]
async fn one_that_panics_keeps_it_from_nobody() {
    let store = MemoryStore::new([tenant("acme")]);
    let tenancy = tenancy(&store, CacheOptions::default());
    tenancy.on_withdrawn(|_| panic!("it was to be told"));
    let told = told(&tenancy);
    tenancy.invalidate(&id("acme"));
    assert_eq!(*told.lock().unwrap(), ["acme"]);
    visit(&tenancy, "acme").await.unwrap();
}
