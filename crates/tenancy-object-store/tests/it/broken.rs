//! A store below that answers with what it was not asked for.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};
use tenancy_core::TenantScope;
use tenancy_object_store::TenantObjectStore;

use crate::support::{AppError, put, tenancy};

/// Lists everything whatever it is asked, and hands out beta's `x` for every `x`.
#[derive(Debug)]
struct Leaky(InMemory);

impl fmt::Display for Leaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaky")
    }
}

#[async_trait]
impl ObjectStore for Leaky {
    async fn put_opts(
        &self,
        at: &Path,
        data: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.0.put_opts(at, data, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, _: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(&Path::from("tenant=beta/x"), options).await
    }

    async fn get_ranges(&self, _: &Path, _: &[Range<u64>]) -> Result<Vec<Bytes>> {
        Err(Error::Generic {
            store: "Leaky",
            source: "no such key: /bucket/tenant=beta/x".into(),
        })
    }

    fn delete_stream(
        &self,
        at: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        at.map(|_| Ok(Path::from("tenant=beta/x"))).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(None)
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(None).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn nothing_of_it_is_handed_out() {
    let tenancy = tenancy();
    let files = TenantObjectStore::new(Arc::new(Leaky(InMemory::new())) as Arc<dyn ObjectStore>);
    for name in ["acme", "acme-2", "beta"] {
        put(&tenancy, &files, name, "x", name).await;
    }
    let work = async |scope: &TenantScope| -> Result<Vec<Error>, AppError> {
        let store = files.acquire(scope)?;
        let x = Path::from("x");
        Ok(vec![
            store.get(&x).await.unwrap_err(),
            store.head(&x).await.unwrap_err(),
            store.get_ranges(&x, &[0..1, 2..3]).await.unwrap_err(),
            store.delete(&x).await.unwrap_err(),
            store.list(None).try_collect::<Vec<_>>().await.unwrap_err(),
            store
                .list_with_offset(None, &x)
                .try_collect::<Vec<_>>()
                .await
                .unwrap_err(),
            store.list_with_delimiter(None).await.unwrap_err(),
        ])
    };
    for error in tenancy.run("acme", work).await.unwrap() {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("beta") && !told.contains("acme"), "{told}");
    }
}

#[tokio::test]
async fn a_prefix_store_hands_it_out_which_is_why_it_is_not_used() {
    let leaky = Leaky(InMemory::new());
    leaky
        .put(&Path::from("tenant=beta/x"), "secret".into())
        .await
        .unwrap();
    let prefixed = PrefixStore::new(leaky, "tenant=acme");
    let head = prefixed.head(&Path::from("x")).await.unwrap();
    assert_eq!(head.location, Path::from("tenant=beta/x"));
    assert!(prefixed.to_string().contains("acme"));
}
