//! A walled database, set up by this adapter, and its pools there.

use std::ops::Deref;

use tenancy_adapter_tests::Walled;
pub(super) use tenancy_adapter_tests::{ACME, GLOBEX, until};
use tenancy_postgres::install::Install;
use tenancy_postgres::wall::Wall;
use tenancy_testkit::postgres::{Major, majors};
use tenancy_tokio_postgres::{
    CentralPool, TenantPool, TenantPoolBuilder, TokioPostgres, apply_wall, install,
};

pub(super) struct Stage(Walled);

/// Runs a test on every major that this run covers fully.
pub(super) async fn each<F: AsyncFn(Stage)>(test: F) {
    for major in majors() {
        test(Stage::new(major).await).await;
    }
}

impl Stage {
    pub(super) async fn new(major: Major) -> Self {
        let set_up = async |walled: &Walled, plan: &Install, walls: &[Wall]| {
            for report in install(&walled.admin, plan).await.unwrap() {
                assert_eq!(report.refused, None, "{report:?}");
                assert_ne!(report.holds, Some(false), "{report:?}");
            }
            for wall in walls {
                apply_wall(&walled.admin, wall, &walled.roles)
                    .await
                    .unwrap();
            }
        };
        Self(Walled::new(major, set_up).await)
    }

    pub(super) fn builder(&self, url: &str) -> TenantPoolBuilder<TokioPostgres> {
        self.settle(TenantPool::builder(url))
    }

    pub(super) async fn pool(&self, connections: u32) -> TenantPool {
        self.builder(&self.database.runtime_url())
            .max_connections(connections)
            .connect()
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) async fn central(&self) -> CentralPool {
        CentralPool::connect(&self.database.central_url())
            .await
            .unwrap()
    }
}

impl Deref for Stage {
    type Target = Walled;

    fn deref(&self) -> &Walled {
        &self.0
    }
}

/// Waits until nothing is checked out, so that all of the capacity is back.
pub(super) async fn all_back(pool: &TenantPool) {
    until("capacity to come back", async || pool.status().in_use == 0).await;
    assert!(pool.status().idle <= pool.status().max);
}
