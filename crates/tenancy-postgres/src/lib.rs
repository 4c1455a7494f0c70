//! PostgreSQL's enforcement of tenancy as SQL text, typed plans and judgement. No driver.
//!
//! An adapter sends what this crate writes and hands the answers back:
//!
//! | what | module | who runs it |
//! |---|---|---|
//! | roles, functions, keys of the sealed scope | [`install`], [`rotate`] | a superuser (or a role that owns the database), once |
//! | the wall around one table | [`wall`] | the same, for each table |
//! | opening and ending a scope | [`seal`], [`key`] | the runtime role, for each scope |
//! | cleaning a connection | [`scrub`], [`settings`] | the runtime role, between scopes |
//! | looking for holes | [`verify`], [`version`] | the runtime role or an admin, before serving |
//!
//! Who enforces what: PostgreSQL's row security keeps rows apart, and the `SECURITY DEFINER`
//! functions of the role `tenancy_owner` keep the scope from being forged. Nothing in this crate
//! filters a row.
//!
//! ```
//! use tenancy_core::TenantId;
//! use tenancy_postgres::key::{KeyId, SealingKey};
//! use tenancy_postgres::seal::{self, Binding, Challenge, TenantKind};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SealingKey::generate(KeyId::new(1)?)?;
//! // The connection answered `seal::LEAVE` with this challenge.
//! assert_eq!(seal::LEAVE, "SELECT tenancy.leave()");
//! let challenge = Challenge::parse("00112233445566778899aabbccddeeff")?;
//! let acme = TenantId::new("acme")?;
//! let proof = key.prove(&acme, TenantKind::Text, Binding::Transaction, &challenge)?;
//! assert!(proof.enter_sql().starts_with("SELECT tenancy.enter(1, "));
//! # Ok(()) }
//! ```

mod catalog;
mod error;
pub mod ident;
pub mod install;
pub mod key;
pub mod pinned;
pub mod plan;
pub mod rotate;
pub mod scrub;
pub mod seal;
pub mod settings;
pub mod sqlstate;
pub mod verify;
pub mod version;
pub mod wall;

pub use error::Error;
