//! Pages of tenants.

use secrecy::SecretString;
use tenancy_core::TenantStatus;
use tenancy_fleet::registry::{Change, Credential, Expected, List, NewTenant};

use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(pages_hold_every_tenant_once, a_filter_is_kept_over_pages);

async fn pages_hold_every_tenant_once(stage: Stage) {
    let registry = stage.registry().await;
    let mut ids: Vec<_> = (0..25).map(|at| format!("t{at}")).collect();
    for (at, tenant) in ids.iter().enumerate() {
        let domains = (0..at % 3).map(|n| domain(&format!("d{n}.{tenant}.example")));
        let new = domains.fold(NewTenant::active(id(tenant)), NewTenant::domain);
        registry.create(new, &ada()).await.unwrap();
    }
    ids.sort_unstable();
    for limit in [1, 7, 25, 100] {
        let (mut list, mut seen) = (List::default().limit(limit), Vec::new());
        loop {
            let page = registry.list(&list).await.unwrap();
            assert!(page.len() <= usize::from(limit));
            let Some(end) = page.last() else { break };
            list = list.after(end.id().clone());
            for entry in &page {
                assert_eq!(
                    registry.get(entry.id()).await.unwrap().as_ref(),
                    Some(entry)
                );
                seen.push(entry.id().to_string());
            }
        }
        assert_eq!(seen, ids);
    }
}

async fn a_filter_is_kept_over_pages(stage: Stage) {
    let registry = stage.registry().await;
    for tenant in ["a", "b", "c", "d"] {
        let new = NewTenant::active(id(tenant));
        registry.create(new, &ada()).await.unwrap();
    }
    for tenant in ["b", "d"] {
        let login = Credential::new("u", SecretString::from("p")).unwrap();
        let change = Change::status(TenantStatus::Suspended).and(Change::credential(login));
        registry
            .update(&id(tenant), Expected::Any, change, &ada())
            .await
            .unwrap();
    }
    let list = List::default().limit(1);
    for (list, expected) in [
        (list.clone().status(TenantStatus::Suspended), vec!["b", "d"]),
        (list.clone().status(TenantStatus::Active), vec!["a", "c"]),
        (list.clone().status(TenantStatus::Archived), vec![]),
        (list.clone().sealed_with_other_than("k2"), vec!["b", "d"]),
        (list.sealed_with_other_than("k1"), vec![]),
    ] {
        let (mut list, mut seen) = (list, Vec::new());
        while let Some(entry) = registry.list(&list).await.unwrap().pop() {
            seen.push(entry.id().to_string());
            list = list.after(entry.id().clone());
        }
        assert_eq!(seen, expected);
    }
}
