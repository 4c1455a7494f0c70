//! Each way of holding it wrong that the compiler refuses, with what it says.
//!
//! The messages are those of the Rust version that CI uses. After a change on purpose:
//! `TRYBUILD=overwrite cargo test -p tenancy --all-features`, and read the difference.

#[test]
#[cfg(all(feature = "axum", feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
