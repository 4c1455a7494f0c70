//! A tenant that may only be read: the server refuses every write in its scopes, and no longer than
//! that.

use tenancy_conformance::{Session, Tier};
use tenancy_core::{Availability, Strategy, TenantScope};
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::postgres::{Major, majors};

use crate::suite::world;
use crate::{Adapted, OpenScope, World};

/// Every tier without a pooler.
pub const TIERS: [Tier; 5] = [
    Tier::RowLevelSealed,
    Tier::RowLevelLogins,
    Tier::SchemaRouted,
    Tier::SchemaLogins,
    Tier::Databases,
];

/// What an attacker, or a mistake, tries before it writes: none of it makes the transaction write.
const BEFORE: [&str; 13] = [
    "SELECT 1",
    "SET TRANSACTION READ WRITE",
    "SET LOCAL transaction_read_only = off",
    "SET transaction_read_only = off",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    "SELECT pg_catalog.set_config('transaction_read_only', 'off', true)",
    "SELECT pg_catalog.set_config('default_transaction_read_only', 'off', false)",
    "RESET ALL",
    "SAVEPOINT a; SET TRANSACTION READ WRITE",
    "SAVEPOINT a; ROLLBACK TO SAVEPOINT a; SET TRANSACTION READ WRITE",
    "BEGIN READ WRITE",
    "DO $$ BEGIN PERFORM pg_catalog.set_config('transaction_read_only', 'off', false); END $$",
];

/// This, too, from PostgreSQL 16 on: 15 resets what it would not set, and SECURITY.md says so.
const RESET: &str = "RESET transaction_read_only";

/// Ends the transaction that only reads: with a sealed scope, that ends the scope.
const ENDS: [&str; 6] = [
    "COMMIT",
    "ROLLBACK",
    "COMMIT AND CHAIN",
    "COMMIT; BEGIN READ WRITE",
    "ROLLBACK; BEGIN READ WRITE",
    "COMMIT; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
];

/// The same without a word of writing: what a program does that knows nothing of its scope.
const CARELESS_ENDS: [&str; 4] = ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK; BEGIN"];

async fn each<A: Adapted>(tiers: &[Tier], test: impl AsyncFn(World<'static>, A, Major)) {
    for major in majors() {
        for tier in tiers {
            let Some(world) = world(*tier, TenantKind::Text, major).await else {
                continue;
            };
            let pool = A::connect(&world, world.settle(A::builder(world.url()))).await;
            let pool = pool.unwrap_or_else(|error| panic!("{error}"));
            test(world, pool, major).await;
        }
    }
}

/// The scope of the stage's first or second tenant.
async fn scope(world: &World<'_>, at: usize, availability: Availability) -> OpenScope {
    let tenant = world.tenants()[at].clone();
    OpenScope::of(&world.tenancy_of(availability), tenant.as_str()).await
}

const READ_ONLY: Availability = Availability::ReadOnly { until: None };

/// The tables are the tenant's own, but on shared ones.
fn notes(world: &World<'_>) -> &'static str {
    if world.stage().tier().strategy() == Strategy::RowLevel {
        "conformance.notes"
    } else {
        "notes"
    }
}

fn insert(world: &World<'_>, id: u32) -> String {
    format!(
        "INSERT INTO {} (id, title) VALUES ({id}, 'x')",
        notes(world)
    )
}

fn writes(world: &World<'_>) -> Vec<String> {
    let notes = notes(world);
    vec![
        insert(world, 900),
        format!("UPDATE {notes} SET title = 'x'"),
        format!("DELETE FROM {notes}"),
        format!("WITH w AS (DELETE FROM {notes} RETURNING id) SELECT id FROM w"),
        format!(
            "MERGE INTO {notes} AS n USING (SELECT 1 AS id) AS s ON false WHEN NOT MATCHED THEN INSERT (id, title) VALUES (900, 'x')"
        ),
        format!("SELECT id FROM {notes} FOR UPDATE"),
        format!("EXPLAIN ANALYZE {}", insert(world, 900)),
        format!("TRUNCATE {notes}"),
        format!("COPY {notes} (id, title) FROM PROGRAM 'true'"),
        format!("DO $$ BEGIN {}; END $$", insert(world, 900)),
    ]
}

/// Writes the first tenant's one note, as long as it may.
async fn note<A: Adapted>(world: &World<'_>, pool: &A) {
    let open = scope(world, 0, Availability::Open).await;
    let mut transaction = pool.begin(&open.scope).await.unwrap();
    transaction.simple(&insert(world, 1)).await.unwrap();
    transaction.commit().await.unwrap();
}

/// How many notes the tenant sees.
async fn count<A: Adapted>(world: &World<'_>, pool: &A, scope: &TenantScope) -> String {
    let mut transaction = pool.begin(scope).await.unwrap();
    let sql = format!("SELECT count(*) FROM {}", notes(world));
    let rows = transaction.simple(&sql).await;
    let value = rows.unwrap().into_iter().flatten().flatten().next();
    value.unwrap()
}

/// Says it all, one after the other, whether or not something of it is refused; and whether the last
/// of it was.
async fn is_refused(session: &mut dyn Session, statements: &[&str]) -> bool {
    let mut refused = false;
    for sql in statements {
        refused = session.simple(sql).await.is_err();
    }
    refused
}

/// No SQL writes in a transaction of a read-only scope, nor in what `acquire` hands out.
///
/// # Panics
/// Where it does.
pub async fn a_read_only_scope_writes_nothing<A: Adapted>(tiers: &[Tier]) {
    each::<A>(tiers, async |world, pool, major| {
        let tier = world.stage().tier();
        note(&world, &pool).await;
        let open = scope(&world, 0, READ_ONLY).await;
        let before = count(&world, &pool, &open.scope).await;
        assert_eq!(before, "1");
        for write in writes(&world) {
            let mut transaction = pool.begin(&open.scope).await.unwrap();
            let refused = is_refused(&mut *transaction, &[&write]).await;
            assert!(refused, "{tier:?}: {write}");
        }
        let write = insert(&world, 900);
        let resets = major == Major::V15;
        for attack in BEFORE.into_iter().chain((!resets).then_some(RESET)) {
            let mut transaction = pool.begin(&open.scope).await.unwrap();
            let refused = is_refused(&mut *transaction, &[attack, &write]).await;
            assert!(refused, "{tier:?}: {attack}");
            let _over = transaction.commit().await;
            let mut transaction = pool.begin(&open.scope).await.unwrap();
            // As one message.
            let whole = format!("{attack}; {write}");
            let refused = is_refused(&mut *transaction, &[&whole]).await;
            assert!(refused, "{tier:?}: {attack}");
            let _over = transaction.commit().await;
            if tier != Tier::RowLevelPooled {
                let mut session = pool.acquire(&open.scope).await.unwrap();
                let refused = is_refused(&mut *session, &[attack, &write]).await;
                assert!(refused, "{tier:?}, acquired: {attack}");
            }
        }
        if resets {
            let mut transaction = pool.begin(&open.scope).await.unwrap();
            let refused = is_refused(&mut *transaction, &[RESET, &write]).await;
            assert!(
                !refused,
                "{tier:?}: 15 refuses it now, so SECURITY.md is out of date"
            );
            drop(transaction);
        }
        // By the judge, whoever was told what.
        let open = scope(&world, 0, Availability::Open).await;
        assert_eq!(count(&world, &pool, &open.scope).await, before, "{tier:?}");
    })
    .await;
}

/// A raw `COMMIT` leads from a read-only scope to no scope, where the scope is sealed or the schema
/// routed; and elsewhere to what still only reads, until SQL asks by name to write.
///
/// # Panics
/// Where it doesn't.
pub async fn the_end_of_its_transaction_writes_nothing<A: Adapted>(tiers: &[Tier]) {
    each::<A>(tiers, async |world, pool, _| {
        let tier = world.stage().tier();
        let ends: &[&str] = if tier.has_logins() {
            &CARELESS_ENDS
        } else {
            &ENDS
        };
        note(&world, &pool).await;
        let open = scope(&world, 0, READ_ONLY).await;
        let before = count(&world, &pool, &open.scope).await;
        let write = insert(&world, 901);
        for end in ends {
            for statements in [vec![*end, &write], vec![&format!("{end}; {write}")]] {
                let mut transaction = pool.begin(&open.scope).await.unwrap();
                let refused = is_refused(&mut *transaction, &statements).await;
                assert!(refused, "{tier:?}: {end}");
                drop(transaction);
                if tier != Tier::RowLevelPooled {
                    let mut session = pool.acquire(&open.scope).await.unwrap();
                    let refused = is_refused(&mut *session, &statements).await;
                    assert!(refused, "{tier:?}, acquired: {end}");
                    let _either = is_refused(&mut *session, &["COMMIT"]).await;
                }
            }
        }
        let open = scope(&world, 0, Availability::Open).await;
        assert_eq!(count(&world, &pool, &open.scope).await, before, "{tier:?}");
    })
    .await;
}

/// One connection, which read-only and open scopes get in turn: each writes, or doesn't, as its own
/// scope says, whatever the one before has left behind.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_connection_changes_with_its_tenant_both_ways<A: Adapted>(tiers: &[Tier]) {
    const LEFT_BEHIND: [&str; 4] = [
        "SELECT 1",
        "SET default_transaction_read_only = on",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "COMMIT; SET default_transaction_read_only = off; BEGIN READ WRITE",
    ];
    each::<A>(tiers, async |world, pool, _| {
        let tier = world.stage().tier();
        let mut id = 1_000;
        for left in LEFT_BEHIND {
            for (reading, writing) in [(0, 0), (0, 1), (1, 0)] {
                let closed = scope(&world, reading, READ_ONLY).await;
                let mut transaction = pool.begin(&closed.scope).await.unwrap();
                is_refused(&mut *transaction, &[left]).await;
                drop(transaction);
                if tier != Tier::RowLevelPooled {
                    let mut session = pool.acquire(&closed.scope).await.unwrap();
                    is_refused(&mut *session, &[left]).await;
                }
                let open = scope(&world, writing, Availability::Open).await;
                id += 1;
                let mut transaction = pool.begin(&open.scope).await.unwrap();
                let sql = insert(&world, id);
                let refused = is_refused(&mut *transaction, &[&sql]).await;
                assert!(!refused, "{tier:?}: {left}");
                transaction.commit().await.unwrap();
                if tier != Tier::RowLevelPooled {
                    id += 1;
                    let mut session = pool.acquire(&open.scope).await.unwrap();
                    let sql = insert(&world, id);
                    let _either = is_refused(&mut *session, &[&sql, left]).await;
                }
                // Back on the shelf of a tenant that writes; and now it doesn't.
                let closed = scope(&world, writing, READ_ONLY).await;
                let sql = insert(&world, 2);
                let mut transaction = pool.begin(&closed.scope).await.unwrap();
                let refused = is_refused(&mut *transaction, &[&sql]).await;
                assert!(refused, "{tier:?}: {left}");
                drop(transaction);
                if tier != Tier::RowLevelPooled {
                    let sql = format!("UPDATE {} SET title = 'mine'", notes(&world));
                    let mut session = pool.acquire(&closed.scope).await.unwrap();
                    let refused = is_refused(&mut *session, &[&sql]).await;
                    assert!(refused, "{tier:?}, acquired: {left}");
                }
            }
        }
        // Six turns wrote for each of the scopes that may.
        let wrote = if tier == Tier::RowLevelPooled { 1 } else { 2 };
        let open = scope(&world, 0, Availability::Open).await;
        let sql = format!("SELECT count(*) FROM {} WHERE id > 1000", notes(&world));
        let mut transaction = pool.begin(&open.scope).await.unwrap();
        let rows = transaction.simple(&sql).await.unwrap();
        let found = rows.into_iter().flatten().flatten().next();
        // Two of the three pairs write to the first tenant.
        let all = LEFT_BEHIND.len() * 2 * wrote;
        assert_eq!(found, Some(all.to_string()), "{tier:?}");
    })
    .await;
}

/// These tests for an [`Adapted`] adapter.
#[macro_export]
macro_rules! read_only_tests {
    ($adapter:ident) => {
        mod read_only {
            use super::*;
            $crate::read_only_tests! { @each $adapter, $crate::read_only::TIERS;
                a_read_only_scope_writes_nothing;
                the_end_of_its_transaction_writes_nothing;
                a_connection_changes_with_its_tenant_both_ways;
            }
        }
    };
    (@each $adapter:ident, $tiers:expr; $($name:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $crate::read_only::$name::<$adapter>(&$tiers).await;
        }
    )*};
}
