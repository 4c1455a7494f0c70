//! PostgreSQL's enforcement of tenancy as SQL text, typed plans and judgement. No driver.
//!
//! An adapter sends what this crate writes and hands the answers back:
//!
//! | what | module | who runs it |
//! |---|---|---|
//! | roles, functions, keys of the sealed scope | [`install`], [`rotate`] | a superuser (or a role that owns the database), once |
//! | the wall around one table | [`wall`] | the same, for each table |
//! | opening and ending a scope | [`seal`], [`key`] | the runtime role, for each scope |
//! | a login for each tenant, where the wall reads it | [`login`] | an administrator, once for each tenant |
//! | a schema for each tenant | [`schema`], [`role`] | an administrator, once for each tenant; binding is the shared login's |
//! | a database for each tenant | [`database`], [`role`] | an administrator, once for each tenant |
//! | who a connection is, where logins keep tenants apart | [`identity`] | the login itself, when it connects |
//! | which tenant lives where | [`placement`], [`mark`] | whoever places tenants |
//! | cleaning a connection | [`scrub`], [`settings`] | the runtime role, between scopes |
//! | transactions through a connection pooler | [`pooler`] | the pooled role, for each transaction |
//! | looking for holes | [`verify`], [`version`] | the runtime role or an admin, before serving |
//!
//! Who enforces what: PostgreSQL's row security keeps rows apart, and the `SECURITY DEFINER`
//! functions of the role `tenancy_owner` keep the scope from being forged. Where tenants have
//! logins, schemas or databases of their own, its privileges keep them apart; on a shared login
//! with a schema for each tenant the facade alone does ([`schema`]). Nothing in this crate
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
pub mod database;
mod error;
pub mod ident;
pub mod identity;
pub mod install;
pub mod isolation;
pub mod key;
pub mod login;
pub mod mark;
pub mod placement;
pub mod plan;
pub mod pooler;
pub mod role;
pub mod rotate;
pub mod schema;
pub mod scrub;
pub mod seal;
pub mod settings;
pub mod sqlstate;
pub mod verify;
pub mod version;
pub mod wall;

pub use error::Error;
