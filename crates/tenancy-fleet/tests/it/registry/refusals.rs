//! What is refused leaves nothing behind: no row, no audit.

use tenancy_core::{Placement, Strategy, TenantStatus};
use tenancy_fleet::registry::{Change, Expected, NewTenant, Provisioning, RegistryError};

use super::side::Side;
use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(
    a_refused_change_leaves_nothing,
    a_lost_update_is_refused,
    a_failure_in_the_middle_rolls_back,
    an_active_tenant_is_whole,
);

/// Everything that the registry keeps, as text.
async fn all(side: &mut Side) -> String {
    let mut all = side
        .texts("SELECT id, status, placed, place_key, revision, metadata, updated_at FROM (SELECT id, status, CASE placed WHEN 1 THEN 'y' ELSE 'n' END AS placed, place_key, CASE revision WHEN 1 THEN '1' WHEN 2 THEN '2' ELSE 'more' END AS revision, metadata, outcome AS updated_at FROM tenancy_tenant) AS t ORDER BY id")
        .await;
    for sql in [
        "SELECT domain, tenant_id FROM tenancy_domain ORDER BY domain",
        "SELECT place, kind FROM tenancy_place ORDER BY place",
        "SELECT tenant_id, what FROM tenancy_audit ORDER BY tenant_id, revision",
    ] {
        all.push_str(&side.texts(sql).await);
    }
    all.push_str(
        &side
            .number("SELECT changes FROM tenancy_registry")
            .await
            .to_string(),
    );
    all
}

async fn a_refused_change_leaves_nothing(stage: Stage) {
    let registry = stage.registry().await;
    let place = Placement::database("d1");
    for new in [
        NewTenant::placed(id("acme"), place.clone()).domain(domain("acme.example")),
        NewTenant::new(id("beta"), Strategy::DatabasePerTenant),
        NewTenant::active(id("gone")),
    ] {
        registry.create(new, &ada()).await.unwrap();
    }
    let archive = Change::status(TenantStatus::Archived);
    registry
        .update(&id("gone"), Expected::Any, archive, &ada())
        .await
        .unwrap();
    let mut side = stage.side().await;
    let before = all(&mut side).await;

    let update = |tenant: &'static str, change: Change| {
        let registry = &registry;
        async move {
            registry
                .update(&id(tenant), Expected::Any, change, &ada())
                .await
                .unwrap_err()
        }
    };
    let noted = || Change::metadata(&"changed").unwrap();
    let taken = Change::add_domain(domain("acme.example"));
    assert_eq!(
        update("beta", noted().and(taken)).await,
        RegistryError::DomainTaken
    );
    assert_eq!(
        update("beta", noted().and(Change::placement(place))).await,
        RegistryError::PlaceTaken
    );
    let elsewhere = Change::placement(Placement::database("d2"));
    assert_eq!(
        update("acme", noted().and(elsewhere)).await,
        RegistryError::PlacedElsewhere
    );
    let other_strategy = Change::placement(Placement::shared());
    assert_eq!(
        update("beta", other_strategy).await,
        RegistryError::PlacedElsewhere
    );
    assert_eq!(
        update("beta", Change::status(TenantStatus::Active)).await,
        RegistryError::NotReady
    );
    assert_eq!(
        update("gone", Change::status(TenantStatus::Active)).await,
        RegistryError::Archived
    );
    assert_eq!(update("nobody", noted()).await, RegistryError::NoSuchTenant);
    assert_eq!(
        update("beta", Change::reseal()).await,
        RegistryError::NoCredential
    );
    assert_eq!(
        update("beta", noted().and(noted())).await,
        RegistryError::Change
    );
    for new in [NewTenant::active(id("beta")), NewTenant::active(id("gone"))] {
        let refused = registry.create(new, &ada()).await.unwrap_err();
        assert_eq!(refused, RegistryError::IdTaken);
    }
    let new = NewTenant::active(id("new")).domain(domain("acme.example"));
    let refused = registry.create(new, &ada()).await.unwrap_err();
    assert_eq!(refused, RegistryError::DomainTaken);
    assert_eq!(all(&mut side).await, before);
}

async fn a_lost_update_is_refused(stage: Stage) {
    let registry = stage.registry().await;
    let new = NewTenant::active(id("acme"));
    let read = registry.create(new, &ada()).await.unwrap().revision();
    let first = Change::metadata(&"first").unwrap();
    registry
        .update(&id("acme"), read, first, &ada())
        .await
        .unwrap();
    let second = Change::metadata(&"second").unwrap();
    let refused = registry.update(&id("acme"), read, second, &ada()).await;
    let conflict = RegistryError::Conflict {
        expected: 1,
        found: 2,
    };
    assert_eq!(refused.unwrap_err(), conflict);
    let mut side = stage.side().await;
    let kept = side.texts("SELECT metadata FROM tenancy_tenant").await;
    assert_eq!(kept, "\"first\"\n");
    let rows = "SELECT count(*) FROM tenancy_audit";
    assert_eq!(side.number(rows).await, 2);
}

async fn a_failure_in_the_middle_rolls_back(stage: Stage) {
    let registry = stage.registry().await;
    let new = NewTenant::new(id("acme"), Strategy::SchemaPerTenant);
    registry.create(new, &ada()).await.unwrap();
    let mut side = stage.side().await;
    let before = all(&mut side).await;
    side.break_the_audit().await;
    let change = Change::placement(Placement::schema("acme"))
        .and(Change::add_domain(domain("acme.example")))
        .and(Change::metadata(&"secret value").unwrap())
        .and(Change::provisioning(Provisioning::Ready));
    for _ in 0..8 {
        let failed = registry
            .update(&id("acme"), Expected::Any, change.clone(), &ada())
            .await
            .unwrap_err();
        assert!(matches!(failed, RegistryError::Database(_)), "{failed:?}");
        assert!(!format!("{failed} {failed:?}").contains("secret"));
        let new = NewTenant::active(id("beta")).domain(domain("beta.example"));
        registry.create(new, &ada()).await.unwrap_err();
    }
    assert_eq!(all(&mut side).await, before);
}

async fn an_active_tenant_is_whole(stage: Stage) {
    let registry = stage.registry().await;
    let unplaced = NewTenant::new(id("acme"), Strategy::DatabasePerTenant);
    for new in [
        unplaced.clone().status(TenantStatus::Active),
        unplaced
            .placement(Placement::database("d1"))
            .status(TenantStatus::Active),
    ] {
        let refused = registry.create(new, &ada()).await;
        assert_eq!(refused.unwrap_err(), RegistryError::NotReady);
    }
    let placed = NewTenant::placed(id("acme"), Placement::database("d1"));
    let made = registry
        .create(placed.status(TenantStatus::Active), &ada())
        .await
        .unwrap();
    let half = Change::provisioning(Provisioning::Removing);
    let refused = registry
        .update(&id("acme"), made.revision(), half, &ada())
        .await;
    assert_eq!(refused.unwrap_err(), RegistryError::NotReady);
    // The table itself says so, too.
    let mut side = stage.side().await;
    for sql in [
        "UPDATE tenancy_tenant SET provisioning = 'removing'",
        "UPDATE tenancy_tenant SET placed = 0",
        "UPDATE tenancy_tenant SET place_key = NULL",
        "UPDATE tenancy_tenant SET status = 'open'",
    ] {
        assert!(side.try_run(sql).await.is_err(), "{sql}");
    }
}
