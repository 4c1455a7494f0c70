//! What must compile, and what must not.

mod misuse;
#[cfg(all(feature = "axum", feature = "sqlx-postgres"))]
mod readme;
#[cfg(all(feature = "axum", feature = "sqlx-sqlite"))]
mod scoped_database;
