//! Symbolic links in a tenant's folder.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tempfile::TempDir;
use tenancy_core::{Tenancy, TenantScope};
use tenancy_object_store::{LocalFolder, TenantObjectStore};

use crate::support::{AppError, all, get, put, tenancy};

/// In acme's folder: a link to beta's folder, one to beta's file, and a file of its own.
async fn stage(
    tenancy: &Tenancy,
    inner: Arc<dyn ObjectStore>,
    folder: &TempDir,
) -> TenantObjectStore {
    let files = TenantObjectStore::new(inner);
    put(tenancy, &files, "beta", "x", "secret").await;
    put(tenancy, &files, "acme", "own", "own").await;
    let (acme, beta) = ("tenant=acme", "tenant=beta");
    symlink(
        folder.path().join(beta),
        folder.path().join(acme).join("folder"),
    )
    .unwrap();
    symlink(
        folder.path().join(beta).join("x"),
        folder.path().join(acme).join("file"),
    )
    .unwrap();
    files
}

#[tokio::test]
async fn a_plain_local_file_system_follows_them_which_is_why_there_is_another() {
    let (tenancy, folder) = (tenancy(), tempfile::tempdir().unwrap());
    let inner = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let files = stage(&tenancy, Arc::new(inner), &folder).await;
    for at in ["folder/x", "file"] {
        let got = get(&tenancy, &files, "acme", &Path::from(at)).await;
        assert_eq!(got.unwrap(), "secret", "{at}");
    }
}

#[tokio::test]
async fn a_local_folder_follows_none() {
    let (tenancy, folder) = (tenancy(), tempfile::tempdir().unwrap());
    let inner = LocalFolder::new(folder.path()).unwrap();
    let files = stage(&tenancy, Arc::new(inner), &folder).await;
    let work = async |scope: &TenantScope| -> Result<(), AppError> {
        let store = files.acquire(scope)?;
        let own = Path::from("own");
        for at in ["folder/x", "file", "folder/new", "folder/deep/new"].map(Path::from) {
            let errors = [
                store.get(&at).await.unwrap_err(),
                store.head(&at).await.unwrap_err(),
                store.get_ranges(&at, &[0..1, 2..3]).await.unwrap_err(),
                store.put(&at, "acme was here".into()).await.unwrap_err(),
                store.put_multipart(&at).await.unwrap_err(),
                store.delete(&at).await.unwrap_err(),
                store.copy(&own, &at).await.unwrap_err(),
                store.copy(&at, &Path::from("copy")).await.unwrap_err(),
                store.rename(&own, &at).await.unwrap_err(),
                store.rename(&at, &Path::from("copy")).await.unwrap_err(),
            ];
            for error in errors {
                assert!(error.to_string().contains("symbolic link"), "{error}");
                assert!(!format!("{error:?}").contains("beta"), "{error:?}");
            }
        }
        let folder = Some(Path::from("folder"));
        let offset = Path::from("a");
        let listings = [
            store.list(None).try_collect::<Vec<_>>().await,
            store.list(folder.as_ref()).try_collect().await,
            store.list_with_offset(None, &offset).try_collect().await,
            store
                .list_with_delimiter(None)
                .await
                .map(|found| found.objects),
            store
                .list_with_delimiter(folder.as_ref())
                .await
                .map(|found| found.objects),
        ];
        for listing in listings {
            let error = listing.unwrap_err();
            assert!(error.to_string().contains("symbolic link"), "{error}");
        }
        let found: Vec<_> = store
            .list(None)
            .filter_map(async |meta| meta.ok())
            .collect()
            .await;
        assert!(found.iter().all(|meta| meta.location == own), "{found:?}");
        Ok(())
    };
    tenancy.run("acme", work).await.unwrap();
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        Ok(all(&files.acquire(scope)?).await)
    };
    assert_eq!(tenancy.run("beta", work).await.unwrap(), ["x"]);
    let got = get(&tenancy, &files, "beta", &Path::from("x")).await;
    assert_eq!(got.unwrap(), "secret");
}

#[tokio::test]
async fn a_tenants_whole_folder_may_be_no_link_either() {
    let (tenancy, folder) = (tenancy(), tempfile::tempdir().unwrap());
    let inner = LocalFolder::new(folder.path()).unwrap();
    let files = TenantObjectStore::new(Arc::new(inner) as Arc<dyn ObjectStore>);
    put(&tenancy, &files, "beta", "x", "secret").await;
    symlink(
        folder.path().join("tenant=beta"),
        folder.path().join("tenant=acme"),
    )
    .unwrap();
    let error = get(&tenancy, &files, "acme", &Path::from("x"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
}
