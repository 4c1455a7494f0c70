//! SeaORM's own connection in the ambient scope: code that takes one runs as it is.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use sea_orm::{
    ActiveModelTrait as _, DatabaseConnection, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryOrder as _, TransactionTrait as _,
};
use tenancy_core::{CentralScope, InCurrentScope as _, TenantScope};
use tenancy_sea_orm::{AmbientDatabase, explain};
use tokio::time::timeout;

use super::entities::{Note, new_note, note, titles};
use super::stage::{ACME, GLOBEX, Stage, each};

impl Stage {
    async fn ambient(&self, connections: u32) -> DatabaseConnection {
        let settings = AmbientDatabase::builder(&self.database.runtime_url())
            .sealing_key(self.key.clone())
            .roles(self.roles.clone())
            .acquire_timeout(Duration::from_secs(20))
            .max_connections(connections);
        let database = AmbientDatabase::connect_with(settings).await;
        database.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Code that knows nothing of tenants.
async fn all(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let notes = Note::find().order_by_asc(note::Column::Id);
    let streamed: Vec<_> = notes.clone().stream(db).await?.try_collect().await?;
    let found = notes.all(db).await?;
    assert_eq!(streamed, found);
    Ok(titles(found))
}

#[track_caller]
fn assert_no_scope<T: std::fmt::Debug>(answer: Result<T, DbErr>) {
    let error = answer.unwrap_err();
    assert!(explain(&error).is_some(), "{error}");
    assert!(error.to_string().contains("scope"), "{error}");
}

#[tokio::test]
async fn each_scope_has_its_own_rows_and_none_has_none() {
    each(async |stage: Stage| {
        let db = stage.ambient(1).await;
        assert_no_scope(all(&db).await);
        for tenant in [ACME, GLOBEX, ACME] {
            let expected = stage.titles(tenant).await;
            let (deep, here) = (db.clone(), &db);
            stage
                .tenancy
                .run(
                    tenant,
                    async move |_: &TenantScope| -> Result<(), DbError> {
                        assert_eq!(all(here).await?, expected);
                        // A task that nobody carried the scope to has none.
                        let lost = deep.clone();
                        assert_no_scope(
                            tokio::spawn(async move { all(&lost).await }).await.unwrap(),
                        );
                        let carried = async move { all(&deep).await }.in_current_scope();
                        assert_eq!(tokio::spawn(carried).await.unwrap()?, expected);
                        Ok(())
                    },
                )
                .await
                .unwrap();
            assert_no_scope(all(&db).await);
        }
        stage
            .tenancy
            .central("a test", async |_: &CentralScope| -> Result<(), DbError> {
                assert_no_scope(all(&db).await);
                Ok(())
            })
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn its_own_transactions_and_models_write_the_scopes_rows() {
    each(async |stage: Stage| {
        let db = stage.ambient(2).await;
        stage
            .tenancy
            .run(GLOBEX, async |_: &TenantScope| -> Result<(), DbError> {
                new_note(10, "kept").insert(&db).await?;
                let tx = db.begin().await?;
                new_note(11, "dropped").insert(&tx).await?;
                drop(tx);
                let added = db.transaction::<_, u64, DbErr>(|tx| {
                    Box::pin(async move {
                        new_note(12, "added").insert(tx).await?;
                        Note::find().count(tx).await
                    })
                });
                assert_eq!(added.await.unwrap(), 5);
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(stage.titles(GLOBEX).await[3..], ["kept", "added"]);
        assert_eq!(stage.titles(ACME).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn futures_dropped_anywhere_leave_the_next_scope_its_own() {
    each(async |stage: Stage| {
        let db = stage.ambient(2).await;
        for round in 0..300_usize {
            let (cut, looked) = ([ACME, GLOBEX][round % 2], [ACME, GLOBEX][(round + 1) % 2]);
            let work = stage
                .tenancy
                .run(cut, async |_: &TenantScope| -> Result<(), DbError> {
                    let tx = db.begin().await?;
                    Note::find().all(&tx).await?;
                    new_note(20, "cut").insert(&tx).await?;
                    Ok(tx.rollback().await?)
                });
            let _cut = timeout(Duration::from_micros(20 * (round as u64 % 90)), work).await;
            stage
                .tenancy
                .run(looked, async |_: &TenantScope| -> Result<(), DbError> {
                    let found = all(&db).await?;
                    assert_eq!(found.len(), 3);
                    assert!(
                        found.iter().all(|title| title.starts_with(looked)),
                        "{found:?}"
                    );
                    Ok(())
                })
                .await
                .unwrap();
        }
    })
    .await;
}

/// An application's own error.
#[derive(Debug, thiserror::Error)]
enum DbError {
    #[error(transparent)]
    Scope(#[from] tenancy_core::Error),
    #[error(transparent)]
    Orm(#[from] DbErr),
}
