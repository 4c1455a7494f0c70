//! The README's example, whole.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tenancy::axum::{TenancyLayer, TenantScope};
use tenancy::sqlx::postgres::TenantPool;
use tenancy::{BoxError, MemoryStore, RequestView, Subdomain, Tenancy, TenantId};

#[derive(Clone)]
struct App {
    db: TenantPool,
}

struct AppError(sqlx::Error);

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl From<tenancy::sqlx::Error> for AppError {
    fn from(error: tenancy::sqlx::Error) -> Self {
        Self(error.into())
    }
}

impl From<tenancy::Error> for AppError {
    fn from(error: tenancy::Error) -> Self {
        Self(tenancy::sqlx::Error::from(error).into())
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        drop(self.0);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

async fn list(
    scope: TenantScope,
    State(app): State<App>,
) -> Result<Json<Vec<(i64, String)>>, AppError> {
    let mut db = app.db.acquire(&scope).await?;
    Ok(Json(
        sqlx::query_as("SELECT id, title FROM notes ORDER BY id")
            .fetch_all(&mut *db)
            .await?,
    ))
}

async fn add(
    scope: TenantScope,
    State(app): State<App>,
    Json(title): Json<String>,
) -> Result<StatusCode, AppError> {
    app.db
        .transaction(&scope, async |tx| {
            sqlx::query("INSERT INTO notes (title) VALUES ($1)")
                .bind(&title)
                .execute(&mut *tx)
                .await
        })
        .await?;
    Ok(StatusCode::CREATED)
}

async fn insert(
    db: &TenantPool,
    scope: &tenancy::TenantScope,
    title: String,
) -> Result<(), tenancy::sqlx::Error> {
    let mut tx = db.request_transaction(scope).await?;
    sqlx::query("INSERT INTO notes (title) VALUES ($1)")
        .bind(title)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn import(
    scope: TenantScope,
    State(app): State<App>,
    Json(titles): Json<Vec<String>>,
) -> Result<StatusCode, AppError> {
    for title in titles {
        insert(&app.db, &scope, title).await?;
    }
    Ok(StatusCode::CREATED)
}

async fn rebuild_index(scope: &tenancy::TenantScope, db: &TenantPool) -> Result<(), AppError> {
    let mut tx = db.begin(scope).await?;
    sqlx::query("REINDEX TABLE notes")
        .execute(&mut **tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn service(url: &str) -> Result<Router, tenancy::sqlx::Error> {
    let tenancy = Tenancy::builder(MemoryStore::new([]))
        .resolve(Subdomain::of("example.com"))
        .authorize(|_: &TenantId, _: &dyn RequestView| async { Ok::<_, BoxError>(true) })
        .build();
    let db = TenantPool::connect(url).await?;
    let app = Router::new()
        .route("/notes", get(list).post(add))
        .route("/notes/import", post(import))
        .layer(TenancyLayer::new(tenancy.clone()).transaction_per_request())
        .with_state(App { db: db.clone() });
    tokio::spawn(async move {
        tenancy
            .run("acme", async |scope: &tenancy::TenantScope| {
                rebuild_index(scope, &db).await
            })
            .await
    });
    Ok(app)
}

/// It need not run here (the quickstart does): that it compiles is what the README promises.
#[test]
fn the_example_compiles() {
    let _ = service;
}
