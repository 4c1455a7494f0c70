//! Of many at once, exactly one wins, and the others are told why.

use futures_util::future::join_all;
use tenancy_core::{Placement, Strategy, TenantStatus};
use tenancy_fleet::registry::{Change, Entry, Expected, NewTenant, Registry, RegistryError};

use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(
    one_creation_of_an_id_wins,
    one_creation_with_a_domain_wins,
    one_placement_at_a_place_wins,
    one_update_of_a_revision_wins,
    updates_without_a_revision_all_hold,
);

const CROWD: usize = 8;

/// Two programs, of which each has half of the crowd.
async fn programs(stage: &Stage) -> [Registry; 2] {
    let first = stage.registry().await;
    let second = stage.builder().connect().await.unwrap();
    [first, second]
}

fn judge(results: Vec<Result<Entry, RegistryError>>, error: &RegistryError) {
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{lost:?}");
    for result in lost {
        assert_eq!(&result.unwrap_err(), error);
    }
}

async fn one_creation_of_an_id_wins(stage: Stage) {
    let programs = programs(&stage).await;
    let create = |at: usize| {
        let registry = &programs[at % 2];
        async move {
            let new = NewTenant::active(id("acme"));
            registry.create(new, &ada()).await
        }
    };
    let results = join_all((0..CROWD).map(create)).await;
    judge(results, &RegistryError::IdTaken);
    let mut side = stage.side().await;
    let rows = "SELECT count(*) FROM tenancy_audit";
    assert_eq!(side.number(rows).await, 1);
}

async fn one_creation_with_a_domain_wins(stage: Stage) {
    let programs = programs(&stage).await;
    let create = |at: usize| {
        let registry = &programs[at % 2];
        async move {
            let new = NewTenant::active(id(&format!("t{at}"))).domain(domain("acme.example"));
            registry.create(new, &ada()).await
        }
    };
    let results = join_all((0..CROWD).map(create)).await;
    judge(results, &RegistryError::DomainTaken);
    let mut side = stage.side().await;
    for table in ["tenant", "domain", "audit"] {
        let rows = format!("SELECT count(*) FROM tenancy_{table}");
        assert_eq!(side.number(&rows).await, 1, "{table}");
    }
}

async fn one_placement_at_a_place_wins(stage: Stage) {
    let programs = programs(&stage).await;
    for (round, place) in [Placement::database("d1"), Placement::schema("s1")]
        .into_iter()
        .enumerate()
    {
        let mut tenants = Vec::new();
        for at in 0..CROWD {
            let tenant = id(&format!("t{round}-{at}"));
            let new = NewTenant::new(tenant.clone(), place.strategy());
            programs[0].create(new, &ada()).await.unwrap();
            tenants.push(tenant);
        }
        let claim = |at: usize| {
            let (registry, tenant, place) = (&programs[at % 2], &tenants[at], place.clone());
            async move {
                let change = Change::placement(place);
                registry.update(tenant, Expected::Any, change, &ada()).await
            }
        };
        let results = join_all((0..CROWD).map(claim)).await;
        judge(results, &RegistryError::PlaceTaken);
    }
    let mut side = stage.side().await;
    let placed = "SELECT count(*) FROM tenancy_tenant WHERE placed = 1";
    assert_eq!(side.number(placed).await, 2);
}

async fn one_update_of_a_revision_wins(stage: Stage) {
    let programs = programs(&stage).await;
    let new = NewTenant::active(id("acme"));
    let read = programs[0].create(new, &ada()).await.unwrap().revision();
    let update = |at: usize| {
        let registry = &programs[at % 2];
        async move {
            let change = Change::applied_version(Some(i64::try_from(at).unwrap()));
            registry.update(&id("acme"), read, change, &ada()).await
        }
    };
    let results = join_all((0..CROWD).map(update)).await;
    let conflict = RegistryError::Conflict {
        expected: 1,
        found: 2,
    };
    judge(results, &conflict);
    let mut side = stage.side().await;
    let rows = "SELECT count(*) FROM tenancy_audit";
    assert_eq!(side.number(rows).await, 2);
}

async fn updates_without_a_revision_all_hold(stage: Stage) {
    let programs = programs(&stage).await;
    let new = NewTenant::new(id("acme"), Strategy::RowLevel);
    programs[0].create(new, &ada()).await.unwrap();
    let update = |at: usize| {
        let registry = &programs[at % 2];
        async move {
            let change = match at % 2 {
                0 => Change::status(TenantStatus::Suspended),
                _ => Change::add_domain(domain(&format!("d{at}.example"))),
            };
            registry
                .update(&id("acme"), Expected::Any, change, &ada())
                .await
        }
    };
    for result in join_all((0..CROWD).map(update)).await {
        result.unwrap();
    }
    let now = programs[1].get(&id("acme")).await.unwrap().unwrap();
    assert_eq!(now.revision().number(), 1 + i64::try_from(CROWD).unwrap());
    assert_eq!(now.domains().len(), CROWD / 2);
    let audit = programs[1].audit(&id("acme"), None, 100).await.unwrap();
    assert_eq!(audit.len(), 1 + CROWD);
}
