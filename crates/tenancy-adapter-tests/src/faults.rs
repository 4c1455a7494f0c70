//! The fault run, with everything that an adapter's own tests can make go wrong: credentials are
//! rotated in what the pool asks, and a server of the run's own is restarted.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tenancy_conformance::{
    Body, Connections, FaultReport, FaultRun, Harness, Row, Session, Tier, TransactionSession,
};
use tenancy_core::{BoxError, TenantId, TenantScope};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres_pool::Credential;
use tenancy_testkit::postgres::{Major, Server, majors};

use crate::safe::Safe;
use crate::suite::world;
use crate::{Adapted, World};

/// How long one run takes.
const LONG: Duration = Duration::from_secs(12);

/// Steps of a run with restarts, which are spread over them.
const STEPS: u64 = 2_400;
const RESTARTS: u64 = 3;

/// Has everything go wrong at random, on these majors.
///
/// # Panics
/// Where anything was leaked or lost.
pub async fn endures<A: Adapted>(tier: Tier, majors: Vec<Major>) {
    for major in majors {
        if let Some(world) = world(tier, TenantKind::Text, major).await {
            let run = FaultRun::with_connections(connections(tier)).time_limit(LONG);
            let report = tried::<A>(&world, run).await;
            assert_eq!(report.tally().rotated > 0, tier.has_logins(), "{report}");
        }
    }
}

/// The same while the server is restarted as after a crash, on the newest major.
///
/// # Panics
/// Where anything was leaked or lost.
pub async fn endures_restarts<A: Adapted>(tier: Tier) {
    let Some(major) = majors().pop() else {
        println!("left out: PostgreSQL");
        return;
    };
    // What was acknowledged must outlive it.
    let server = Server::builder(major).setting("synchronous_commit", "on");
    let server = server.start().await.unwrap();
    let world = World::on(&server, tier, TenantKind::Text).await;
    let run = FaultRun::with_connections(connections(tier))
        .steps(STEPS)
        .restarts(RESTARTS, || {
            Box::pin(async { server.restart().await.map_err(BoxError::from) })
        });
    let report = tried::<A>(&world, run).await;
    assert_eq!(report.tally().restarted, RESTARTS, "{report}");
}

/// Behind a pooler one.
fn connections(tier: Tier) -> u32 {
    if tier == Tier::RowLevelPooled { 1 } else { 4 }
}

async fn tried<A: Adapted>(world: &World<'_>, run: FaultRun<'_>) -> FaultReport {
    let safe = Safe::of(world);
    let tier = world.stage().tier();
    let mut settings = world.settle(A::builder(world.url()));
    if tier.has_logins() {
        settings = settings.separation(world.separation(safe.provider()));
    }
    let pool = A::connect(world, settings.max_connections(connections(tier))).await;
    let adapter = &pool.unwrap_or_else(|error| panic!("{error}"));
    let report = run.run(&Rotating { adapter, safe }, world.stage()).await;
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    report
}

/// An adapter, and what its tenants log in with.
struct Rotating<'a, A> {
    adapter: &'a A,
    safe: Safe,
}

impl<A: Adapted> Harness for Rotating<'_, A> {
    fn adapter(&self) -> &str {
        self.adapter.adapter()
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        self.adapter.acquire(scope)
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        self.adapter.begin(scope)
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        self.adapter.transaction(scope, body)
    }

    fn evict<'a>(&'a self, tenant: &'a TenantId) -> Option<BoxFuture<'a, ()>> {
        self.adapter.evict(tenant)
    }

    fn rotate<'a>(
        &'a self,
        tenant: &'a TenantId,
        password: &'a SecretString,
    ) -> Option<BoxFuture<'a, ()>> {
        let login = self.safe.find(tenant)?.user().to_owned();
        let put = async {
            self.safe
                .put(tenant, Credential::new(login, password.clone()));
        };
        Some(put.boxed())
    }

    fn connections(&self) -> Option<Connections> {
        self.adapter.connections()
    }
}
