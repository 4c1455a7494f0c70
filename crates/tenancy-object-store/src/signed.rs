//! URLs that work without the application, for a while.

use std::time::Duration;

use async_trait::async_trait;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer, Url};
use object_store::{ObjectStore, Result};

use crate::{Holder, ScopedObjectStore};

/// For the scope's own objects alone. A signed URL works for whoever has it until it expires, also
/// after the scope's end and where the tenant has been suspended since: sign for minutes, not for days.
/// It shows where the object lies, and so the tenant's id.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: ObjectStore + Signer, S: Holder> Signer for ScopedObjectStore<T, S> {
    async fn signed_url(&self, method: Method, path: &Path, expires_in: Duration) -> Result<Url> {
        let object = self.object(path)?;
        let signed = self.inner.signed_url(method, &object, expires_in).await;
        signed.map_err(|error| self.bound.told(error, path))
    }

    async fn signed_url_opts(
        &self,
        method: Method,
        path: &Path,
        expires_in: Duration,
        options: &SignedUrlOptions,
    ) -> Result<Url> {
        let object = self.object(path)?;
        let signed = self
            .inner
            .signed_url_opts(method, &object, expires_in, options)
            .await;
        signed.map_err(|error| self.bound.told(error, path))
    }

    async fn signed_urls(
        &self,
        method: Method,
        paths: &[Path],
        expires_in: Duration,
    ) -> Result<Vec<Url>> {
        self.bound.check()?;
        let objects: Result<Vec<Path>> = paths.iter().map(|path| self.object(path)).collect();
        let signed = self.inner.signed_urls(method, &objects?, expires_in).await;
        signed.map_err(|error| self.bound.told(error, &Path::ROOT))
    }
}
