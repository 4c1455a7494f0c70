//! The healthy adapter passes everything.

use tenancy_conformance::{Suite, Tier};
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::pgbouncer::is_left_out;
use tenancy_testkit::postgres::{Major, majors, majors_all};

use crate::reference::Reference;
use crate::world::World;

async fn passes(tier: Tier, kind: TenantKind, majors: Vec<Major>) {
    for major in majors {
        let world = World::set(tier, major, kind).await;
        let reference = Reference::over(&world.stage, &world.url, None)
            .with_central(world.database.central_url());
        let report = Suite::of(tier).run(&reference, &world.stage).await;
        for case in report.cases() {
            println!(
                "{:>6} ms {} {:?}",
                case.took.as_millis(),
                case.case,
                case.outcome
            );
        }
        if let Some(pooler) = &world.pooler {
            println!("{}", pooler.log().unwrap());
        }
        assert!(report.is_clean(), "{kind}:\n{report}");
        assert!(report.skipped().next().is_none(), "{kind}:\n{report}");
        assert!(report.not_offered().is_empty(), "{kind}:\n{report}");
        assert_eq!(
            report.evidence_line().unwrap(),
            format!(
                "reference\tPostgreSQL\t{}\t{}\t{}\t{}",
                report.server_version(),
                tier.strategy(),
                tier.binding(),
                tier.enforcement()
            )
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text() {
    passes(Tier::RowLevelSealed, TenantKind::Text, majors_all()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uuid() {
    passes(Tier::RowLevelSealed, TenantKind::Uuid, majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bigint() {
    passes(Tier::RowLevelSealed, TenantKind::Bigint, majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_level_logins() {
    for kind in [TenantKind::Text, TenantKind::Uuid, TenantKind::Bigint] {
        passes(Tier::RowLevelLogins, kind, majors()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_routed() {
    passes(Tier::SchemaRouted, TenantKind::Text, majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_with_logins() {
    passes(Tier::SchemaLogins, TenantKind::Text, majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases() {
    passes(Tier::Databases, TenantKind::Text, majors()).await;
}

/// Through a real `PgBouncer` in transaction mode.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_level_pooled() {
    if is_left_out() {
        println!("left out: PgBouncer");
        return;
    }
    passes(Tier::RowLevelPooled, TenantKind::Text, majors()).await;
}
