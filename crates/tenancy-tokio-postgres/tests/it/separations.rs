//! Tenants with logins, schemas and databases of their own: what leads astray is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tenancy_adapter_tests::{OpenScope, World};
use tenancy_conformance::Tier;
use tenancy_core::{BoxError, Tenant, TenantId, Withdrawn};
use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig, is_left_out};
use tenancy_testkit::postgres::majors;
use tenancy_testkit::proxy::Proxy;
use tenancy_tokio_postgres::{
    Credential, CredentialProvider, Error, Finding, PoolError, TenantKind, TenantPool,
};

use super::stage::until;

const LOGINS: [Tier; 3] = [Tier::RowLevelLogins, Tier::SchemaLogins, Tier::Databases];
const WHO: &str = "SELECT session_user::text, pg_backend_pid()";

/// Credentials that a test changes.
#[derive(Clone)]
struct Safe(Arc<Mutex<HashMap<TenantId, Credential>>>);

impl Safe {
    fn of(world: &World) -> Self {
        let known = world.credentials();
        let of = |id: &TenantId| Some((id.clone(), known(&Tenant::new(id.clone())).ok()?));
        let known = world.tenants().into_iter().filter_map(of).collect();
        Self(Arc::new(Mutex::new(known)))
    }

    fn of_tenant(&self, tenant: &TenantId) -> Credential {
        self.0.lock().unwrap()[tenant].clone()
    }

    fn put(&self, tenant: &TenantId, credential: Credential) {
        self.0.lock().unwrap().insert(tenant.clone(), credential);
    }

    fn provider(&self) -> impl CredentialProvider {
        let safe = self.clone();
        move |tenant: &Tenant| -> Result<Credential, BoxError> {
            let known = safe.0.lock().unwrap().get(tenant.id()).cloned();
            known.ok_or_else(|| "the safe has nothing for it".into())
        }
    }
}

async fn pool(world: &World, safe: &Safe, connections: u32) -> TenantPool {
    world
        .settle(TenantPool::builder(world.url()))
        .separation(world.separation(safe.provider()))
        .max_connections(connections)
        .connect()
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn worlds(tiers: &[Tier], test: impl AsyncFn(World)) {
    for major in majors() {
        for tier in tiers {
            test(World::new(*tier, major, TenantKind::Text).await).await;
        }
    }
}

fn as_placed(_: &TenantId, placement: tenancy_core::Placement) -> tenancy_core::Placement {
    placement
}

#[tokio::test]
async fn a_rotated_password_takes_effect_without_a_restart() {
    worlds(&LOGINS, async |world| {
        let (safe, admin) = (Safe::of(&world), world.database().admin().await.unwrap());
        let pool = pool(&world, &safe, 2).await;
        let tenant = world.tenants()[0].clone();
        let open = OpenScope::of(&world.tenancy(as_placed), tenant.as_str()).await;
        let before = pool.query_one(open.scope(), WHO, &[]).await.unwrap();
        let login = safe.of_tenant(&tenant).user().to_owned();
        assert_eq!(before.get::<_, String>(0), login);

        let quoted = format!("\"{}\"", login.replace('"', "\"\""));
        admin
            .batch_execute(&format!("ALTER ROLE {quoted} PASSWORD 'another one'"))
            .await
            .unwrap();
        pool.evict(&tenant);
        let stale = pool.query_one(open.scope(), WHO, &[]).await;
        assert!(
            matches!(stale, Err(Error::Pool(PoolError::Connect(_)))),
            "{stale:?}"
        );

        let rotated = Credential::new(login, SecretString::from("another one".to_owned()));
        safe.put(&tenant, rotated);
        let after = pool.query_one(open.scope(), WHO, &[]).await.unwrap();
        assert_ne!(before.get::<_, i32>(1), after.get::<_, i32>(1));
    })
    .await;
}

#[tokio::test]
async fn another_tenants_login_is_not_served() {
    worlds(&LOGINS, async |world| {
        let safe = Safe::of(&world);
        let pool = pool(&world, &safe, 2).await;
        let [one, other] = world.tenants();
        // Whoever filled the safe mistook one for the other.
        safe.put(one, safe.of_tenant(other));
        let open = OpenScope::of(&world.tenancy(as_placed), one.as_str()).await;
        let refused = pool.query_one(open.scope(), WHO, &[]).await.unwrap_err();
        // Into the other's database it may not go with its own name on the door.
        assert!(
            matches!(
                refused,
                Error::Pool(PoolError::Unsafe(_) | PoolError::Connect(_))
            ),
            "{refused:?}"
        );
        assert!(!format!("{refused} {refused:?}").contains(other.as_str()));
        until("what was refused to be closed", async || {
            pool.status().size == 0
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn another_tenants_place_is_not_served() {
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
            let pool = pool(&world, &safe, 1).await;
            let right = OpenScope::of(&tenancy, other.as_str()).await;
            pool.query_one(right.scope(), WHO, &[]).await.unwrap();
            let wrong = OpenScope::of(&tenancy, one.as_str()).await;
            for _ in 0..2 {
                let read = pool.query(wrong.scope(), "SELECT * FROM notes", &[]).await;
                assert!(read.is_err(), "{read:?}");
                let begun = pool.begin(wrong.scope()).await;
                if let Ok(transaction) = begun {
                    assert!(transaction.query("SELECT * FROM notes", &[]).await.is_err());
                }
                pool.query(right.scope(), "SELECT * FROM notes", &[])
                    .await
                    .unwrap();
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_tenant_of_another_strategy_or_without_a_credential_never_gets_an_entry() {
    worlds(&[Tier::Databases], async |world| {
        let pool = pool(&world, &Safe(Arc::default()), 2).await;
        let [one, _] = world.tenants();
        let elsewhere = world.tenancy(|_, _| tenancy_core::Placement::shared());
        let open = OpenScope::of(&elsewhere, one.as_str()).await;
        let refused = pool.acquire(open.scope()).await.unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::Placement)),
            "{refused:?}"
        );
        let open = OpenScope::of(&world.tenancy(as_placed), one.as_str()).await;
        let refused = pool.acquire(open.scope()).await.unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::Credential(_))),
            "{refused:?}"
        );
        until("nothing to be left", async || {
            let status = pool.status();
            (status.size, status.tenants, status.targets) == (0, 0, 0)
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_database_that_hangs_at_connect_delays_nobody_else() {
    worlds(&[Tier::Databases], async |world| {
        let proxy = Proxy::in_front_of(world.server()).unwrap();
        proxy.stall(true);
        let [one, other] = world.tenants();
        let (one, other) = (one.clone(), other.clone());
        let pool = world
            .settle(TenantPool::builder(world.url()))
            .server("slow", proxy.url(world.url()).unwrap())
            .max_connections(2)
            .connect_timeout(Duration::from_mins(1))
            .acquire_timeout(Duration::from_mins(1))
            .connect()
            .await
            .unwrap();
        let tenancy = world.tenancy(|id, placement| {
            if *id == one {
                placement.on_server("slow")
            } else {
                placement
            }
        });
        let slow = OpenScope::of(&tenancy, one.as_str()).await;
        let fast = OpenScope::of(&tenancy, other.as_str()).await;
        let waiting = tokio::spawn({
            let (pool, scope) = (pool.clone(), slow.scope().ticket());
            async move { pool.query_one(&scope, WHO, &[]).await.map(drop) }
        });
        until("the connection to hang", async || pool.status().size == 1).await;
        for _ in 0..20 {
            pool.query_one(fast.scope(), WHO, &[]).await.unwrap();
        }
        assert!(!waiting.is_finished());
        proxy.stall(false);
        waiting.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_hole_is_found_for_the_tenant_that_has_it() {
    worlds(&LOGINS, async |world| {
        let safe = Safe::of(&world);
        let pool = pool(&world, &safe, 2).await;
        let [one, other] = world.tenants();
        let tenancy = world.tenancy(as_placed);
        let (a, b) = (
            OpenScope::of(&tenancy, one.as_str()).await,
            OpenScope::of(&tenancy, other.as_str()).await,
        );
        let whole = pool.verify().await;
        assert!(
            matches!(whole, Err(Error::Pool(PoolError::NeedsTenant))),
            "{whole:?}"
        );
        for open in [&a, &b] {
            let holes = pool.verify_for(open.scope()).await.unwrap();
            assert!(!holes.iter().any(Finding::is_hole), "{holes:?}");
        }
        // Injected SQL may set a login's own settings, for ever.
        let client = pool.acquire(a.scope()).await.unwrap();
        client
            .batch_execute("ALTER ROLE CURRENT_USER SET row_security = off")
            .await
            .unwrap();
        drop(client);
        let holes = pool.verify_for(a.scope()).await.unwrap();
        assert!(holes.iter().any(Finding::is_hole), "{holes:?}");
        let holes = pool.verify_for(b.scope()).await.unwrap();
        assert!(!holes.iter().any(Finding::is_hole), "{holes:?}");
        // And the next connection is not served.
        pool.evict(one);
        let refused = pool.acquire(a.scope()).await.unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::Unsafe(_))),
            "{refused:?}"
        );
        pool.acquire(b.scope()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_tenants_shelf_is_emptied() {
    worlds(&[Tier::RowLevelSealed, Tier::Databases], async |world| {
        let pool = world
            .settle(TenantPool::builder(world.url()))
            .max_connections(4)
            .reserve(0)
            .connect()
            .await
            .unwrap();
        let tenancy = world.tenancy(as_placed);
        tenancy.on_withdrawn({
            let pool = pool.clone();
            move |withdrawn| match withdrawn {
                Withdrawn::Tenant(tenant) => pool.evict(tenant),
                _ => pool.evict_all(),
            }
        });
        let [one, other] = world.tenants();
        let own = world.stage().tier().has_logins();
        let kept = |pool: &TenantPool| {
            let status = pool.status();
            if own { status.idle } else { status.shelved }
        };
        for (before, tenant) in [(0, one), (1, other)] {
            let open = OpenScope::of(&tenancy, tenant.as_str()).await;
            until("it to be kept ready", async || {
                pool.query_one(open.scope(), WHO, &[]).await.unwrap();
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

#[tokio::test]
async fn through_a_pooler_no_scope_stays_bound_and_an_unsafe_one_is_refused() {
    if is_left_out() {
        println!("left out: PgBouncer");
        return;
    }
    worlds(&[Tier::RowLevelPooled], async |world| {
        let builder = || world.settle(TenantPool::builder(world.url()));
        let pool = builder().connect().await.unwrap();
        let [one, _] = world.tenants();
        let open = OpenScope::of(&world.tenancy(as_placed), one.as_str()).await;
        let refused = pool.acquire(open.scope()).await.unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::NeedsTransaction)),
            "{refused:?}"
        );
        pool.begin(open.scope())
            .await
            .unwrap()
            .commit()
            .await
            .unwrap();

        let database = world.database();
        let careless = PgBouncer::start(PgBouncerConfig {
            pool_size: 1,
            ..PgBouncerConfig::careless(database)
        })
        .await
        .unwrap();
        let url = careless.url_for(database.pooled_role(), database.password());
        let unsafe_one = world.settle(TenantPool::builder(&url)).connect().await;
        let refused = unsafe_one.map(drop).unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::Enforcement(_))),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("reset"), "{refused}");
    })
    .await;
}
