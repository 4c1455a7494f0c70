//! The store that a scope opens.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use tenancy_core::TenantScope;

use crate::Holder;
use crate::bound::Bound;
use crate::upload::ScopedUpload;

/// An object store whose every location is its scope's own, for as long as that is open.
///
/// It implements [`ObjectStore`], so that code that takes one needs no change. It holds a ticket of the
/// scope, and asks it at every call, at every item of a list and at every piece of an object: once the
/// scope is over, or another one is ambient, each of them is an error whose source is the
/// [`tenancy_core::Error`]. What was read as a file is read as a stream, so that no open file outlives
/// the scope.
pub struct ScopedObjectStore<T: ?Sized = dyn ObjectStore, S = TenantScope> {
    pub(crate) inner: Arc<T>,
    pub(crate) bound: Bound<S>,
}

impl<T: ObjectStore + ?Sized, S: Holder> ScopedObjectStore<T, S> {
    pub(crate) fn open(inner: &Arc<T>, scope: S) -> Result<Self, tenancy_core::Error> {
        Ok(Self {
            bound: Bound::new(scope)?,
            inner: Arc::clone(inner),
        })
    }

    /// Where an object of the scope's lies. The scope is asked first.
    pub(crate) fn object(&self, location: &Path) -> Result<Path> {
        self.bound.check()?;
        self.bound.object(location)
    }

    /// The same for a folder.
    fn folder(&self, location: &Path) -> Result<Path> {
        self.bound.check()?;
        self.bound.below(location)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: ObjectStore + ?Sized, S: Holder> ObjectStore for ScopedObjectStore<T, S> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let object = self.object(location)?;
        let put = self.inner.put_opts(&object, payload, options).await;
        put.map_err(|error| self.bound.told(error, location))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let object = self.object(location)?;
        match self.inner.put_multipart_opts(&object, options).await {
            Ok(upload) => Ok(Box::new(ScopedUpload::new(
                upload,
                self.bound.clone(),
                location,
            ))),
            Err(error) => Err(self.bound.told(error, location)),
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let object = self.object(location)?;
        match self.inner.get_opts(&object, options).await {
            Ok(mut got) => {
                let meta = self.bound.own_meta(got.meta.clone())?;
                let range = got.range.clone();
                let attributes = std::mem::take(&mut got.attributes);
                let extensions = std::mem::take(&mut got.extensions);
                let pieces = got.into_stream();
                let pieces = self.bound.stream(pieces, location, |_, piece| Ok(piece));
                Ok(GetResult {
                    payload: GetResultPayload::Stream(pieces),
                    meta,
                    range,
                    attributes,
                    extensions,
                })
            }
            Err(error) => Err(self.bound.told(error, location)),
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let object = self.object(location)?;
        let got = self.inner.get_ranges(&object, ranges).await;
        got.map_err(|error| self.bound.told(error, location))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        if let Err(error) = self.bound.check() {
            return refused(error);
        }
        let bound = self.bound.clone();
        let objects = locations.map(move |location| {
            bound.check()?;
            bound.object(&location?)
        });
        let deleted = self.inner.delete_stream(objects.boxed());
        self.bound
            .stream(deleted, &Path::ROOT, |bound, object| bound.own(&object))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        match self.folder(&prefix) {
            Ok(folder) => {
                let listed = self.inner.list(Some(&folder));
                self.bound.stream(listed, &prefix, Bound::own_meta)
            }
            Err(error) => refused(error),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        match (self.folder(&prefix), self.folder(offset)) {
            (Ok(folder), Ok(after)) => {
                let listed = self.inner.list_with_offset(Some(&folder), &after);
                self.bound.stream(listed, &prefix, Bound::own_meta)
            }
            (Err(error), _) | (_, Err(error)) => refused(error),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let folder = self.folder(&prefix)?;
        let listed = self.inner.list_with_delimiter(Some(&folder)).await;
        let listed = listed.map_err(|error| self.bound.told(error, &prefix))?;
        let folders = listed.common_prefixes.iter();
        let objects = listed.objects.into_iter();
        Ok(ListResult {
            common_prefixes: folders
                .map(|folder| self.bound.own(folder))
                .collect::<Result<_>>()?,
            objects: objects
                .map(|meta| self.bound.own_meta(meta))
                .collect::<Result<_>>()?,
            extensions: listed.extensions,
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (source, target) = (self.object(from)?, self.object(to)?);
        let copied = self.inner.copy_opts(&source, &target, options).await;
        copied.map_err(|error| self.bound.told(error, from))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (source, target) = (self.object(from)?, self.object(to)?);
        let renamed = self.inner.rename_opts(&source, &target, options).await;
        renamed.map_err(|error| self.bound.told(error, from))
    }
}

fn refused<I: Send + 'static>(error: object_store::Error) -> BoxStream<'static, Result<I>> {
    stream::once(std::future::ready(Err(error))).boxed()
}

impl<T: ?Sized, S> Clone for ScopedObjectStore<T, S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            bound: self.bound.clone(),
        }
    }
}

impl<T: ?Sized, S> fmt::Display for ScopedObjectStore<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopedObjectStore")
    }
}

impl<T: ?Sized, S: Holder> fmt::Debug for ScopedObjectStore<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedObjectStore")
            .field("scope", &self.bound)
            .finish_non_exhaustive()
    }
}
