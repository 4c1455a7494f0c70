//! A folder of the machine's own, in which links lead nowhere.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use tokio::task::spawn_blocking;

/// Files below one folder, as [`LocalFileSystem`] keeps them, but without symbolic links: that one
/// follows them, so that a link in one tenant's folder, out of an unpacked archive or by another
/// program, reads, lists and overwrites another tenant's files.
///
/// A location that leads over a link is an error, and so is a list that meets one. A program of the
/// same user that changes the folder in between is not kept out, nor can hard links be told from files.
#[derive(Clone)]
pub struct LocalFolder {
    files: LocalFileSystem,
    root: Arc<PathBuf>,
}

/// A link was met.
#[derive(Debug, thiserror::Error)]
#[error("a symbolic link is in the way, and links are not followed: remove it")]
struct Link;

impl LocalFolder {
    /// The folder at `root`, which must be there. On the way to it links are followed.
    ///
    /// # Errors
    /// [`Error::Generic`] if there is no such folder.
    pub fn new(root: impl AsRef<std::path::Path>) -> Result<Self> {
        let files = LocalFileSystem::new_with_prefix(root.as_ref())?;
        // It has just been looked up, so this one can't fail but where it goes away meanwhile.
        let root = root
            .as_ref()
            .canonicalize()
            .map_err(|source| Error::Generic {
                store: "LocalFolder",
                source: source.into(),
            })?;
        Ok(Self {
            files,
            root: Arc::new(root),
        })
    }

    async fn check(&self, locations: &[&Path]) -> Result<()> {
        let root = Arc::clone(&self.root);
        let locations: Vec<Path> = locations.iter().copied().cloned().collect();
        spawn_blocking(move || {
            locations
                .iter()
                .try_for_each(|location| plain(&root, location))
        })
        .await
        .map_err(|error| Error::Generic {
            store: "LocalFolder",
            source: error.into(),
        })?
    }

    fn checked<I: 'static>(
        &self,
        folder: Option<&Path>,
        items: BoxStream<'static, Result<I>>,
        location: fn(&I) -> &Path,
    ) -> BoxStream<'static, Result<I>> {
        let root = Arc::clone(&self.root);
        if let Err(error) = plain(&root, folder.unwrap_or(&Path::ROOT)) {
            return futures_util::stream::once(async { Err(error) }).boxed();
        }
        // A few looks at names that have just been read.
        items
            .map(move |item| {
                let item = item?;
                plain(&root, location(&item))?;
                Ok(item)
            })
            .boxed()
    }
}

/// Refuses a location that leads over a link. What is not there yet is no link.
fn plain(root: &std::path::Path, location: &Path) -> Result<()> {
    let mut place = root.to_owned();
    for part in location.parts() {
        place.push(part.as_ref());
        match place.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                return Err(Error::PermissionDenied {
                    path: location.to_string(),
                    source: Box::new(Link),
                });
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for LocalFolder {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.check(&[location]).await?;
        self.files.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check(&[location]).await?;
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.check(&[location]).await?;
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check(&[location]).await?;
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let checked = self.checked(None, locations, |location| location);
        self.files.delete_stream(checked)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.checked(prefix, self.files.list(prefix), |meta| &meta.location)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.files.list_with_offset(prefix, offset);
        self.checked(prefix, listed, |meta| &meta.location)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.check(&[prefix.unwrap_or(&Path::ROOT)]).await?;
        let listed = self.files.list_with_delimiter(prefix).await?;
        let objects = listed.objects.iter().map(|meta| &meta.location);
        let all: Vec<&Path> = listed.common_prefixes.iter().chain(objects).collect();
        self.check(&all).await?;
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check(&[from, to]).await?;
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.check(&[from, to]).await?;
        self.files.rename_opts(from, to, options).await
    }
}

impl fmt::Display for LocalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalFolder")
    }
}

impl fmt::Debug for LocalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalFolder").finish_non_exhaustive()
    }
}
