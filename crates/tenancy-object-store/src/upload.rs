//! An upload in parts, which ends with its scope.

use async_trait::async_trait;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use crate::Holder;
use crate::bound::Bound;

/// Parts go up and the object appears while the scope is open. To abort is allowed after its end,
/// too: it only takes away what the scope itself has put there.
#[derive(Debug)]
pub(crate) struct ScopedUpload<S> {
    inner: Box<dyn MultipartUpload>,
    bound: Bound<S>,
    location: Path,
}

impl<S> ScopedUpload<S> {
    pub(crate) fn new(inner: Box<dyn MultipartUpload>, bound: Bound<S>, location: &Path) -> Self {
        Self {
            inner,
            bound,
            location: location.clone(),
        }
    }
}

#[async_trait]
impl<S: Holder> MultipartUpload for ScopedUpload<S> {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        if let Err(error) = self.bound.check() {
            return Box::pin(std::future::ready(Err(error)));
        }
        let part = self.inner.put_part(data);
        let (bound, location) = (self.bound.clone(), self.location.clone());
        Box::pin(async move {
            bound.check()?;
            part.await.map_err(|error| bound.told(error, &location))
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.bound.check()?;
        let completed = self.inner.complete().await;
        completed.map_err(|error| self.bound.told(error, &self.location))
    }

    async fn abort(&mut self) -> Result<()> {
        let aborted = self.inner.abort().await;
        aborted.map_err(|error| self.bound.told(error, &self.location))
    }
}
