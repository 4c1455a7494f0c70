//! Whose part of a flat key space is whose.

use std::collections::HashMap;

use proptest::prelude::*;
use tenancy_core::{CentralScope, Error, KeySpace, MemoryStore, Tenancy, TenantId, TenantScope};

use crate::support::{id, tenant};

fn tenancy() -> Tenancy {
    let store = MemoryStore::new([tenant("acme"), tenant("beta"), tenant("central")]);
    Tenancy::builder(store).without_requests().build()
}

#[tokio::test]
async fn it_is_the_scopes_and_nobody_elses() {
    let tenancy = tenancy();
    for name in ["acme", "beta", "central"] {
        let text = tenancy
            .run(name, async |scope: &TenantScope| -> Result<_, Error> {
                Ok(KeySpace::of(scope)?.to_string())
            })
            .await
            .unwrap();
        assert_eq!(text, format!("tenant={name}"));
    }
    let text = tenancy
        .central(
            "a report",
            async |scope: &CentralScope| -> Result<_, Error> {
                Ok(KeySpace::of_central(scope)?.to_string())
            },
        )
        .await
        .unwrap();
    assert_eq!(text, "central", "which no tenant's is, whatever its id");
}

#[tokio::test]
async fn a_scope_that_is_over_or_not_the_open_one_has_none() {
    let tenancy = tenancy();
    let (mut kept, mut kept_central) = (None, None);
    tenancy
        .run("acme", async |scope: &TenantScope| -> Result<(), Error> {
            kept = Some(scope.ticket());
            Ok(())
        })
        .await
        .unwrap();
    tenancy
        .central(
            "a report",
            async |central: &CentralScope| -> Result<(), Error> {
                kept_central = Some(central.ticket());
                let inner = tenancy.run("acme", async |_: &TenantScope| -> Result<(), Error> {
                    let outer = KeySpace::of_central(central);
                    assert!(matches!(outer, Err(Error::ScopeMismatch)), "{outer:?}");
                    Ok(())
                });
                inner.await
            },
        )
        .await
        .unwrap();
    let ended = KeySpace::of(kept.as_ref().unwrap()).map(|space| space.to_string());
    assert!(matches!(ended, Err(Error::ScopeEnded)), "{ended:?}");
    let ended = KeySpace::of_central(kept_central.as_ref().unwrap()).map(|s| s.to_string());
    assert!(matches!(ended, Err(Error::ScopeEnded)), "{ended:?}");
}

/// Ids and keys that look like one another, like separators and like the other's beginning.
fn near() -> impl Strategy<Value = (TenantId, String)> {
    ("[ab][ab_-]{0,3}[ab]|[ab]", "[ab/:=_-]{0,4}").prop_map(|(name, key)| (id(&name), key))
}

proptest! {
    #[test]
    fn no_two_tenants_keys_are_one(pairs in proptest::collection::vec(near(), 2..40)) {
        for separator in ['/', ':'] {
            let mut seen = HashMap::new();
            for (tenant, key) in &pairs {
                let whole = format!("{}{separator}{key}", KeySpace::to_remove(tenant));
                if let Some(other) = seen.insert(whole.clone(), (tenant, key)) {
                    prop_assert_eq!(other, (tenant, key), "{}", whole);
                }
                prop_assert!(!whole.starts_with("central"));
            }
        }
    }
}
