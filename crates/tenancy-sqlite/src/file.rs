//! A tenant's file, named for its id.

use std::fmt;
use std::path::{Path, PathBuf};

use tenancy_core::{Placement, Strategy, TenantId};

use crate::draft::side_file;
use crate::{Error, Folder};

/// Where one tenant's database lies. Made from a [`TenantId`] and a [`Folder`], and from nothing
/// else.
///
/// An id holds no dot and no separator, so that no id leads out of the folder and no tenant's file
/// is another's journal (`acme.db-wal`).
///
/// ```
/// use tenancy_core::TenantId;
/// use tenancy_sqlite::{Folder, TenantFile};
///
/// # let parent = tempfile::tempdir()?;
/// # let path = parent.path().join("tenants");
/// let folder = Folder::open(&path)?;
/// let acme = TenantFile::in_folder(&folder, &TenantId::new("acme")?);
/// assert_eq!(acme.placement().database_name(), Some("acme.db"));
/// assert!(matches!(acme.check(), Err(tenancy_sqlite::Error::Missing)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TenantFile {
    path: PathBuf,
    name: String,
}

impl TenantFile {
    /// The file of `tenant` in `folder`, whether or not it is there.
    pub fn in_folder(folder: &Folder, tenant: &TenantId) -> Self {
        let name = file_name(tenant);
        Self {
            path: folder.path().join(&name),
            name,
        }
    }

    /// The placement to record for this tenant.
    pub fn placement(&self) -> Placement {
        Placement::database(&self.name)
    }

    /// Whether `placement` names this file and nothing else.
    pub fn is_named_by(&self, placement: &Placement) -> bool {
        placement.strategy() == Strategy::DatabasePerTenant
            && placement.database_name() == Some(self.name.as_str())
            && placement.server().is_none()
            && placement.schema_name().is_none()
            && placement.credential().is_none()
    }

    /// The whole path, for the driver. It is no text for errors or logs.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at what lies there, without opening it.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotAFile`] for a link or a special file, [`Error::File`].
    pub fn check(&self) -> Result<(), Error> {
        // Of the link itself, not of what it points to.
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) if found.file_type().is_file() => Ok(()),
            Ok(_) => Err(Error::NotAFile),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::Missing),
            Err(error) => Err(Error::File(error.kind())),
        }
    }

    /// Removes the file and what belongs to it, for ever. Nobody may have it open.
    ///
    /// # Errors
    /// [`Error::File`]; the database itself goes last, so that it may be tried again.
    pub fn remove(&self, folder: &Folder) -> Result<(), Error> {
        for ending in ["-wal", "-shm", "-journal", ""] {
            match std::fs::remove_file(side_file(&self.path, ending)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::File(error.kind()));
                }
                _ => {}
            }
        }
        folder.sync()
    }
}

fn file_name(tenant: &TenantId) -> String {
    format!("{tenant}.db")
}

impl fmt::Debug for TenantFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantFile").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).unwrap()
    }

    #[test]
    fn names_stay_in_the_folder_and_never_meet() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path().join("t")).unwrap();
        // Ids that come closest to another's file, journal or a relative path.
        let ids = [
            "a",
            "a-wal",
            "a-db",
            "a_db-shm",
            "db",
            "0",
            "a-b",
            "a_b",
            "a-journal",
        ];
        let mut seen = std::collections::HashSet::new();
        for id in ids {
            let file = TenantFile::in_folder(&folder, &tenant(id));
            assert_eq!(file.path().parent(), Some(folder.path()), "{id}");
            let name = file
                .path()
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            for own in ["", "-wal", "-shm", "-journal"] {
                assert!(seen.insert(format!("{name}{own}")), "{id}{own}");
            }
        }
        for hostile in [
            "..",
            "../a",
            "/etc/passwd",
            "a/../b",
            "a.db",
            "a\0",
            "file:a",
            ":memory:",
            "",
        ] {
            assert!(TenantId::new(hostile).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn only_its_own_placement_names_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let file = TenantFile::in_folder(&folder, &tenant("acme"));
        assert!(file.is_named_by(&file.placement()));
        for other in [
            Placement::shared(),
            Placement::schema("acme"),
            Placement::database("globex.db"),
            Placement::database("acme"),
            Placement::database("./acme.db"),
            Placement::database("acme.db").on_server("elsewhere"),
            Placement::database("acme.db").with_credential("other"),
        ] {
            assert!(!file.is_named_by(&other));
        }
        assert!(!format!("{file:?}").contains("acme"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_a_folder_and_a_socket_are_no_file() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let file = |id: &str| TenantFile::in_folder(&folder, &tenant(id));
        std::fs::write(file("real").path(), b"").unwrap();
        assert_eq!(file("real").check(), Ok(()));
        std::os::unix::fs::symlink(file("real").path(), file("link").path()).unwrap();
        assert_eq!(file("link").check(), Err(Error::NotAFile));
        std::fs::create_dir(file("dir").path()).unwrap();
        assert_eq!(file("dir").check(), Err(Error::NotAFile));
        let _socket = std::os::unix::net::UnixListener::bind(file("sock").path()).unwrap();
        assert_eq!(file("sock").check(), Err(Error::NotAFile));
        assert_eq!(file("none").check(), Err(Error::Missing));
    }
}
