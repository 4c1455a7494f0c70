//! Fail-closed multi-tenancy for Rust services: one customer's data can never become another's.
//!
//! This crate is what applications depend on. It re-exports the core, and an adapter or an
//! integration for each feature:
//!
//! | feature | what it adds |
//! |---|---|
//! | `sqlx-postgres` | [`sqlx::postgres`]: PostgreSQL through SQLx |
//! | `sea-orm` | [`sea_orm`]: PostgreSQL through SeaORM |
//! | `diesel` | [`diesel`]: PostgreSQL through diesel-async |
//! | `tokio-postgres` | [`tokio_postgres`]: PostgreSQL through tokio-postgres |
//! | `sqlx-sqlite` | [`sqlx::sqlite`]: a SQLite database for each tenant through SQLx |
//! | `tower` | [`tower`]: the layer that opens a request's scope |
//! | `axum` | [`axum`]: the same layer with axum's extractors |
//! | `actix-web` | [`actix_web`]: a middleware and extractors for Actix Web |
//! | `rocket` | [`rocket`]: routes and request guards for Rocket |
//! | `poem` | [`poem`]: a middleware and extractors for Poem |
//! | `loco` | [`loco`]: an initializer for Loco, with axum's extractors |
//! | `tonic` | [`tonic`]: a layer for gRPC calls of all four kinds, and handlers' way to their scope |
//! | `jwt` | bearer tokens that the layer verifies, in each of the frameworks that are there |
//! | `limits` | [`tower`]: rate and concurrency limits for each tenant |
//! | `fleet-postgres`, `fleet-mysql`, `fleet-sqlite` | [`fleet`]: the registry, sealed credentials, provisioning, migrations and seeds, with PostgreSQL, MariaDB and SQLite |
//! | `apalis` | [`apalis`]: background jobs that stay their tenant's |
//! | `cache-moka`, `cache-redis` | [`cache`]: tenants' cached values, in memory and in Redis |
//! | `object-store` | [`object_store`]: tenants' objects in any store of the `object_store` crate; `object-store-local` adds a folder without links, `object-store-signed-urls` signed URLs |
//! | `conformance` | [`conformance`]: the adversarial suite, for your own tables |
//! | `uuid` | `TenantId` from `uuid::Uuid` |
//!
//! Each of the four for PostgreSQL brings [`postgres`], its enforcement as SQL: row-level,
//! a schema or a database for each tenant.
//!
//! None is on by default, and none changes what the others do.

pub use tenancy_core::*;

#[cfg(feature = "actix-web")]
pub use tenancy_actix_web as actix_web;
#[cfg(feature = "apalis")]
pub use tenancy_apalis as apalis;
#[cfg(any(feature = "cache-moka", feature = "cache-redis"))]
pub use tenancy_cache as cache;
#[cfg(feature = "conformance")]
pub use tenancy_conformance as conformance;
#[cfg(feature = "diesel")]
pub use tenancy_diesel as diesel;
#[cfg(any(
    feature = "fleet-mysql",
    feature = "fleet-postgres",
    feature = "fleet-sqlite"
))]
pub use tenancy_fleet as fleet;
#[cfg(feature = "loco")]
pub use tenancy_loco as loco;
#[cfg(feature = "object-store")]
pub use tenancy_object_store as object_store;
#[cfg(feature = "poem")]
pub use tenancy_poem as poem;
#[cfg(any(
    feature = "diesel",
    feature = "sea-orm",
    feature = "sqlx-postgres",
    feature = "tokio-postgres"
))]
pub use tenancy_postgres as postgres;
#[cfg(feature = "rocket")]
pub use tenancy_rocket as rocket;
#[cfg(feature = "sea-orm")]
pub use tenancy_sea_orm as sea_orm;
#[cfg(any(feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
pub use tenancy_sqlx as sqlx;
#[cfg(feature = "tokio-postgres")]
pub use tenancy_tokio_postgres as tokio_postgres;
#[cfg(feature = "tonic")]
pub use tenancy_tonic as tonic;
#[cfg(feature = "tower")]
pub use tenancy_tower as tower;
#[cfg(feature = "axum")]
pub use tenancy_tower as axum;
