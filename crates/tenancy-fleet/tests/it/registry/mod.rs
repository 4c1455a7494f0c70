//! The registry on each of its databases: every test is written once.

mod availability;
mod base;
pub(crate) mod cancelled;
mod constraints;
mod credentials;
mod hostile;
mod installing;
mod life;
mod listing;
mod places;
mod races;
mod refusals;
mod rotating;
pub(crate) mod side;
pub(crate) mod stage;
mod store;
mod watching;

use tenancy_core::{Domain, TenantId};
use tenancy_fleet::registry::Actor;

/// Runs each test on every database: `name` on `SQLite`, and so on.
macro_rules! on_every_base {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::registry::stage::Stage;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test(Stage::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                for major in tenancy_testkit::postgres::majors() {
                    super::$test(Stage::postgres(major).await).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                if let Some(stage) = Stage::mariadb().await {
                    super::$test(stage).await;
                }
            }
        }
    )+};
}
use on_every_base;

pub(crate) fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

pub(crate) fn domain(text: &str) -> Domain {
    Domain::new(text).unwrap()
}

pub(crate) fn ada() -> Actor {
    Actor::new("ada").unwrap()
}
