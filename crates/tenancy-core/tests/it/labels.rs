//! How many labels there are, and whose.

use std::collections::BTreeSet;
use std::sync::Arc;

use tenancy_core::{Error, MemoryStore, Tenancy, TenantLabels, TenantScope};

use crate::support::{id, tenant};

async fn label(tenancy: &Tenancy, labels: &TenantLabels, name: &str) -> Arc<str> {
    tenancy
        .run(name, async |scope: &TenantScope| -> Result<_, Error> {
            Ok(labels.of(scope))
        })
        .await
        .unwrap()
}

fn tenancy(names: &[String]) -> Tenancy {
    let tenants = names.iter().map(|name| tenant(name));
    Tenancy::builder(MemoryStore::new(tenants))
        .without_requests()
        .build()
}

fn names() -> Vec<String> {
    (0..300).map(|number| format!("t{number}")).collect()
}

#[tokio::test]
async fn the_first_ones_have_one_and_keep_it() {
    let (names, labels) = (names(), TenantLabels::first(3));
    let tenancy = tenancy(&names);
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        for name in &names {
            seen.insert(label(&tenancy, &labels.clone(), name).await.to_string());
        }
    }
    let expected = ["_other", "t0", "t1", "t2"].map(str::to_owned);
    assert_eq!(seen, BTreeSet::from(expected));
    // Also when its right has ended: another in its place would be one label more.
    tenancy.invalidate_all();
    assert_eq!(
        &*label(&tenancy, &labels, "t299").await,
        TenantLabels::OTHER
    );
    assert_eq!(&*label(&tenancy, &labels, "t2").await, "t2");
    assert_eq!(format!("{labels:?}"), "TenantLabels { named: 3, .. }");
}

#[tokio::test]
async fn those_that_the_operator_names_have_one_and_nobody_else() {
    let names = ["acme", "other", "zeta"].map(str::to_owned);
    let tenancy = tenancy(&names);
    let labels = TenantLabels::only([id("acme"), id("other")]);
    for (name, expected) in [("zeta", "_other"), ("acme", "acme"), ("other", "other")] {
        assert_eq!(&*label(&tenancy, &labels, name).await, expected);
    }
    assert_eq!(
        &*label(&tenancy, &TenantLabels::first(0), "acme").await,
        "_other"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_bound_holds_where_all_ask_at_once() {
    let names = names();
    let (tenancy, labels) = (tenancy(&names), TenantLabels::first(7));
    let asked = names.into_iter().map(|name| {
        let (tenancy, labels) = (tenancy.clone(), labels.clone());
        tokio::spawn(async move { label(&tenancy, &labels, &name).await })
    });
    let mut seen = BTreeSet::new();
    for task in asked.collect::<Vec<_>>() {
        seen.insert(task.await.unwrap());
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[tokio::test]
async fn a_tenant_that_is_refused_gets_none() {
    let labels = TenantLabels::first(3);
    let tenancy = tenancy(&["acme".to_owned()]);
    for name in ["nobody", "acme"] {
        let work = async |scope: &TenantScope| -> Result<_, Error> { Ok(labels.of(scope)) };
        let outcome = tenancy.run(name, work).await;
        assert_eq!(outcome.is_ok(), name == "acme");
    }
    assert_eq!(format!("{labels:?}"), "TenantLabels { named: 1, .. }");
}
