//! What compiles and is caught when it runs.

use std::time::Duration;

use tenancy_testkit::proxy::Proxy;
use tenancy_tokio_postgres::{Error, PoolError, TenantPool};

use super::stage::{ACME, GLOBEX, Stage, all_back, each, until};

#[tokio::test]
async fn a_ticket_that_has_ended_opens_nothing() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let ended = stage.scope(ACME).await.end().await;
        assert!(matches!(
            pool.acquire(&ended).await,
            Err(Error::Pool(PoolError::Scope(_)))
        ));
        assert!(pool.begin(&ended).await.is_err());
        assert!(
            pool.query(&ended, "SELECT title FROM notes", &[])
                .await
                .is_err()
        );
        assert_eq!(pool.status().in_use, 0);
    })
    .await;
}

#[tokio::test]
async fn swapped_clients_stay_their_tenants_and_are_not_used_again() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let title = "SELECT min(title) FROM notes";
        let before = {
            let mut one = pool.acquire(&acme.scope).await.unwrap();
            let mut two = pool.acquire(&globex.scope).await.unwrap();
            one.query_one(title, &[]).await.unwrap();
            two.query_one(title, &[]).await.unwrap();
            let before = stage.backends().await;
            std::mem::swap(&mut *one, &mut *two);
            let swapped = one.query_one(title, &[]).await.unwrap();
            assert_eq!(swapped.get::<_, String>(0), "globex 1");
            before
        };
        assert_eq!(before.len(), 2);
        all_back(&pool).await;
        for (ticket, tenant) in [(&acme, ACME), (&globex, GLOBEX)] {
            for _ in 0..3 {
                let row = pool.query_one(&ticket.scope, title, &[]).await.unwrap();
                assert_eq!(row.get::<_, String>(0), format!("{tenant} 1"));
            }
        }
        let after = stage.backends().await;
        assert!(
            after.iter().all(|pid| !before.contains(pid)),
            "{before:?} {after:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_database_with_a_hole_is_not_served() {
    each(async |stage: Stage| {
        let url = stage.database.runtime_url();
        stage
            .admin
            .batch_execute("ALTER TABLE notes NO FORCE ROW LEVEL SECURITY")
            .await
            .unwrap();
        let refused = stage.builder(&url).connect().await.unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::Unsafe(_))),
            "{refused:?}"
        );
        let wrong = stage.builder(&stage.database.admin_url()).connect().await;
        assert!(
            matches!(wrong, Err(Error::Pool(PoolError::Unsafe(_)))),
            "{wrong:?}"
        );
        let keyless = TenantPool::connect("nonsense").await.unwrap_err();
        assert!(matches!(
            keyless,
            Error::Pool(PoolError::NoSealingKey | PoolError::Url(_))
        ));
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_not_installed_opens_nothing() {
    each(async |stage: Stage| {
        let id = tenancy_postgres::key::KeyId::new(1).unwrap();
        let other = tenancy_postgres::key::SealingKey::generate(id).unwrap();
        let builder = stage
            .builder(&stage.database.runtime_url())
            .sealing_key(other);
        let pool = builder.max_connections(1).connect().await.unwrap();
        let acme = stage.scope(ACME).await;
        for _ in 0..2 {
            let read = pool
                .query(&acme.scope, "SELECT title FROM notes", &[])
                .await;
            let Err(Error::Statement(error)) = read else {
                panic!("{read:?}")
            };
            assert_eq!(error.code().unwrap().code(), "TN001");
            let tx = pool.begin(&acme.scope).await.unwrap();
            assert!(tx.query("SELECT title FROM notes", &[]).await.is_err());
            assert!(tx.commit().await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_began_with_a_passing_setting_of_its_role_is_not_served() {
    each(async |stage: Stage| {
        let proxy = Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        // None is used twice, so that the next checkout needs a new one.
        let settings = stage.builder(&url).max_lifetime(Duration::ZERO);
        let pool = settings.max_connections(1).connect().await;
        let pool = pool.unwrap_or_else(|error| panic!("{error}"));
        let globex = stage.scope(GLOBEX).await;
        drop(pool.acquire(&globex.scope).await.unwrap());
        all_back(&pool).await;
        until("it to be gone", async || stage.backends().await.is_empty()).await;

        // What injected SQL can do, and take back before the new connection is looked at.
        let role = stage.database.runtime_role();
        let alter = async |what: &str| {
            let sql = format!("ALTER ROLE {role} {what}");
            stage.admin.batch_execute(&sql).await.unwrap();
        };
        alter("SET gin_fuzzy_search_limit = 1").await;
        proxy.delay(Duration::from_millis(300));
        let asking = tokio::spawn({
            let (pool, scope) = (pool.clone(), globex.scope.ticket());
            async move { pool.acquire_owned(scope).await.map(drop) }
        });
        until("the new connection to have begun", async || {
            // It shows its role once it has its settings.
            !stage.backends().await.is_empty()
        })
        .await;
        alter("RESET gin_fuzzy_search_limit").await;
        let refused = asking.await.unwrap().unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::Unsafe(_))),
            "{refused:?}"
        );
        // And the next one is as it should be.
        proxy.delay(Duration::ZERO);
        pool.acquire(&globex.scope).await.unwrap();
    })
    .await;
}
