//! What one process changes, another one sees.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tenancy_core::{
    Availability, CacheOptions, Error, Tenancy, TenantScope, TenantStatus, Withdrawn,
};
use tenancy_fleet::registry::{Change, Expected, NewTenant, Registry, Watch};
use tenancy_testkit::postgres::majors;

use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(
    a_suspension_is_seen_in_another_process,
    a_maintenance_is_seen_in_another_process,
    a_new_tenant_and_a_new_domain_are_seen,
    what_no_look_up_sees_disturbs_nobody,
    many_changes_at_once_are_all_seen,
    a_restored_registry_withdraws_everything,
    a_registry_that_was_away_withdraws_everything,
    what_can_not_be_named_withdraws_everything,
    a_dropped_watch_hears_no_more,
);

/// A process of its own: a registry, and what it knows of it.
struct Process {
    registry: Registry,
    tenancy: Tenancy,
    told: Arc<Mutex<Vec<String>>>,
    watch: Option<Watch>,
}

impl Process {
    /// Its cache is never out of date by itself within a test.
    async fn start(registry: Registry) -> Self {
        let hours = Duration::from_hours(1);
        let cache = CacheOptions::default()
            .time_to_live(hours)
            .negative_time_to_live(hours);
        let tenancy = Tenancy::builder(registry.clone())
            .without_requests()
            .cache(cache)
            .build();
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let watch = registry.watch(&tenancy).await.unwrap();
        tenancy.on_withdrawn(move |withdrawn| {
            sink.lock().unwrap().push(match withdrawn {
                Withdrawn::Tenant(tenant) => tenant.to_string(),
                _ => "*".to_owned(),
            });
        });
        Self {
            registry,
            tenancy,
            told,
            watch: Some(watch),
        }
    }

    async fn serves(&self, tenant: &'static str) -> bool {
        let visit = async |_: &TenantScope| Ok::<_, Error>(());
        self.tenancy.run(tenant, visit).await.is_ok()
    }

    /// Waits until it serves the tenant, or doesn't. The bound only ends a test that hangs.
    async fn comes_to(&self, tenant: &'static str, served: bool) {
        let since = Instant::now();
        while self.serves(tenant).await != served {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "nothing was seen"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn hears(&self, what: &str) {
        let since = Instant::now();
        while !self.told.lock().unwrap().iter().any(|told| told == what) {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "{what} was not told"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn set(&self, tenant: &str, status: TenantStatus) {
        self.registry
            .update(&id(tenant), Expected::Any, Change::status(status), &ada())
            .await
            .unwrap();
    }
}

async fn two(stage: &Stage) -> (Process, Process) {
    let first = stage.registry().await;
    for tenant in ["acme", "beta"] {
        let new = NewTenant::active(id(tenant));
        first.create(new, &ada()).await.unwrap();
    }
    let second = stage.builder().connect().await.unwrap();
    let both = (Process::start(first).await, Process::start(second).await);
    for process in [&both.0, &both.1] {
        assert!(process.serves("acme").await && process.serves("beta").await);
    }
    both
}

async fn a_suspension_is_seen_in_another_process(stage: Stage) {
    let (here, there) = two(&stage).await;
    here.set("acme", TenantStatus::Suspended).await;
    there.comes_to("acme", false).await;
    here.comes_to("acme", false).await;
    there.hears("acme").await;
    there.set("acme", TenantStatus::Active).await;
    here.comes_to("acme", true).await;
    // Its neighbour was never disturbed.
    for process in [&here, &there] {
        let told = process.told.lock().unwrap();
        assert!(told.iter().all(|told| told == "acme"), "{told:?}");
    }
}

async fn a_maintenance_is_seen_in_another_process(stage: Stage) {
    let (here, there) = two(&stage).await;
    let switch = async |to: Availability| {
        let change = Change::availability(to);
        here.registry
            .update(&id("acme"), Expected::Any, change, &ada())
            .await
            .unwrap();
    };
    switch(Availability::Maintenance { until: None }).await;
    there.comes_to("acme", false).await;
    here.comes_to("acme", false).await;
    // So that its shelf is emptied.
    there.hears("acme").await;
    switch(Availability::ReadOnly { until: None }).await;
    there.comes_to("acme", true).await;
    switch(Availability::Open).await;
    here.comes_to("acme", true).await;
    for process in [&here, &there] {
        assert!(process.serves("beta").await);
        let told = process.told.lock().unwrap();
        assert!(told.iter().all(|told| told == "acme"), "{told:?}");
    }
}

async fn a_new_tenant_and_a_new_domain_are_seen(stage: Stage) {
    let (here, there) = two(&stage).await;
    // Remembered as unknown, for an hour.
    assert!(!there.serves("gamma").await);
    let new = NewTenant::active(id("gamma"));
    here.registry.create(new, &ada()).await.unwrap();
    there.comes_to("gamma", true).await;
    let change = Change::add_domain(domain("beta.example"));
    here.registry
        .update(&id("beta"), Expected::Any, change, &ada())
        .await
        .unwrap();
    there.hears("beta").await;
}

async fn what_no_look_up_sees_disturbs_nobody(stage: Stage) {
    let (here, there) = two(&stage).await;
    let change = Change::applied_version(Some(7)).and(Change::outcome(None).unwrap());
    here.registry
        .update(&id("acme"), Expected::Any, change, &ada())
        .await
        .unwrap();
    // What comes after it is heard, and it was not.
    here.set("beta", TenantStatus::Suspended).await;
    there.hears("beta").await;
    let told = there.told.lock().unwrap();
    assert!(
        !told.iter().any(|told| told == "acme" || told == "*"),
        "{told:?}"
    );
}

async fn many_changes_at_once_are_all_seen(stage: Stage) {
    let (here, there) = two(&stage).await;
    let changes = (0..40).map(|at| {
        let here = &here;
        async move {
            let tenant = ["acme", "beta"][at % 2];
            let change = Change::metadata(&at).unwrap();
            here.registry
                .update(&id(tenant), Expected::Any, change, &ada())
                .await
                .unwrap();
        }
    });
    futures_util::future::join_all(changes).await;
    futures_util::future::join(
        here.set("acme", TenantStatus::Suspended),
        here.set("beta", TenantStatus::Suspended),
    )
    .await;
    for tenant in ["acme", "beta"] {
        there.comes_to(tenant, false).await;
    }
}

async fn a_restored_registry_withdraws_everything(stage: Stage) {
    let (_here, there) = two(&stage).await;
    let mut side = stage.side().await;
    side.run("UPDATE tenancy_tenant SET status = 'suspended', notice = NULL; UPDATE tenancy_registry SET changes = 0")
        .await;
    there.hears("*").await;
    there.comes_to("acme", false).await;
}

async fn a_registry_that_was_away_withdraws_everything(stage: Stage) {
    let builder = stage.builder().poll_every(Duration::from_millis(10));
    let there = Process::start(builder.install().await.unwrap()).await;
    let mut side = stage.side().await;
    // Away and back, until it has looked in between.
    let since = Instant::now();
    while there.told.lock().unwrap().is_empty() {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "nothing was told"
        );
        side.run("ALTER TABLE tenancy_registry RENAME TO away")
            .await;
        tokio::time::sleep(Duration::from_millis(10)).await;
        side.run("ALTER TABLE away RENAME TO tenancy_registry")
            .await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(there.told.lock().unwrap()[0], "*");
}

async fn what_can_not_be_named_withdraws_everything(stage: Stage) {
    let (_here, there) = two(&stage).await;
    let mut side = stage.side().await;
    let row = |tenant: &str, notice: usize| {
        format!("('{tenant}', 'suspended', 'row-level', 1, 'null', 'ready', 1, {notice}, 1, 1)")
    };
    let insert = |rows: &[String]| {
        format!(
            "INSERT INTO tenancy_tenant (id, status, strategy, placed, metadata, provisioning, revision, notice, \
             created_at, updated_at) VALUES {}; UPDATE tenancy_registry SET changes = changes + {}",
            rows.join(", "),
            rows.len()
        )
    };
    // Ids that are none.
    side.run(&insert(&[row("ACME ", 3)])).await;
    there.hears("*").await;
    there.told.lock().unwrap().clear();
    // More than it names.
    let rows: Vec<_> = (0..1_001)
        .map(|at| row(&format!("t{at}"), 4 + at))
        .collect();
    side.run(&insert(&rows)).await;
    there.hears("*").await;
    let told = there.told.lock().unwrap();
    assert_eq!(*told, ["*"]);
}

async fn a_dropped_watch_hears_no_more(stage: Stage) {
    let (here, mut there) = two(&stage).await;
    drop(there.watch.take().unwrap());
    here.set("acme", TenantStatus::Suspended).await;
    here.comes_to("acme", false).await;
    assert!(
        there.serves("acme").await,
        "its cache is an hour old at most"
    );
}

/// A process that looks once an hour, so that it hears of a change or does not see it.
async fn listening_only(stage: &Stage) -> Process {
    let builder = stage.builder().poll_every(Duration::from_hours(1));
    let process = Process::start(builder.install().await.unwrap()).await;
    let new = NewTenant::active(id("acme"));
    process.registry.create(new, &ada()).await.unwrap();
    process.hears("acme").await;
    process
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_change_is_heard_at_once() {
    for major in majors() {
        let stage = Stage::postgres(major).await;
        let there = listening_only(&stage).await;
        assert!(there.serves("acme").await);
        let here = stage.registry().await;
        let suspend = Change::status(TenantStatus::Suspended);
        here.update(&id("acme"), Expected::Any, suspend, &ada())
            .await
            .unwrap();
        there.comes_to("acme", false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_was_killed_comes_back_and_withdraws_everything() {
    for major in majors() {
        let stage = Stage::postgres(major).await;
        let there = listening_only(&stage).await;
        let admin = stage.as_postgres().unwrap().admin().await.unwrap();
        for _ in 0..3 {
            assert!(there.serves("acme").await);
            there.told.lock().unwrap().clear();
            let killed = admin
                .query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'",
                    &[],
                )
                .await
                .unwrap();
            assert_eq!(killed.len(), 1);
            // Beside the registry, so that no notice is sent.
            let sql = "UPDATE tenancy_tenant SET status = 'suspended'";
            admin.batch_execute(sql).await.unwrap();
            there.hears("*").await;
            there.comes_to("acme", false).await;
            let sql = "UPDATE tenancy_tenant SET status = 'active'";
            admin.batch_execute(sql).await.unwrap();
            there.tenancy.invalidate_all();
        }
        // And hears on.
        there.set("acme", TenantStatus::Suspended).await;
        there.comes_to("acme", false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_of_a_strangers_is_only_a_reason_to_look() {
    for major in majors() {
        let stage = Stage::postgres(major).await;
        let there = listening_only(&stage).await;
        there.told.lock().unwrap().clear();
        let database = stage.as_postgres().unwrap();
        let stranger = database.connect(&database.runtime_url()).await.unwrap();
        for payload in ["", "acme", "*", "'; DROP TABLE tenancy_tenant; --", "🦊\n"] {
            let sql = "SELECT pg_notify('tenancy_changed_public', $1)";
            stranger.execute(sql, &[&payload]).await.unwrap();
        }
        // What comes after them is heard, and they told nothing.
        let new = NewTenant::active(id("beta"));
        there.registry.create(new, &ada()).await.unwrap();
        there.hears("beta").await;
        assert_eq!(*there.told.lock().unwrap(), ["beta"]);
    }
}
