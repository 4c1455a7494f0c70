//! The scoped database as an extractor, over a real adapter.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not take for tests

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use tenancy::axum::{Scoped, TenancyLayer};
use tenancy::sqlx::sqlite::SqliteTenants;
use tenancy::{
    BoxError, MemoryStore, Provisioner, RequestView, Subdomain, Tenancy, Tenant, TenantId,
};
use tower::ServiceExt as _;

async fn titles(Scoped(mut db): Scoped<SqliteTenants>) -> String {
    let titles: Vec<(String,)> = sqlx::query_as("SELECT title FROM notes ORDER BY id")
        .fetch_all(&mut *db)
        .await
        .unwrap();
    titles
        .into_iter()
        .map(|(title,)| title)
        .collect::<Vec<_>>()
        .join(",")
}

async fn add(Scoped(mut db): Scoped<SqliteTenants>, title: String) {
    sqlx::query("INSERT INTO notes (title) VALUES ($1)")
        .bind(title)
        .execute(&mut *db)
        .await
        .unwrap();
}

async fn ask(
    app: &Router,
    host: &str,
    request: axum::http::request::Builder,
    body: &str,
) -> (StatusCode, String) {
    let request = request
        .header("host", format!("{host}.example.com"))
        .body(Body::from(body.to_owned()));
    let response = app.clone().oneshot(request.unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_request_gets_its_own_tenants_database() {
    let folder = tempfile::tempdir().unwrap();
    let db = SqliteTenants::builder(folder.path())
        .schema(["CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"])
        .build()
        .unwrap();
    let mut tenants = Vec::new();
    for id in ["acme", "globex"] {
        let id = TenantId::new(id).unwrap();
        let placement = db.provision(&id).await.unwrap();
        tenants.push(Tenant::new(id).with_placement(placement));
    }
    let tenancy = Tenancy::builder(MemoryStore::new(tenants))
        .resolve(Subdomain::of("example.com"))
        .authorize(|_: &TenantId, _: &dyn RequestView| async { Ok::<_, BoxError>(true) })
        .build();
    let app = Router::new()
        .route("/notes", get(titles))
        .route("/notes", post(add))
        .layer(TenancyLayer::new(tenancy))
        .with_state(db);

    for id in ["acme", "globex"] {
        let (status, _) = ask(&app, id, Request::post("/notes"), &format!("of {id}")).await;
        assert_eq!(status, StatusCode::OK);
    }
    for id in ["acme", "globex"] {
        let (status, body) = ask(&app, id, Request::get("/notes"), "").await;
        assert_eq!((status, body), (StatusCode::OK, format!("of {id}")));
    }
    let (status, _) = ask(&app, "initech", Request::get("/notes"), "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
