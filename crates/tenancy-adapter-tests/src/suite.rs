//! The conformance suite and the fault run, tier by tier.

use tenancy_conformance::Tier;
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::pgbouncer::is_left_out;
use tenancy_testkit::postgres::Major;

use crate::{Adapted, World};

/// Plays the whole suite on these majors.
///
/// # Panics
/// Where it does not pass.
pub async fn passes<A: Adapted>(tier: Tier, kind: TenantKind, majors: Vec<Major>) {
    for major in majors {
        if let Some(world) = world(tier, kind, major).await {
            let pool = A::connect(&world, world.settle(A::builder(world.url()))).await;
            let pool = pool.unwrap_or_else(|error| panic!("{error}"));
            world.passes(&pool).await;
        }
    }
}

/// `None` where the run is to do without what the tier needs.
pub(crate) async fn world(tier: Tier, kind: TenantKind, major: Major) -> Option<World<'static>> {
    if tier == Tier::RowLevelPooled && is_left_out() {
        println!("left out: PgBouncer");
        return None;
    }
    Some(World::new(tier, major, kind).await)
}

/// The suite and the fault run for an [`Adapted`] adapter, in every tier but the pooled one.
#[macro_export]
macro_rules! suite_tests {
    ($adapter:ident) => {
        $crate::suite_tests! { @passes $adapter;
            text: RowLevelSealed, Text, majors_all;
            uuid: RowLevelSealed, Uuid, majors;
            bigint: RowLevelSealed, Bigint, majors;
            row_level_logins: RowLevelLogins, Text, majors_all;
            schemas_routed: SchemaRouted, Text, majors;
            schemas_with_logins: SchemaLogins, Text, majors;
            databases: Databases, Text, majors;
        }
        mod faults {
            use super::*;
            $crate::suite_tests! { @endures $adapter;
                row_level: RowLevelSealed;
                row_level_logins: RowLevelLogins;
                schemas_routed: SchemaRouted;
                schemas_with_logins: SchemaLogins;
                databases: Databases;
            }
            $crate::suite_tests! { @restarts $adapter;
                restarts_under_sealed_scopes: RowLevelSealed;
                restarts_under_databases: Databases;
            }
        }
    };
    (@passes $adapter:ident; $($name:ident: $tier:ident, $kind:ident, $majors:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let (tier, kind) = ($crate::Tier::$tier, $crate::TenantKind::$kind);
            $crate::passes::<$adapter>(tier, kind, $crate::testkit::$majors()).await;
        }
    )*};
    (@endures $adapter:ident; $($name:ident: $tier:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $crate::endures::<$adapter>($crate::Tier::$tier, $crate::testkit::majors()).await;
        }
    )*};
    (@restarts $adapter:ident; $($name:ident: $tier:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $crate::endures_restarts::<$adapter>($crate::Tier::$tier).await;
        }
    )*};
}

/// The same through a real `PgBouncer` in transaction mode.
#[macro_export]
macro_rules! pooled_tests {
    ($adapter:ident) => {
        mod pooled {
            use super::*;
            $crate::suite_tests! { @passes $adapter;
                row_level: RowLevelPooled, Text, majors;
            }
            $crate::suite_tests! { @endures $adapter;
                faults: RowLevelPooled;
            }
            $crate::separation_tests! { @each $adapter;
                through_a_pooler_no_scope_stays_bound_and_an_unsafe_one_is_refused;
            }
            $crate::read_only_tests! { @each $adapter, [$crate::Tier::RowLevelPooled];
                a_read_only_scope_writes_nothing;
                the_end_of_its_transaction_writes_nothing;
                a_connection_changes_with_its_tenant_both_ways;
            }
        }
    };
}
