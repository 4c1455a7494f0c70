//! Signed URLs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer, Url};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tenancy_core::TenantScope;
use tenancy_object_store::TenantObjectStore;

use crate::support::{AppError, is_over, tenancy};

/// Signs whatever it is given.
#[derive(Debug, Default)]
struct Signs(InMemory);

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signs")
    }
}

#[async_trait]
impl Signer for Signs {
    async fn signed_url(&self, method: Method, path: &Path, _: Duration) -> Result<Url> {
        Ok(Url::parse(&format!("https://example.com/{path}?method={method}")).unwrap())
    }
}

#[async_trait]
impl ObjectStore for Signs {
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

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        at: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(at)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn they_are_for_the_scopes_own_objects_while_it_is_open() {
    let (tenancy, minute) = (tenancy(), Duration::from_mins(1));
    let files = TenantObjectStore::new(Arc::new(Signs::default()));
    let x = Path::from("x");
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        let store = files.acquire(scope)?;
        let url = store.signed_url(Method::GET, &x, minute).await?;
        assert_eq!(url.as_str(), "https://example.com/tenant=acme/x?method=GET");
        // A URL takes encoded dots for what they mean, and would be beta's.
        let up = Path::from("../tenant=beta/x");
        let below = Path::from("tenant=acme/../tenant=beta/x");
        let led = Signs::default()
            .signed_url(Method::GET, &below, minute)
            .await?;
        assert_eq!(led.path(), "/tenant=beta/x");
        assert!(store.signed_url(Method::GET, &up, minute).await.is_err());
        assert!(store.signed_urls(Method::GET, &[up], minute).await.is_err());
        assert!(
            store
                .signed_url(Method::PUT, &Path::ROOT, minute)
                .await
                .is_err()
        );
        let plain = [Path::from("a"), Path::from("b")];
        let urls = store.signed_urls(Method::GET, &plain, minute).await?;
        assert_eq!(urls[1].path(), "/tenant=acme/b");
        let extra = SignedUrlOptions::new().with_query([("partNumber", "1")]);
        assert!(
            store
                .signed_url_opts(Method::GET, &plain[0], minute, &extra)
                .await
                .is_err()
        );
        Ok(store)
    };
    let store = tenancy.run("acme", work).await.unwrap();
    is_over(store.signed_url(Method::GET, &x, minute).await);
    is_over(
        store
            .signed_urls(Method::GET, std::slice::from_ref(&x), minute)
            .await,
    );
    is_over(
        store
            .signed_url_opts(Method::GET, &x, minute, &SignedUrlOptions::new())
            .await,
    );
}
