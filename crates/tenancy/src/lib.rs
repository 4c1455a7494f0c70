//! Fail-closed multi-tenancy for Rust services: one customer's data can never become another's.
//!
//! This crate is what applications depend on. It re-exports the core, and an adapter or an
//! integration for each feature:
//!
//! | feature | what it adds |
//! |---|---|
//! | `sqlx-postgres` | [`sqlx::postgres`]: row-level tenancy on PostgreSQL through SQLx, and [`postgres`]: its enforcement as SQL |
//! | `sqlx-sqlite` | [`sqlx::sqlite`]: a SQLite database for each tenant through SQLx |
//! | `tower` | [`tower`]: the layer that opens a request's scope |
//! | `axum` | [`axum`]: the same layer with axum's extractors |
//! | `conformance` | [`conformance`]: the adversarial suite, for your own tables |
//! | `uuid` | `TenantId` from `uuid::Uuid` |
//!
//! None is on by default, and none changes what the others do.

pub use tenancy_core::*;

#[cfg(feature = "conformance")]
pub use tenancy_conformance as conformance;
#[cfg(feature = "sqlx-postgres")]
pub use tenancy_postgres as postgres;
#[cfg(any(feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
pub use tenancy_sqlx as sqlx;
#[cfg(feature = "tower")]
pub use tenancy_tower as tower;
#[cfg(feature = "axum")]
pub use tenancy_tower as axum;
