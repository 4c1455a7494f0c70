//! A database that is being made, under a name that no tenant has.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{Error, Folder, Handle, TenantFile, seal};

/// A new, empty file in the tenants' folder, under a name that is no tenant's. Dropped without
/// [`publish`](Self::publish), it is gone.
///
/// A process that is killed leaves it behind, hidden, as `.new-` with 32 hexadecimal digits. Nothing
/// ever opens such a file; while nothing is being provisioned, it may be deleted.
pub struct Draft {
    folder: Folder,
    path: PathBuf,
}

impl Draft {
    /// Makes the file, for this user alone (mode `0600`).
    ///
    /// # Errors
    /// [`Error::File`] where the folder can't be written.
    pub fn in_folder(folder: &Folder) -> Result<Self, Error> {
        let mut name = [0_u8; 16];
        getrandom::fill(&mut name).map_err(|_| Error::File(ErrorKind::Other))?;
        let path = folder
            .path()
            .join(format!(".new-{:032x}", u128::from_be_bytes(name)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .map_err(|error| Error::File(error.kind()))?;
        Ok(Self {
            folder: folder.clone(),
            path,
        })
    }

    /// The whole path, for the driver.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// [Seals](crate::seal) a connection that was opened on this draft.
    ///
    /// # Errors
    /// As [`seal`](crate::seal()).
    pub fn seal(&self, handle: &mut impl Handle) -> Result<(), Error> {
        seal::seal_path(handle, &self.path)
    }

    /// Puts the finished draft into its place in one step, if nothing is there; `false` when
    /// something is, which is left as it is. Every connection to the draft must be closed before.
    ///
    /// # Errors
    /// [`Error::File`], also where the file system knows no hard links; then nothing was put there.
    pub fn publish(self, file: &TenantFile) -> Result<bool, Error> {
        let failed = |error: std::io::Error| Error::File(error.kind());
        // The log of a connection that is still open holds what the file does not.
        if side_file(&self.path, "-wal").exists() || side_file(&self.path, "-journal").exists() {
            return Err(Error::File(ErrorKind::ResourceBusy));
        }
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        // Unlike a rename, a link never replaces what is there.
        match std::fs::hard_link(&self.path, file.path()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
        let folder = self.folder.clone();
        drop(self);
        folder.sync()?;
        Ok(true)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            // What is not there needs no removing, and what can't be removed harms nobody.
            let _ = std::fs::remove_file(side_file(&self.path, ending));
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").finish_non_exhaustive()
    }
}

pub(crate) fn side_file(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

#[cfg(test)]
mod tests {
    use tenancy_core::TenantId;

    use super::*;

    fn names(folder: &Folder) -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn is_gone_when_dropped_and_in_place_when_published() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let acme = TenantFile::in_folder(&folder, &TenantId::new("acme").unwrap());
        let draft = Draft::in_folder(&folder).unwrap();
        std::fs::write(side_file(draft.path(), "-shm"), b"x").unwrap();
        assert_eq!(names(&folder).len(), 2);
        drop(draft);
        assert!(names(&folder).is_empty());

        assert_eq!(Draft::in_folder(&folder).unwrap().publish(&acme), Ok(true));
        assert_eq!(names(&folder), ["acme.db"]);
    }

    #[test]
    fn never_replaces_what_is_there() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let acme = TenantFile::in_folder(&folder, &TenantId::new("acme").unwrap());
        std::fs::write(acme.path(), b"kept").unwrap();
        assert_eq!(Draft::in_folder(&folder).unwrap().publish(&acme), Ok(false));
        #[cfg(unix)]
        {
            let globex = TenantFile::in_folder(&folder, &TenantId::new("globex").unwrap());
            std::os::unix::fs::symlink(acme.path(), globex.path()).unwrap();
            assert_eq!(
                Draft::in_folder(&folder).unwrap().publish(&globex),
                Ok(false)
            );
        }
        assert_eq!(std::fs::read(acme.path()).unwrap(), b"kept");
    }

    #[test]
    fn is_not_published_with_an_open_log() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let acme = TenantFile::in_folder(&folder, &TenantId::new("acme").unwrap());
        let draft = Draft::in_folder(&folder).unwrap();
        std::fs::write(side_file(draft.path(), "-wal"), b"x").unwrap();
        assert_eq!(
            draft.publish(&acme),
            Err(Error::File(ErrorKind::ResourceBusy))
        );
        assert!(names(&folder).is_empty());
    }
}
