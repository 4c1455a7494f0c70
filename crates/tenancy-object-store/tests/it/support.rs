//! Tenants, scopes, and stores with something in them.

use std::error::Error as _;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tempfile::TempDir;
use tenancy_core::{CentralScope, MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_object_store::{LocalFolder, TenantObjectStore};

#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    Tenancy(#[from] tenancy_core::Error),
    #[error(transparent)]
    Store(#[from] object_store::Error),
}

/// `acme`, `acme-2`, `beta` and `central`.
pub(crate) fn tenancy() -> Tenancy {
    let tenants = ["acme", "acme-2", "beta", "central"];
    let tenants = tenants.map(|name| Tenant::new(TenantId::new(name).unwrap()));
    Tenancy::builder(MemoryStore::new(tenants))
        .without_requests()
        .build()
}

/// The stores that are tried, and the folder that one of them is.
pub(crate) fn stores() -> (Vec<Arc<dyn ObjectStore>>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalFolder::new(folder.path()).unwrap();
    (vec![Arc::new(InMemory::new()), Arc::new(local)], folder)
}

pub(crate) async fn put(
    tenancy: &Tenancy,
    files: &TenantObjectStore,
    name: &str,
    at: &str,
    text: &str,
) {
    let text = text.to_owned();
    let work = async |scope: &TenantScope| -> Result<(), AppError> {
        files
            .acquire(scope)?
            .put(&Path::parse(at).unwrap(), text.into())
            .await?;
        Ok(())
    };
    tenancy.run(name, work).await.unwrap();
}

pub(crate) async fn get(
    tenancy: &Tenancy,
    files: &TenantObjectStore,
    name: &str,
    at: &Path,
) -> Result<String, AppError> {
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        Ok(text(&files.acquire(scope)?, at).await?)
    };
    tenancy.run(name, work).await
}

pub(crate) async fn text(store: &dyn ObjectStore, at: &Path) -> object_store::Result<String> {
    let bytes = store.get(at).await?.bytes().await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

pub(crate) async fn all(store: &dyn ObjectStore) -> Vec<String> {
    let listed = store.list(None).map_ok(|meta| meta.location.to_string());
    let mut names: Vec<String> = listed.try_collect().await.unwrap();
    names.sort();
    names
}

pub(crate) async fn ended(tenancy: &Tenancy, name: &str) -> TenantScope {
    tenancy
        .run(name, async |scope: &TenantScope| -> Result<_, AppError> {
            Ok(scope.ticket())
        })
        .await
        .unwrap()
}

pub(crate) async fn ended_central(tenancy: &Tenancy) -> CentralScope {
    tenancy
        .central(
            "a test",
            async |scope: &CentralScope| -> Result<_, AppError> { Ok(scope.ticket()) },
        )
        .await
        .unwrap()
}

/// The scope's own error, which is the source of what the trait returns.
#[track_caller]
pub(crate) fn is_over<T>(outcome: object_store::Result<T>) {
    let error = outcome.err().expect("the scope is over");
    let source = error.source().and_then(|source| source.downcast_ref());
    assert!(
        matches!(source, Some(tenancy_core::Error::ScopeEnded)),
        "{error:?}"
    );
}
