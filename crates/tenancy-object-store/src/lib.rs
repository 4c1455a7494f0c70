//! An object store that only a scope opens, for [`tenancy`](https://docs.rs/tenancy): S3, Google Cloud
//! Storage, Azure, a folder or memory, through [`object_store`].
//!
//! [`TenantObjectStore`] wraps the one store that all tenants share. [`acquire`](TenantObjectStore::acquire)
//! binds it to a scope, and what comes out is an [`ObjectStore`](object_store::ObjectStore) itself, in
//! which every location is the tenant's own: `logo.png` lies at `tenant=acme/logo.png` below (the
//! [`KeySpace`](tenancy_core::KeySpace) of the scope), and is `logo.png` again in lists and errors.
//!
//! ```
//! use std::sync::Arc;
//! use object_store::memory::InMemory;
//! use object_store::{Error, ObjectStoreExt as _};
//! use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
//! use tenancy_object_store::TenantObjectStore;
//!
//! # #[derive(Debug)] struct AppError(String);
//! # impl<E: std::error::Error> From<E> for AppError { fn from(error: E) -> Self { Self(error.to_string()) } }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), AppError> {
//! # let store = MemoryStore::new([Tenant::new(TenantId::new("acme")?), Tenant::new(TenantId::new("globex")?)]);
//! # let tenancy = Tenancy::builder(store).without_requests().build();
//! let files = TenantObjectStore::new(Arc::new(InMemory::new()));
//! tenancy.run("acme", async |scope: &TenantScope| -> Result<_, AppError> {
//!     Ok(files.acquire(scope)?.put(&"logo.png".into(), "PNG".into()).await?)
//! }).await?;
//! tenancy.run("globex", async |scope: &TenantScope| -> Result<_, AppError> {
//!     let theirs = files.acquire(scope)?.get(&"logo.png".into()).await;
//!     assert!(matches!(theirs, Err(Error::NotFound { .. })));
//!     Ok(())
//! }).await?;
//! # Ok(()) }
//! ```
//! Without a scope there is no store:
//! ```compile_fail
//! # fn example(files: tenancy_object_store::TenantObjectStore) {
//! files.acquire();
//! # }
//! ```
//! ```compile_fail
//! # fn example(files: tenancy_object_store::TenantObjectStore, central: &tenancy_core::CentralScope) {
//! files.acquire(central);
//! # }
//! ```
//!
//! What keeps tenants apart is this crate: the credential of the store below reaches every tenant's
//! objects. `object_store`'s own `PrefixStore` is not used, for it knows no scope, hands a location
//! that is not below its prefix out as it is, takes the empty location for an object beside the folder,
//! and shows its prefix in `Display`, `Debug` and errors. Its `MultipartStore` is left out here: which
//! upload a part belongs to is told by a number there, and the number may be another tenant's.
//!
//! - Features: `local` for [`LocalFolder`], files without links; `signed-urls` for
//!   [`Signer`](object_store::signer::Signer).
//! - A handle is a ticket of its scope: kept beyond it, it opens nothing.
//! - The empty location, and one with `.` or `..` in it, encoded or not, is refused.

mod bound;
mod holder;
#[cfg(feature = "local")]
mod local;
mod refused;
mod scoped;
#[cfg(feature = "signed-urls")]
mod signed;
mod tenants;
mod upload;

pub use holder::Holder;
#[cfg(feature = "local")]
pub use local::LocalFolder;
pub use scoped::ScopedObjectStore;
pub use tenants::{CentralObjectStore, TenantObjectStore};
