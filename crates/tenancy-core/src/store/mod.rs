//! Where tenants are looked up, and what stands between a store and the rest.
//!
//! A [`TenantStore`] is the application's own code, so its answers are not believed: a record must
//! be the one that was asked for, alone, and well formed, or nobody is let in. A bounded cache
//! with single flight stands in front.

mod cache;
mod directory;
mod domain;
mod error;
mod flights;
mod hardened;
mod memory;
mod record;
mod tenant_store;
mod watch;

pub use cache::CacheOptions;
pub(crate) use directory::Directory;
pub use domain::{Domain, InvalidDomain};
pub use error::StoreError;
pub(crate) use hardened::{DynStore, hardened};
pub use memory::{MemoryStore, MemoryStoreError};
pub use record::TenantRecord;
pub use tenant_store::TenantStore;
pub use watch::Withdrawn;
