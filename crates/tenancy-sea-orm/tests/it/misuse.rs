//! What compiles and is caught when it runs.

use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_sea_orm::{Error, PoolError, TenantPool};

use super::entities::Note;
use super::stage::{ACME, GLOBEX, Stage, all_back, each};

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
        let closure = pool.transaction(&ended, async |tx| -> Result<_, DbErr> {
            Note::find().all(tx).await
        });
        assert!(closure.await.is_err());
        assert_eq!(pool.status().in_use, 0);
    })
    .await;
}

#[tokio::test]
async fn swapped_handles_stay_their_tenants() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        {
            let mut one = pool.acquire(&acme.scope).await.unwrap();
            let mut two = pool.acquire(&globex.scope).await.unwrap();
            std::mem::swap(&mut one, &mut two);
            let mut drivers = (one.driver().await.unwrap(), two.driver().await.unwrap());
            std::mem::swap(&mut *drivers.0, &mut *drivers.1);
            drop(drivers);
            let note = Note::find_by_id(1_i64).one(&one).await.unwrap();
            assert_eq!(note.unwrap().title, "acme 1");
        }
        all_back(&pool).await;
        for (ticket, tenant) in [(&acme, ACME), (&globex, GLOBEX)] {
            for _ in 0..3 {
                let db = pool.acquire(&ticket.scope).await.unwrap();
                let note = Note::find_by_id(1_i64).one(&db).await.unwrap();
                assert_eq!(note.unwrap().title, format!("{tenant} 1"));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn errors_that_were_passed_over_are_found_at_the_commit() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let passed_over = pool.transaction(&acme.scope, async |tx| -> Result<(), Error> {
            tx.execute_unprepared("UPDATE notes SET title = 'lost'")
                .await?;
            let _passed_over = tx.execute_unprepared("SELECT 1 / 0").await;
            Ok(())
        });
        let passed_over = passed_over.await;
        assert!(
            matches!(passed_over, Err(Error::Pool(PoolError::TransactionFailed))),
            "{passed_over:?}"
        );
        assert_eq!(stage.titles(ACME).await[0], "acme 1");
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
        let refused = TenantPool::connect_with(stage.builder(&url))
            .await
            .unwrap_err();
        assert!(
            matches!(refused, Error::Pool(PoolError::Unsafe(_))),
            "{refused:?}"
        );
        let keyless = TenantPool::connect("nonsense").await.unwrap_err();
        assert!(
            matches!(
                keyless,
                Error::Pool(PoolError::NoSealingKey | PoolError::Url(_))
            ),
            "{keyless:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_not_installed_opens_nothing() {
    each(async |stage: Stage| {
        let other = SealingKey::generate(KeyId::new(1).unwrap()).unwrap();
        let builder = stage
            .builder(&stage.database.runtime_url())
            .sealing_key(other);
        let pool = TenantPool::connect_with(builder.max_connections(1))
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        for _ in 0..2 {
            let read = async {
                let db = pool.acquire(&acme.scope).await?;
                Note::find().all(&db).await.map_err(Error::from)
            };
            assert!(read.await.is_err());
            let read = pool.transaction(&acme.scope, async |tx| -> Result<_, Error> {
                Ok(Note::find().all(tx).await?)
            });
            assert!(read.await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn no_row_is_shown_by_an_error() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let db = pool.acquire(&acme.scope).await.unwrap();
        let twice = "INSERT INTO notes (id, title) VALUES (1, 'a secret title')";
        let error = Error::from(db.execute_unprepared(twice).await.unwrap_err());
        assert_eq!(
            format!("{error:?}"),
            r#"Statement { code: Some("23505"), .. }"#
        );
        assert!(!error.to_string().contains("secret"));
        // SeaORM still knows what it is.
        let unique = DbErr::from(error).sql_err();
        assert!(matches!(
            unique,
            Some(sea_orm::SqlErr::UniqueConstraintViolation(_))
        ));
    })
    .await;
}
