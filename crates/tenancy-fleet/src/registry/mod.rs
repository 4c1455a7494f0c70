//! The registry of tenants: the durable [`TenantStore`](tenancy_core::TenantStore), in the base
//! database.
//!
//! It lies in a handful of tables of its own, in PostgreSQL, MariaDB/MySQL or SQLite, and promises:
//!
//! - **One tenant, one place, for ever.** The database's constraints hold it, also against two
//!   programs at once. No row of a tenant is ever deleted; an archived one keeps its id and place.
//! - **Every change is one transaction, with its audit row**: who, what, when. No secret and no
//!   metadata is in it.
//! - **Nobody's change is lost.** A change names the [`Revision`] that it was decided on, and is
//!   refused where somebody else was faster ([`RegistryError::Conflict`]).
//! - **Nobody is active and half made**: [`Provisioning::Ready`] and a placement come first.
//! - **A suspension takes effect everywhere within a second**, in each process that
//!   [watches](Registry::watch).
//!
//! ```no_run
//! use tenancy_core::{Tenancy, TenantId, TenantStatus};
//! use tenancy_fleet::registry::{Actor, Change, Expected, NewTenant, Registry};
//! use tenancy_fleet::secrets::Keyring;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::builder(std::env::var("DATABASE_URL")?)
//!     .keyring(Keyring::from_env("TENANCY_KEY")?)
//!     .install() // makes or migrates its tables, and connects
//!     .await?;
//! let tenancy = Tenancy::builder(registry.clone()).without_requests().build();
//! let watch = registry.watch(&tenancy).await?; // until it is dropped
//!
//! let ada = Actor::new("ada@example.com")?;
//! let acme = TenantId::new("acme")?;
//! registry.create(NewTenant::active(acme.clone()), &ada).await?;
//! registry
//!     .update(&acme, Expected::Any, Change::status(TenantStatus::Suspended), &ada)
//!     .await?;
//! # drop(watch);
//! # Ok(()) }
//! ```
//!
//! It needs a role of its own, which owns its tables; the roles that serve tenants must not reach
//! them. Connect it to the server itself: a transaction pooler loses its session's settings.

mod audit;
mod availability;
mod backend;
mod base;
mod builder;
mod change;
mod columns;
mod credential;
mod dialect;
mod entry;
mod error;
mod fleet;
mod install;
mod limits;
mod names;
mod new_tenant;
mod pending;
mod place;
mod read;
mod rotate;
mod store;
mod turn;
mod watch;
mod write;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

pub use audit::{Actor, AuditEntry};
pub use builder::RegistryBuilder;
pub use change::{Change, Expected};
pub use credential::Credential;
pub use entry::{Entry, Provisioning, Revision};
pub use error::RegistryError;
pub(crate) use fleet::Record;
pub(crate) use limits::shortened;
pub use new_tenant::NewTenant;
pub(crate) use pending::{Furnished, Pending};
pub use read::List;
pub use rotate::KeyRotation;
pub use watch::Watch;

use crate::secrets::Keyring;
use turn::Line;

/// The registry, connected. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Registry {
    line: Line,
    keyring: Option<Keyring>,
    /// The name of the base database, where it has one.
    base: Option<String>,
    /// How often a watch looks.
    poll: Duration,
    /// How often a credential was asked for.
    asked: Arc<AtomicU64>,
}

impl Registry {
    /// The version of the registry that this program reads and writes.
    pub const VERSION: i64 = install::VERSION;

    /// Closes its connections, once those who use them are done.
    pub async fn close(&self) {
        self.line.pool.close().await;
    }

    pub(crate) fn keyring(&self) -> Result<&Keyring, RegistryError> {
        self.keyring.as_ref().ok_or(RegistryError::NoKeyring)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("database", &self.line.dialect.kind)
            .finish_non_exhaustive()
    }
}
