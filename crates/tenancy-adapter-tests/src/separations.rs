//! Tenants with logins, schemas and databases of their own: what leads astray is refused.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tenancy_conformance::Tier;
use tenancy_core::{BoxError, Placement, Tenant, TenantId, TenantScope, Withdrawn};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::Finding;
use tenancy_postgres_pool::{Credential, Error as PoolError, Separation};
use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig, is_left_out};
use tenancy_testkit::postgres::majors;
use tenancy_testkit::proxy::Proxy;

use crate::safe::Safe;
use crate::{Adapted, OpenScope, World, until};

const LOGINS: [Tier; 3] = [Tier::RowLevelLogins, Tier::SchemaLogins, Tier::Databases];

const NOTES: &str = "SELECT * FROM notes";

/// As whom, and on which of the server's processes.
async fn who<A: Adapted>(pool: &A, scope: &TenantScope) -> Result<[String; 2], BoxError> {
    let mut session = pool.acquire(scope).await?;
    let answer = session
        .simple("SELECT session_user, pg_catalog.pg_backend_pid()")
        .await
        .map_err(|error| error.to_string())?;
    let values: Vec<String> = answer.into_iter().flatten().flatten().collect();
    values.try_into().map_err(|_| "no answer".into())
}

/// One statement in a scope.
async fn run<A: Adapted>(pool: &A, scope: &TenantScope, sql: &str) -> Result<(), BoxError> {
    let mut session = pool.acquire(scope).await?;
    let answer = session.simple(sql).await;
    Ok(answer.map(drop).map_err(|error| error.to_string())?)
}

/// The same in a transaction.
async fn run_in_transaction<A: Adapted>(
    pool: &A,
    scope: &TenantScope,
    sql: &str,
) -> Result<(), BoxError> {
    let mut transaction = pool.begin(scope).await?;
    let answer = transaction.simple(sql).await;
    Ok(answer.map(drop).map_err(|error| error.to_string())?)
}

/// That the pool refused it, and why; which is handed out.
fn refused_as<A: Adapted, T: std::fmt::Debug>(
    answer: Result<T, BoxError>,
    why: impl Fn(&PoolError) -> bool,
) -> BoxError {
    let refused = answer.unwrap_err();
    assert!(A::pool_error(&refused).is_some_and(why), "{refused:?}");
    refused
}

async fn evict<A: Adapted>(pool: &A, tenant: &TenantId) {
    pool.evict(tenant).unwrap().await;
}

async fn connect<A: Adapted>(world: &World<'_>, safe: &Safe, connections: u32) -> A {
    let settings = world
        .settle(A::builder(world.url()))
        .separation(world.separation(safe.provider()))
        .max_connections(connections);
    let pool = A::connect(world, settings).await;
    pool.unwrap_or_else(|error| panic!("{error}"))
}

async fn worlds(tiers: &[Tier], test: impl AsyncFn(World<'static>)) {
    for major in majors() {
        for tier in tiers {
            test(World::new(*tier, major, TenantKind::Text).await).await;
        }
    }
}

fn as_placed(_: &TenantId, placement: Placement) -> Placement {
    placement
}

/// A password that was rotated is asked for anew, and a stale one opens nothing.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_rotated_password_takes_effect_without_a_restart<A: Adapted>() {
    worlds(&LOGINS, async |world| {
        let (safe, admin) = (Safe::of(&world), world.database().admin().await.unwrap());
        let pool = connect::<A>(&world, &safe, 2).await;
        let tenant = world.tenants()[0].clone();
        let open = OpenScope::of(&world.tenancy(as_placed), tenant.as_str()).await;
        let before = who(&pool, &open.scope).await.unwrap();
        let login = safe.of_tenant(&tenant).user().to_owned();
        assert_eq!(before[0], login);

        let quoted = format!("\"{}\"", login.replace('"', "\"\""));
        admin
            .batch_execute(&format!("ALTER ROLE {quoted} PASSWORD 'another one'"))
            .await
            .unwrap();
        evict(&pool, &tenant).await;
        let stale = who(&pool, &open.scope).await;
        refused_as::<A, _>(stale, |why| matches!(why, PoolError::Connect(_)));

        let rotated = Credential::new(login, SecretString::from("another one".to_owned()));
        safe.put(&tenant, rotated);
        let after = who(&pool, &open.scope).await.unwrap();
        assert_ne!(before[1], after[1]);
    })
    .await;
}

/// While a password is being changed, either may be the one: who is refused asks once more, and
/// nobody hears of it.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_password_that_is_just_changed_is_asked_for_again<A: Adapted>() {
    worlds(&LOGINS, async |world| {
        let safe = Safe::of(&world);
        let asked = Arc::new(AtomicUsize::new(0));
        let (of_safe, count) = (safe.clone(), Arc::clone(&asked));
        let in_turn = move |tenant: &Tenant| -> Result<Credential, BoxError> {
            let known = of_safe
                .find(tenant.id())
                .ok_or("the safe has nothing for it")?;
            if count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                let stale = SecretString::from("a stale one".to_owned());
                return Ok(Credential::new(known.user(), stale));
            }
            Ok(known)
        };
        let settings = world
            .settle(A::builder(world.url()))
            .separation(world.separation(in_turn))
            .max_connections(1);
        let pool = A::connect(&world, settings).await.unwrap();
        let tenant = world.tenants()[0].clone();
        let open = OpenScope::of(&world.tenancy(as_placed), tenant.as_str()).await;
        who(&pool, &open.scope).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);

        // Asked once more, and not for ever.
        let wrong = SecretString::from("a wrong one".to_owned());
        let login = safe.of_tenant(&tenant).user().to_owned();
        safe.put(&tenant, Credential::new(login, wrong));
        evict(&pool, &tenant).await;
        let refused = who(&pool, &open.scope).await;
        refused_as::<A, _>(refused, |why| matches!(why, PoolError::Connect(_)));
        assert_eq!(asked.load(Ordering::SeqCst), 4);
    })
    .await;
}

/// Whoever mistook one tenant's credential for another's gets an error.
///
/// # Panics
/// Where it is otherwise.
pub async fn another_tenants_login_is_not_served<A: Adapted>() {
    worlds(&LOGINS, async |world| {
        let safe = Safe::of(&world);
        let pool = connect::<A>(&world, &safe, 2).await;
        let [one, other] = world.tenants();
        // Whoever filled the safe mistook one for the other.
        safe.put(one, safe.of_tenant(other));
        let open = OpenScope::of(&world.tenancy(as_placed), one.as_str()).await;
        let refused = who(&pool, &open.scope).await;
        // Into the other's database it may not go with its own name on the door.
        let refused = refused_as::<A, _>(refused, |why| {
            matches!(why, PoolError::Unsafe(_) | PoolError::Connect(_))
        });
        assert!(!format!("{refused} {refused:?}").contains(other.as_str()));
        until("what was refused to be closed", async || {
            pool.status().size == 0
        })
        .await;
    })
    .await;
}

/// A registry that leads two tenants to one place opens it for one of them.
///
/// # Panics
/// Where it is otherwise.
pub async fn another_tenants_place_is_not_served<A: Adapted>() {
    worlds(
        &[Tier::SchemaRouted, Tier::SchemaLogins, Tier::Databases],
        async |world| {
            let [one, other] = world.tenants();
            let (one, other) = (one.clone(), other.clone());
            let elsewhere = world.stage().tenants()[1].placement().clone();
            // A registry that leads both to one place.
            let tenancy = world.tenancy(|_, _| elsewhere.clone());
            let safe = Safe::of(&world);
            if world.stage().tier().has_logins() {
                safe.put(&one, safe.of_tenant(&other));
            }
            let pool = connect::<A>(&world, &safe, 1).await;
            let right = OpenScope::of(&tenancy, other.as_str()).await;
            who(&pool, &right.scope).await.unwrap();
            let wrong = OpenScope::of(&tenancy, one.as_str()).await;
            for _ in 0..2 {
                run(&pool, &wrong.scope, NOTES).await.unwrap_err();
                run_in_transaction(&pool, &wrong.scope, NOTES)
                    .await
                    .unwrap_err();
                run(&pool, &right.scope, NOTES).await.unwrap();
            }
        },
    )
    .await;
}

/// What can be no place here leaves nothing behind in the pool.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_tenant_of_another_strategy_or_without_a_credential_never_gets_an_entry<
    A: Adapted,
>() {
    worlds(&[Tier::Databases], async |world| {
        let pool = connect::<A>(&world, &Safe::empty(), 2).await;
        let [one, _] = world.tenants();
        let elsewhere = world.tenancy(|_, _| tenancy_core::Placement::shared());
        let open = OpenScope::of(&elsewhere, one.as_str()).await;
        let refused = who(&pool, &open.scope).await;
        refused_as::<A, _>(refused, |why| matches!(why, PoolError::Placement));
        let open = OpenScope::of(&world.tenancy(as_placed), one.as_str()).await;
        let refused = who(&pool, &open.scope).await;
        refused_as::<A, _>(refused, |why| matches!(why, PoolError::Credential(_)));
        until("nothing to be left", async || {
            let status = pool.status();
            (status.size, status.tenants, status.targets) == (0, 0, 0)
        })
        .await;
    })
    .await;
}

/// One database that does not answer, beside one that does.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_database_that_hangs_at_connect_delays_nobody_else<A: Adapted>() {
    worlds(&[Tier::Databases], async |world| {
        let proxy = Proxy::in_front_of(world.server()).unwrap();
        proxy.stall(true);
        let [one, other] = world.tenants();
        let (one, other) = (one.clone(), other.clone());
        let settings = world
            .settle(A::builder(world.url()))
            .server("slow", proxy.url(world.url()).unwrap())
            .max_connections(2)
            .connect_timeout(Duration::from_mins(1))
            .acquire_timeout(Duration::from_mins(1));
        let pool = A::connect(&world, settings).await.unwrap();
        let tenancy = world.tenancy(|id, placement| {
            if *id == one {
                placement.on_server("slow")
            } else {
                placement
            }
        });
        let slow = OpenScope::of(&tenancy, one.as_str()).await;
        let fast = OpenScope::of(&tenancy, other.as_str()).await;
        let served = Cell::new(false);
        let waiting = async {
            who(&pool, &slow.scope).await.unwrap();
            served.set(true);
        };
        let others = async {
            until("the connection to hang", async || pool.status().size == 1).await;
            for _ in 0..20 {
                who(&pool, &fast.scope).await.unwrap();
            }
            assert!(!served.get());
            proxy.stall(false);
        };
        tokio::join!(waiting, others);
    })
    .await;
}

/// A setting of another separation is no pool at all.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_setting_that_has_no_place_here_is_refused<A: Adapted>() {
    let name = |name: &str| name.parse().unwrap();
    let nobody = |_: &Tenant| -> Result<Credential, BoxError> { Err("nobody's".into()) };
    worlds(&[Tier::RowLevelSealed], async |world| {
        for misfit in [
            Separation::sealed().with_shared_schema(name("extensions")),
            Separation::databases(nobody).with_shared_schema(name("extensions")),
            Separation::sealed().in_schema(name("app")),
            Separation::routed_schemas().in_schema(name("app")),
        ] {
            let settings = world.settle(A::builder(world.url())).separation(misfit);
            let refused = A::connect(&world, settings).await;
            let refused = refused.map(drop).map_err(Into::into);
            refused_as::<A, _>(refused, |why| matches!(why, PoolError::Settings { .. }));
        }
    })
    .await;
}

/// Verification looks as the tenant that is asked about.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_hole_is_found_for_the_tenant_that_has_it<A: Adapted>() {
    worlds(&LOGINS, async |world| {
        let safe = Safe::of(&world);
        let pool = connect::<A>(&world, &safe, 2).await;
        let [one, other] = world.tenants();
        let tenancy = world.tenancy(as_placed);
        let (a, b) = (
            OpenScope::of(&tenancy, one.as_str()).await,
            OpenScope::of(&tenancy, other.as_str()).await,
        );
        let whole = pool.verify(None).await.unwrap_err();
        assert!(
            matches!(A::of_the_pool(&whole), Some(PoolError::NeedsTenant)),
            "{whole:?}"
        );
        for open in [&a, &b] {
            let holes = pool.verify(Some(&open.scope)).await.unwrap();
            assert!(!holes.iter().any(Finding::is_hole), "{holes:?}");
        }
        // Injected SQL may set a login's own settings, for ever.
        let injected = "ALTER ROLE CURRENT_USER SET row_security = off";
        run(&pool, &a.scope, injected).await.unwrap();
        let holes = pool.verify(Some(&a.scope)).await.unwrap();
        assert!(holes.iter().any(Finding::is_hole), "{holes:?}");
        let holes = pool.verify(Some(&b.scope)).await.unwrap();
        assert!(!holes.iter().any(Finding::is_hole), "{holes:?}");
        // And the next connection is not served.
        evict(&pool, one).await;
        let refused = who(&pool, &a.scope).await;
        refused_as::<A, _>(refused, |why| matches!(why, PoolError::Unsafe(_)));
        who(&pool, &b.scope).await.unwrap();
    })
    .await;
}

/// No binding outlives its right.
///
/// # Panics
/// Where it is otherwise.
pub async fn a_withdrawn_tenants_shelf_is_emptied<A: Adapted>() {
    worlds(&[Tier::RowLevelSealed, Tier::Databases], async |world| {
        let settings = world.settle(A::builder(world.url()));
        let settings = settings.max_connections(4).reserve(0);
        let pool = A::connect(&world, settings).await.unwrap();
        let tenancy = world.tenancy(as_placed);
        tenancy.on_withdrawn({
            let pool = pool.clone();
            move |withdrawn| match withdrawn {
                Withdrawn::Tenant(tenant) => drop(pool.evict(tenant)),
                _ => pool.evict_all(),
            }
        });
        let [one, other] = world.tenants();
        let own = world.stage().tier().has_logins();
        let kept = |pool: &A| {
            let status = pool.status();
            if own { status.idle } else { status.shelved }
        };
        for (before, tenant) in [(0, one), (1, other)] {
            let open = OpenScope::of(&tenancy, tenant.as_str()).await;
            until("it to be kept ready", async || {
                who(&pool, &open.scope).await.unwrap();
                // Where it is looked for, it has come back.
                until("it to be back", async || pool.status().in_use == 0).await;
                kept(&pool) > before
            })
            .await;
        }
        let both = kept(&pool);
        tenancy.invalidate(one);
        until("one to be gone", async || kept(&pool) < both).await;
        assert!(kept(&pool) > 0, "the other's is still there");
        tenancy.invalidate_all();
        until("all to be gone", async || kept(&pool) == 0).await;
    })
    .await;
}

/// Behind `PgBouncer` only transactions, and only where it resets its connections.
///
/// # Panics
/// Where it is otherwise.
pub async fn through_a_pooler_no_scope_stays_bound_and_an_unsafe_one_is_refused<A: Adapted>() {
    if is_left_out() {
        println!("left out: PgBouncer");
        return;
    }
    worlds(&[Tier::RowLevelPooled], async |world| {
        let settings = world.settle(A::builder(world.url()));
        let pool = A::connect(&world, settings).await.unwrap();
        let [one, _] = world.tenants();
        let open = OpenScope::of(&world.tenancy(as_placed), one.as_str()).await;
        let refused = pool.check_out(&open.scope).await.map_err(Into::into);
        refused_as::<A, _>(refused, |why| matches!(why, PoolError::NeedsTransaction));
        let served = run_in_transaction(&pool, &open.scope, "SELECT 1").await;
        served.unwrap();

        let database = world.database();
        let careless = PgBouncer::start(PgBouncerConfig {
            pool_size: 1,
            ..PgBouncerConfig::careless(database)
        })
        .await
        .unwrap();
        let url = careless.url_for(database.pooled_role(), database.password());
        let careless = A::connect(&world, world.settle(A::builder(&url))).await;
        let refused = careless.map(drop).map_err(Into::into);
        let refused = refused_as::<A, _>(refused, |why| matches!(why, PoolError::Enforcement(_)));
        assert!(refused.to_string().contains("reset"), "{refused}");
    })
    .await;
}

/// These tests for an [`Adapted`] adapter.
#[macro_export]
macro_rules! separation_tests {
    ($adapter:ident) => {
        $crate::separation_tests! { @each $adapter;
            a_rotated_password_takes_effect_without_a_restart;
            a_password_that_is_just_changed_is_asked_for_again;
            another_tenants_login_is_not_served;
            another_tenants_place_is_not_served;
            a_tenant_of_another_strategy_or_without_a_credential_never_gets_an_entry;
            a_database_that_hangs_at_connect_delays_nobody_else;
            a_hole_is_found_for_the_tenant_that_has_it;
            a_setting_that_has_no_place_here_is_refused;
            a_withdrawn_tenants_shelf_is_emptied;
        }
    };
    (@each $adapter:ident; $($name:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            $crate::separations::$name::<$adapter>().await;
        }
    )*};
}
