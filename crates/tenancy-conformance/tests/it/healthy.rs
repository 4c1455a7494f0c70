//! The healthy adapter passes everything.

use tenancy_conformance::Suite;
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::postgres::{Major, majors, majors_all};

use crate::reference::Reference;
use crate::world::World;

async fn passes(kind: TenantKind, majors: Vec<Major>) {
    for major in majors {
        let World { stage, database } = World::new(major, kind).await;
        let key = stage.sealing_key().unwrap().clone();
        let reference = Reference::new(&database.runtime_url(), key, kind, None);
        let report = Suite::row_level_postgres().run(&reference, &stage).await;
        for case in report.cases() {
            println!(
                "{:>6} ms {} {:?}",
                case.took.as_millis(),
                case.case,
                case.outcome
            );
        }
        assert!(report.is_clean(), "{kind}:\n{report}");
        assert!(report.skipped().next().is_none(), "{kind}:\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text() {
    passes(TenantKind::Text, majors_all()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uuid() {
    passes(TenantKind::Uuid, majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bigint() {
    passes(TenantKind::Bigint, majors()).await;
}
