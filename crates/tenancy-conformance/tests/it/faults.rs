//! The random run: the healthy adapter passes it, and what is broken on purpose is found by it.

use std::time::Duration;

use tenancy_conformance::{FaultReport, FaultRun, Stage, Tier};
use tenancy_core::BoxError;
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::pgbouncer::is_left_out;
use tenancy_testkit::postgres::{Major, Server, majors, majors_all};

use crate::reference::{Fault, Reference};
use crate::world::{World, roles};

const CONNECTIONS: u16 = 4;

fn a_run<'a>(steps: u64) -> FaultRun<'a> {
    FaultRun::with_connections(CONNECTIONS.into())
        .steps(steps)
        // As far as a busy machine comes.
        .time_limit(Duration::from_secs(30 + steps / 500))
}

fn adapter(stage: &Stage, url: &str, fault: Option<Fault>) -> Reference {
    Reference::with_connections(stage, url, fault, CONNECTIONS.into())
}

/// Nothing was found, and enough was done for that to say something.
fn assert_clean(report: &FaultReport) {
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    let tally = report.tally();
    for (what, of_a_thousand) in [
        (tally.reads, 100),
        (tally.acknowledged, 80),
        (tally.dropped, 100),
        (tally.panicked, 10),
        (tally.killed, 5),
        (tally.evicted, 5),
    ] {
        let often = 1000 * what / tally.steps;
        assert!(often >= of_a_thousand && tally.steps > 200, "{report}");
    }
}

async fn passes(tier: Tier, major: Major, steps: u64) -> FaultReport {
    let world = World::crowded(tier, major, CONNECTIONS).await;
    let reference = adapter(&world.stage, &world.url, None);
    let report = a_run(steps).run(&reference, &world.stage).await;
    assert_clean(&report);
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_level_sealed() {
    for major in majors() {
        drop(passes(Tier::RowLevelSealed, major, 20_000).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_schemas_and_databases() {
    for major in majors() {
        for tier in [Tier::RowLevelLogins, Tier::SchemaLogins, Tier::Databases] {
            let report = passes(tier, major, 2000).await;
            assert!(report.tally().rotated > 0, "{report}");
        }
        drop(passes(Tier::SchemaRouted, major, 2000).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_level_pooled() {
    if is_left_out() {
        println!("left out: PgBouncer");
        return;
    }
    for major in majors() {
        drop(passes(Tier::RowLevelPooled, major, 2000).await);
    }
}

/// A server that stops as in a crash, in the midst of everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts() {
    let Some(major) = majors_all().pop() else {
        println!("left out: PostgreSQL");
        return;
    };
    let server = Server::builder(major)
        .setting("synchronous_commit", "on")
        .start()
        .await
        .unwrap();
    for tier in [Tier::RowLevelSealed, Tier::RowLevelLogins] {
        let database = server.database().await.unwrap();
        let (admin, url) = (database.admin_url(), database.runtime_url());
        let stage = Stage::set(tier, &admin, &url, &roles(&database), TenantKind::Text)
            .await
            .unwrap();
        let run = a_run(2400).restarts(3, || {
            Box::pin(async { server.restart().await.map_err(BoxError::from) })
        });
        let report = run.run(&adapter(&stage, &url, None), &stage).await;
        assert_clean(&report);
        assert_eq!(report.tally().restarted, 3, "{report}");
    }
}

/// Each is found, whatever the seed: in far less than a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_is_found() {
    use Fault::{
        BeginForgotten, CommitOnDrop, ConnectionLost, LeaseIgnored, NoCancel, NoScrub, PanicKeeps,
        PathRemembered, PlaceLost, ScopeRemembered, ScrubWithout,
    };
    use Tier::{Databases, RowLevelLogins, RowLevelSealed, SchemaLogins, SchemaRouted};

    let Some(major) = majors().pop() else {
        println!("left out: PostgreSQL");
        return;
    };
    let builds: &[(Fault, &[Tier])] = &[
        (NoScrub, &[RowLevelSealed, RowLevelLogins, SchemaRouted]),
        (
            BeginForgotten,
            &[RowLevelSealed, RowLevelLogins, SchemaRouted],
        ),
        (ScopeRemembered, &[RowLevelSealed]),
        (PathRemembered, &[SchemaRouted]),
        (LeaseIgnored, &[RowLevelLogins, SchemaLogins, Databases]),
        (CommitOnDrop, &[RowLevelSealed]),
        (NoCancel, &[RowLevelSealed]),
        (PlaceLost, &[RowLevelSealed]),
        (PanicKeeps, &[RowLevelSealed]),
        (ConnectionLost, &[RowLevelSealed]),
        (ScrubWithout("RESET ALL"), &[RowLevelSealed, SchemaRouted]),
        (ScrubWithout("CLOSE ALL"), &[RowLevelSealed]),
        (ScrubWithout("UNLISTEN *"), &[RowLevelSealed]),
    ];
    let mut missed = Vec::new();
    for (fault, tiers) in builds {
        for tier in *tiers {
            let world = World::set(*tier, major, TenantKind::Text).await;
            let broken = adapter(&world.stage, &world.url, Some(*fault));
            let report = a_run(8000).run(&broken, &world.stage).await;
            println!("{fault:?} on {tier:?}: {report}\n");
            if report.findings().next().is_none() {
                missed.push(format!("{fault:?} on {tier:?}: {report}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
