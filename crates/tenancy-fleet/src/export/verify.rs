//! Looking at an export that is there.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use super::folder::{MANIFEST, is_file_of_an_export};
use super::manifest::{Manifest, Written};
use super::{ExportError, Exported};
use crate::script::text;

impl Exported {
    /// The export in this folder, by its manifest.
    ///
    /// # Errors
    /// [`ExportError::NoExport`], [`ExportError::Damaged`].
    pub async fn read(folder: impl AsRef<Path> + Send) -> Result<Self, ExportError> {
        let folder = folder.as_ref().to_owned();
        blocking(move || {
            let text = match open(&folder.join(MANIFEST)) {
                Ok(file) => io::read_to_string(file).map_err(ExportError::written)?,
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    return Err(ExportError::NoExport);
                }
                Err(error) => return Err(ExportError::written(error)),
            };
            let damaged = |what| ExportError::Damaged { what };
            let manifest: Manifest = serde_json::from_str(&text)
                .map_err(|_| damaged("its manifest can't be read, or is of a later version"))?;
            if manifest.format != Manifest::FORMAT {
                return Err(damaged("its manifest is of another version"));
            }
            Ok(Self { folder, manifest })
        })
        .await
    }

    /// The same, with every file read and compared with its length and its SHA-256.
    ///
    /// # Errors
    /// [`ExportError::NoExport`], [`ExportError::Damaged`].
    pub async fn verify(folder: impl AsRef<Path> + Send) -> Result<Self, ExportError> {
        let export = Self::read(folder).await?;
        blocking(move || {
            for written in export.manifest.files() {
                compare(&export.folder, written)?;
            }
            Ok(export)
        })
        .await
    }
}

fn compare(folder: &Path, written: &Written) -> Result<(), ExportError> {
    let damaged = |what| ExportError::Damaged { what };
    if !is_file_of_an_export(&written.file) {
        return Err(damaged("its manifest names a file that can't be one of it"));
    }
    let file =
        open(&folder.join(&written.file)).map_err(|_| damaged("a file of it can't be read"))?;
    if measure(file, &written.file)? == *written {
        Ok(())
    } else {
        Err(damaged("a file of it has changed"))
    }
}

/// The length of a file, and its SHA-256.
pub(super) fn measure(mut file: File, name: &str) -> Result<Written, ExportError> {
    let mut hasher = Sha256::new();
    let bytes = io::copy(&mut file, &mut HashWriter(&mut hasher)).map_err(ExportError::written)?;
    Ok(Written {
        file: name.to_owned(),
        bytes,
        sha256: text::hex(&hasher.finalize()),
    })
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file, and nothing behind a link.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(ErrorKind::InvalidInput.into())
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, ExportError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or(Err(ExportError::Write(ErrorKind::Other)))
}
