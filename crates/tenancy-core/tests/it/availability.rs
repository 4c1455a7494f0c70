//! Maintenance and read-only: who is let in, who is told, and who sees nothing of it.

use std::time::{Duration, SystemTime};

use tenancy_core::{
    Availability, BoxError, EnvelopeKey, EnvelopeKeys, Error, Header, MemoryStore, Outcome,
    RequestView, Tenancy, TenantId, TenantRecord, TenantScope,
};

use crate::support::{Fake, id, tenant, visit};

const MAINTENANCE: Availability = Availability::Maintenance { until: None };
const READ_ONLY: Availability = Availability::ReadOnly { until: None };

struct World {
    store: MemoryStore,
    tenancy: Tenancy,
}

impl World {
    fn new() -> Self {
        let store = MemoryStore::new([tenant("acme"), tenant("globex")]);
        let tenancy = Tenancy::builder(store.clone())
            .resolve(Header::named("x-tenant-id"))
            .authorize(async |tenant: &TenantId, request: &dyn RequestView| {
                Ok::<bool, BoxError>(request.claim("tenant") == Some(tenant.as_str()))
            })
            .envelope_keys(EnvelopeKeys::new(EnvelopeKey::random("k1").unwrap()))
            .build();
        Self { store, tenancy }
    }

    fn set(&self, availability: Availability) {
        self.store
            .set_availability(&id("acme"), availability)
            .unwrap();
        self.tenancy.invalidate(&id("acme"));
    }

    /// Whether the scope that was opened is read-only.
    async fn ask(&self, request: Fake) -> Result<bool, Error> {
        let open = self.tenancy.open_request(&request).await?;
        Ok(open.scope().is_read_only())
    }
}

fn asked(name: &str, member_of: &str) -> Fake {
    Fake::path("/")
        .header("x-tenant-id", name)
        .claim("tenant", member_of)
}

fn unavailable<T>(result: Result<T, Error>) -> tenancy_core::Unavailable {
    match result {
        Err(Error::Unavailable(unavailable)) => unavailable,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[tokio::test]
async fn members_are_told_of_a_maintenance_and_let_in_after_it() {
    let world = World::new();
    world.set(MAINTENANCE);
    for request in [asked("acme", "acme"), asked("acme", "acme").only_reading()] {
        let refused = world.ask(request).await;
        assert_eq!(Outcome::of(&refused), Some(Outcome::Unavailable));
        let told = unavailable(refused);
        assert!(!told.is_read_only());
        assert_eq!(told.wait(), None);
    }
    assert!(!world.ask(asked("globex", "globex")).await.unwrap());
    world.set(Availability::Open);
    assert!(!world.ask(asked("acme", "acme")).await.unwrap());
}

#[tokio::test]
async fn outsiders_see_an_unknown_tenant() {
    let world = World::new();
    let unknown = world.ask(asked("nobody", "globex")).await.unwrap_err();
    for availability in [MAINTENANCE, READ_ONLY] {
        world.set(availability);
        for request in [
            asked("acme", "globex"),
            asked("acme", "globex").only_reading(),
        ] {
            let refused = world.ask(request).await.unwrap_err();
            assert!(matches!(refused, Error::Refused(_)), "{refused}");
            assert_eq!(refused.to_string(), unknown.to_string());
        }
    }
}

#[tokio::test]
async fn a_status_comes_before_an_availability() {
    let world = World::new();
    world.set(MAINTENANCE);
    world
        .store
        .set_status(&id("acme"), tenancy_core::TenantStatus::Suspended)
        .unwrap();
    world.tenancy.invalidate(&id("acme"));
    let refused = world.ask(asked("acme", "acme")).await;
    assert_eq!(Outcome::of(&refused), Some(Outcome::NotActive));
    let operator = world
        .tenancy
        .maintain("acme", async |_: &TenantScope| Ok::<_, Error>(()))
        .await;
    assert!(matches!(operator, Err(Error::Refused(_))), "{operator:?}");
}

#[tokio::test]
async fn a_read_only_tenant_lets_readers_in_alone() {
    let world = World::new();
    world.set(READ_ONLY);
    assert!(
        world
            .ask(asked("acme", "acme").only_reading())
            .await
            .unwrap()
    );
    // A view that says nothing of its method may write.
    assert!(unavailable(world.ask(asked("acme", "acme")).await).is_read_only());
    world.set(Availability::Open);
    assert!(
        !world
            .ask(asked("acme", "acme").only_reading())
            .await
            .unwrap()
    );
    assert!(!world.ask(asked("acme", "acme")).await.unwrap());
}

#[tokio::test]
async fn workers_get_an_error_or_a_read_only_scope() {
    let world = World::new();
    let envelope = world
        .tenancy
        .run("acme", async |scope: &TenantScope| {
            world.tenancy.envelope(scope, Duration::from_mins(1))
        })
        .await
        .unwrap();
    let is_read_only =
        async |scope: &TenantScope| -> Result<bool, Error> { Ok(scope.is_read_only()) };

    world.set(MAINTENANCE);
    unavailable(visit(&world.tenancy, "acme").await);
    unavailable(world.tenancy.run_envelope(&envelope, is_read_only).await);

    world.set(READ_ONLY);
    assert!(world.tenancy.run("acme", is_read_only).await.unwrap());
    assert!(
        world
            .tenancy
            .run_envelope(&envelope, is_read_only)
            .await
            .unwrap()
    );

    world.set(Availability::Open);
    assert!(!world.tenancy.run("acme", is_read_only).await.unwrap());
}

#[tokio::test]
async fn the_maintenance_itself_reads_and_writes() {
    let world = World::new();
    for availability in [Availability::Open, READ_ONLY, MAINTENANCE] {
        world.set(availability);
        world
            .tenancy
            .maintain("acme", async |scope: &TenantScope| -> Result<(), Error> {
                assert!(!scope.is_read_only());
                // The same scope, whatever opens it again.
                world
                    .tenancy
                    .run("acme", async |inner: &TenantScope| -> Result<(), Error> {
                        assert!(inner.is_same_scope(scope));
                        Ok(())
                    })
                    .await?;
                world
                    .tenancy
                    .maintain("acme", async |inner: &TenantScope| -> Result<(), Error> {
                        assert!(inner.is_same_scope(scope));
                        Ok(())
                    })
                    .await
            })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn no_scope_becomes_a_maintenance() {
    let world = World::new();
    for availability in [Availability::Open, READ_ONLY] {
        world.set(availability);
        let nested = world
            .tenancy
            .run("acme", async |_: &TenantScope| {
                world
                    .tenancy
                    .maintain("acme", async |_: &TenantScope| Ok::<_, Error>(()))
                    .await
            })
            .await;
        assert!(
            matches!(nested, Err(Error::NestedMaintenance)),
            "{nested:?}"
        );
        let another = world
            .tenancy
            .run("acme", async |_: &TenantScope| {
                world
                    .tenancy
                    .maintain("globex", async |_: &TenantScope| Ok::<_, Error>(()))
                    .await
            })
            .await;
        assert!(matches!(another, Err(Error::NestedTenant)), "{another:?}");
    }
}

#[tokio::test]
async fn a_time_that_is_over_opens_no_door() {
    let world = World::new();
    let over = SystemTime::now() - Duration::from_secs(5);
    world.set(Availability::Maintenance { until: Some(over) });
    let told = unavailable(world.ask(asked("acme", "acme")).await);
    assert_eq!((told.until(), told.wait()), (Some(over), None));
    let later = SystemTime::now() + Duration::from_hours(1);
    world.set(Availability::Maintenance { until: Some(later) });
    let wait = unavailable(visit(&world.tenancy, "acme").await).wait();
    assert!(wait.is_some_and(|wait| wait <= Duration::from_hours(1)));
}

#[test]
fn a_record_says_it_in_words_and_an_unknown_word_is_none() {
    let mut record = serde_json::json!({
        "id": "acme", "status": "active", "placement": tenancy_core::Placement::shared(),
    });
    let read = |record: &serde_json::Value| {
        serde_json::from_value::<TenantRecord>(record.clone()).map(|record| record.availability)
    };
    assert_eq!(read(&record).unwrap(), Availability::Open);
    record["availability"] = serde_json::json!({ "mode": "maintenance", "until": 1_800_000_000 });
    let until = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
    let written = Availability::Maintenance { until: Some(until) };
    assert_eq!(read(&record).unwrap(), written);
    assert_eq!(
        serde_json::to_value(written).unwrap(),
        record["availability"]
    );
    record["availability"] = serde_json::json!({ "mode": "read_only", "until": null });
    assert_eq!(read(&record).unwrap(), READ_ONLY);
    for hostile in [
        serde_json::json!({ "mode": "closed" }),
        serde_json::json!({}),
        serde_json::json!(null),
    ] {
        record["availability"] = hostile;
        assert!(read(&record).is_err());
    }
    assert_eq!(Availability::parse("closed", None), None);
    for availability in [Availability::Open, READ_ONLY, MAINTENANCE, written] {
        let parsed = Availability::parse(availability.as_str(), availability.until());
        assert_eq!(parsed, Some(availability));
    }
}

#[tokio::test]
async fn a_pool_is_told_when_a_maintenance_is_found() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let store = MemoryStore::new([tenant("acme")]);
    let tenancy = Tenancy::builder(store.clone())
        .without_requests()
        .cache(tenancy_core::CacheOptions::disabled())
        .build();
    let told = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&told);
    tenancy.on_withdrawn(move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
    });
    visit(&tenancy, "acme").await.unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 0);
    store.set_availability(&id("acme"), MAINTENANCE).unwrap();
    unavailable(visit(&tenancy, "acme").await);
    assert_eq!(told.load(Ordering::SeqCst), 1);
}
