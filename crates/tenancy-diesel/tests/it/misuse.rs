//! What compiles and is caught when it runs.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel_async::RunQueryDsl;
use tenancy_diesel::{Error, Failure, PoolError, TenantPool};

use super::stage::{ACME, GLOBEX, Stage, all_back, each};
use super::tables::notes;
use crate::first_title;

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
        let read: Result<String, _> = pool.get_result_in(&ended, first_title!()).await;
        assert!(read.is_err());
        assert_eq!(pool.status().in_use, 0);
    })
    .await;
}

#[tokio::test]
async fn swapped_connections_stay_their_tenants_and_are_not_used_again() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let before = {
            let mut one = pool.acquire(&acme.scope).await.unwrap();
            let mut two = pool.acquire(&globex.scope).await.unwrap();
            let _: String = first_title!().first(&mut *one).await.unwrap();
            let _: String = first_title!().first(&mut *two).await.unwrap();
            let before = stage.backends().await;
            std::mem::swap(&mut *one, &mut *two);
            let swapped: String = first_title!().first(&mut *one).await.unwrap();
            assert_eq!(swapped, "globex 1");
            before
        };
        assert_eq!(before.len(), 2);
        all_back(&pool).await;
        for (ticket, tenant) in [(&acme, ACME), (&globex, GLOBEX)] {
            for _ in 0..3 {
                let title: String = pool
                    .get_result_in(&ticket.scope, first_title!())
                    .await
                    .unwrap();
                assert_eq!(title, format!("{tenant} 1"));
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
            let read: Result<String, _> = pool.get_result_in(&acme.scope, first_title!()).await;
            let Err(Error::Statement(DieselError::DatabaseError(_, said))) = read else {
                panic!("{read:?}")
            };
            assert_eq!(said.message(), "no tenant scope is open");
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            assert!(first_title!().first::<String>(&mut *tx).await.is_err());
            assert!(tx.commit().await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn a_database_that_refuses_a_login_says_so() {
    each(async |stage: Stage| {
        let url = stage.database.runtime_url();
        let wrong = url.rsplit_once('/').unwrap().0.to_owned() + "/nowhere";
        let refused = stage.builder(&wrong).connect().await.unwrap_err();
        let Error::Pool(PoolError::Connect(refused)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(refused.code(), Some("3D000"));
    })
    .await;
}

#[tokio::test]
async fn a_transaction_pooler_is_refused_with_the_reason() {
    each(async |stage: Stage| {
        let role = stage.database.pooled_role().parse().unwrap();
        let roles = stage.roles.clone().with_pooled(role).unwrap();
        let url = stage.database.runtime_url();
        let builder = stage.builder(&url).roles(roles).behind_transaction_pooler();
        let Err(Error::Pool(PoolError::Connect(refused))) = builder.connect().await else {
            panic!("connected")
        };
        assert!(
            matches!(refused.driver(), Some(Failure::Pooled)),
            "{refused}"
        );
    })
    .await;
}
