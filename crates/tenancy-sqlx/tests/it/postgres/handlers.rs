//! The shapes that services are written in: handlers, spawned tasks, boxed futures, repositories,
//! retries. That they compile is most of the test.

use std::pin::Pin;

use futures_util::TryStreamExt as _;
use sqlx::PgConnection;
use tenancy_core::TenantScope;
use tenancy_sqlx::postgres::TenantPool;
use tenancy_sqlx::{Error, TxFn};

use super::stage::{ACME, Stage, all_back, each};

#[derive(Debug)]
enum AppError {
    Tenancy(Error),
    Database(sqlx::Error),
}

impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::Tenancy(error)
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// What an extractor hands out.
struct Extracted(TenantScope);

struct Note {
    id: i64,
    title: String,
}

async fn list(scope: Extracted, pool: TenantPool) -> Result<Vec<(i64, String)>, AppError> {
    let mut db = pool.acquire(&scope.0).await?;
    Ok(sqlx::query_as("SELECT id, title FROM notes ORDER BY id")
        .fetch_all(&mut *db)
        .await?)
}

async fn add(scope: Extracted, pool: TenantPool, note: Note) -> Result<(), AppError> {
    pool.transaction(&scope.0, async |tx| {
        sqlx::query("INSERT INTO notes (id, title) VALUES ($1, $2)")
            .bind(note.id)
            .bind(&note.title)
            .execute(&mut *tx)
            .await
    })
    .await?;
    Ok(())
}

trait Notes {
    fn count<'a>(
        &'a self,
        connection: &'a mut PgConnection,
    ) -> Pin<Box<dyn Future<Output = sqlx::Result<i64>> + Send + 'a>>;
}

struct Repository {
    table: &'static str,
}

impl Notes for Repository {
    fn count<'a>(
        &'a self,
        connection: &'a mut PgConnection,
    ) -> Pin<Box<dyn Future<Output = sqlx::Result<i64>> + Send + 'a>> {
        Box::pin(async move {
            let sql = match self.table {
                "tags" => "SELECT count(*) FROM tags",
                _ => "SELECT count(*) FROM notes",
            };
            sqlx::query_scalar(sql).fetch_one(connection).await
        })
    }
}

/// A helper that tries again, as applications write them.
async fn retrying<T, F>(pool: &TenantPool, scope: &TenantScope, work: F) -> Result<T, AppError>
where
    F: AsyncFnOnce(&mut PgConnection) -> Result<T, AppError>
        + for<'c> TxFn<'c, PgConnection, T, AppError>
        + Clone,
    T: Send,
{
    let mut left = 3;
    loop {
        match pool.transaction(scope, work.clone()).await {
            Err(AppError::Database(error)) if left > 0 => {
                assert!(error.as_database_error().is_some());
                left -= 1;
            }
            ended => return ended,
        }
    }
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_tasks_boxes_repositories_and_retries() {
    each(async |stage: Stage| {
        let pool = stage.pool(3).await;
        let acme = stage.scope(ACME).await;
        let ticket = || Extracted(acme.scope.ticket());

        let listed = tokio::spawn(list(ticket(), pool.clone()))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(listed.len(), 3);
        let note = Note {
            id: 60,
            title: "added".to_owned(),
        };
        tokio::spawn(is_send(add(ticket(), pool.clone(), note)))
            .await
            .unwrap()
            .unwrap();
        let again = Note {
            id: 60,
            title: "twice".to_owned(),
        };
        match add(ticket(), pool.clone(), again).await.unwrap_err() {
            AppError::Database(error) => assert!(error.as_database_error().is_some()),
            AppError::Tenancy(error) => panic!("{error}"),
        }

        let boxed: Pin<Box<dyn Future<Output = Result<i64, AppError>> + Send + '_>> = Box::pin(
            pool.transaction(&acme.scope, async |tx| -> Result<i64, AppError> {
                let notes: Box<dyn Notes + Send + Sync> = Box::new(Repository { table: "notes" });
                let tags = Repository { table: "tags" };
                Ok(notes.count(tx).await? + tags.count(tx).await?)
            }),
        );
        assert_eq!(boxed.await.unwrap(), 7);

        let both = tokio::join!(
            pool.transaction(&acme.scope, async |tx| Repository { table: "notes" }
                .count(tx)
                .await),
            pool.transaction(&acme.scope, async |tx| -> sqlx::Result<usize> {
                let rows: Vec<(String,)> = sqlx::query_as("SELECT tag FROM tags")
                    .fetch(tx)
                    .try_collect()
                    .await?;
                Ok(rows.len())
            }),
        );
        assert_eq!((both.0.unwrap(), both.1.unwrap()), (4, 3));

        let tries = std::sync::atomic::AtomicUsize::new(0);
        let (tries, scope) = (&tries, &acme.scope);
        let count = retrying(&pool, scope, async move |tx| {
            if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                sqlx::raw_sql("SELECT 1 / 0").execute(&mut *tx).await?;
            }
            Ok(Repository { table: "notes" }.count(tx).await?)
        })
        .await
        .unwrap();
        assert_eq!(
            (count, tries.load(std::sync::atomic::Ordering::SeqCst)),
            (4, 2)
        );
        all_back(&pool).await;
        acme.end().await;
    })
    .await;
}
