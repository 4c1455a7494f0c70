//! The folder that holds every tenant's file.

use std::fmt;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use crate::Error;

/// The folder that holds every tenant's file: real, pinned to its resolved path, and not open to
/// every user of the machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens `path`, and makes it, for this user alone (mode `0700`), where it is missing.
    ///
    /// Symbolic links on the way are resolved here, once: a link put there later leads nowhere.
    ///
    /// # Errors
    /// [`Error::Folder`], [`Error::NotAFolder`], [`Error::FolderOpenToAll`] or
    /// [`Error::FolderNotUtf8`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        make(path)?;
        let path = path
            .canonicalize()
            .map_err(|error| Error::Folder(error.kind()))?;
        let found = path
            .metadata()
            .map_err(|error| Error::Folder(error.kind()))?;
        if !found.is_dir() {
            return Err(Error::NotAFolder);
        }
        if is_open_to_all(&found) {
            return Err(Error::FolderOpenToAll);
        }
        if path.to_str().is_none() {
            return Err(Error::FolderNotUtf8);
        }
        Ok(Self { path })
    }

    /// Makes lasting what was put into the folder, or taken out of it.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        // Only Unix opens a folder as a file.
        if cfg!(unix) {
            let folder = std::fs::File::open(&self.path).and_then(|folder| folder.sync_all());
            folder.map_err(|error| Error::Folder(error.kind()))?;
        }
        Ok(())
    }

    /// The resolved path. It is no text for errors or logs.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn make(path: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => Error::NotAFolder,
        kind => Error::Folder(kind),
    })
}

#[cfg(unix)]
fn is_open_to_all(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o002 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_: &std::fs::Metadata) -> bool {
    false
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").finish_non_exhaustive()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn is_made_for_this_user_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path().join("a/b")).unwrap();
        for path in [folder.path(), folder.path().parent().unwrap()] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn a_link_is_resolved_once() {
        let parent = tempfile::tempdir().unwrap();
        let [real, other, link] = ["real", "other", "link"].map(|name| parent.path().join(name));
        std::fs::create_dir(&real).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let folder = Folder::open(&link).unwrap();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        assert_eq!(folder.path(), real.canonicalize().unwrap());
    }

    #[test]
    fn a_file_or_a_folder_open_to_all_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, b"").unwrap();
        assert_eq!(Folder::open(&file), Err(Error::NotAFolder));
        assert_eq!(Folder::open(file.join("below")), Err(Error::NotAFolder));
        let open = parent.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(Folder::open(&open), Err(Error::FolderOpenToAll));
        assert!(!format!("{:?}", Folder::open(parent.path()).unwrap()).contains("tmp"));
    }
}
