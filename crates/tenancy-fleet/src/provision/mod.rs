//! Making, changing and removing tenants' places.
//!
//! ```no_run
//! use tenancy_core::TenantId;
//! use tenancy_fleet::Fleet;
//! use tenancy_fleet::migrations::MigrationSet;
//! use tenancy_fleet::provision::Confirmed;
//! use tenancy_fleet::registry::{Actor, Registry};
//! use tenancy_fleet::secrets::Keyring;
//! # #[cfg(feature = "postgres")]
//! use tenancy_fleet::site::PostgresSite;
//!
//! # #[cfg(feature = "postgres")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let url = std::env::var("DATABASE_URL")?;
//! let registry = Registry::builder(url.as_str())
//!     .keyring(Keyring::from_env("TENANCY_KEY")?)
//!     .install()
//!     .await?;
//! let site = PostgresSite::new(url)?.owner("app_owner")?;
//! let fleet = Fleet::new(registry, site)
//!     .migrations(MigrationSet::from_folder("migrations/tenants").await?);
//!
//! let ada = Actor::new("ada@example.com")?;
//! let acme = TenantId::new("acme")?;
//! fleet.onboard(&acme, &ada).await?; // active, in a database of its own
//! fleet.rotate_password(&acme, &ada).await?;
//! fleet.offboard(&acme, &Confirmed::new(&acme, "acme")?, &ada).await?;
//! # Ok(()) }
//! ```
//!
//! - **The intent comes first.** Place and sealed credential are in the registry before anything is
//!   made, so that whatever a crash leaves behind is known, and the next call goes on from there.
//! - **Each step may run again**, and does nothing where it is done.
//! - **Nothing that isn't ours is adopted, changed or dropped**: what is made carries a mark with
//!   the tenant's id (the catalog's comment on PostgreSQL and MariaDB, a table in `SQLite`'s files),
//!   and what has the name and not the mark is refused.
//! - **A tenant is active when it is whole**, and not before.
//! - **One at a time for each tenant**: a lock that its connection or process holds, and that is
//!   gone with it. Whoever comes second waits, for a bounded time.

mod error;
mod furnish;
mod hold;
mod make;
#[cfg(feature = "mysql")]
mod mysql;
mod onboard;
mod pending;
#[cfg(feature = "postgres")]
mod postgres;
mod remove;
mod rotate;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "postgres")]
mod template;

pub use error::ProvisionError;
pub use onboard::Onboarding;
pub use pending::Filled;
pub use remove::Confirmed;
#[cfg(feature = "postgres")]
pub use template::Template;

use crate::Fleet;

impl Fleet {
    /// Readies the main site, once: the role that owns tenants' tables on PostgreSQL, and a base
    /// database that lets nobody in by default. `keep` are the roles that keep their way into it:
    /// those that serve requests and work across tenants there.
    ///
    /// For tenants' schemas it must come before the first tenant. It may run again.
    ///
    /// # Errors
    /// [`ProvisionError::Site`], [`ProvisionError::Step`], [`ProvisionError::NoEffect`].
    #[allow(clippy::unused_async)] // without PostgreSQL it waits for nothing
    pub async fn prepare(&self, keep: &[&str]) -> Result<(), ProvisionError> {
        let site = self.sites.main();
        match &site.engine {
            #[cfg(feature = "postgres")]
            crate::site::Engine::Postgres(engine) => {
                postgres::prepare(engine, site.strategy, keep).await
            }
            #[cfg(any(feature = "mysql", feature = "sqlite"))]
            _ => {
                let _ = keep;
                Ok(())
            }
        }
    }
}
