//! What can be wrong with a folder, a file or a connection.

use std::io;

/// Why a folder, a tenant's file or a connection is refused.
///
/// No variant holds a path or a tenant's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder could not be made or read.
    #[error(
        "the tenants' folder can't be used ({0}): check that it can be made, entered and written by this process's user"
    )]
    Folder(io::ErrorKind),
    /// What should be the folder is something else.
    #[error("the tenants' folder is not a folder: give one, or a path where one can be made")]
    NotAFolder,
    /// Any user of the machine may put files into the folder.
    #[error(
        "the tenants' folder may be written by every user of this machine, who could put a file in a tenant's place: take that right away (chmod o-w)"
    )]
    FolderOpenToAll,
    /// SQLite takes paths as UTF-8 only.
    #[error(
        "the tenants' folder has a path that is not UTF-8, which SQLite can't open: use another one"
    )]
    FolderNotUtf8,
    /// There is no such file.
    #[error("this tenant's database does not exist: provision it before it is used")]
    Missing,
    /// A symbolic link, a folder, a pipe or a device.
    #[error(
        "what is in the place of this tenant's database is not a regular file, so it was not opened: a link or a special file could lead to anything; look who put it there"
    )]
    NotAFile,
    /// The file could not be looked at, made, moved or removed.
    #[error(
        "this tenant's database file can't be used ({0}): check the rights of its folder, and the space left"
    )]
    File(io::ErrorKind),
    /// SQLite has opened another file than was asked for.
    #[error(
        "SQLite has opened another file than this tenant's, so the connection was dropped: the folder was changed while it was in use"
    )]
    AnotherFile,
    /// SQLite would not take a guard.
    #[error(
        "SQLite did not take one of the guards, so the connection was dropped: this build of SQLite is not supported"
    )]
    NotSealed,
}
