//! Takes from a connection every way out of its own file.

use std::path::Path;

use libsqlite3_sys as ffi;

use crate::{Error, Handle, TenantFile, raw};

/// Seals a connection that was just opened on `file`: from here on, no SQL on it reaches another
/// file, the process or the connection's own settings. Nothing in SQL undoes it.
///
/// Enforced by SQLite: no database may be attached (`SQLITE_LIMIT_ATTACHED`), the defensive
/// switches are on, extensions are off, and an authorizer refuses what the crate's page lists.
/// `VACUUM` needs an attached database and is refused with it.
///
/// # Errors
/// [`Error::AnotherFile`] where SQLite has resolved the path to something else than `file`, or a
/// database is attached already; [`Error::NotSealed`] where a guard did not take. Drop the
/// connection then.
pub fn seal(handle: &mut impl Handle, file: &TenantFile) -> Result<(), Error> {
    seal_path(handle, file.path())
}

/// The same for a file that is being made under a temporary name.
pub(crate) fn seal_path(handle: &mut impl Handle, path: &Path) -> Result<(), Error> {
    for (option, on) in [
        (ffi::SQLITE_DBCONFIG_DEFENSIVE, true),
        (ffi::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (ffi::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (ffi::SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, false),
        (ffi::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    ] {
        raw::switch(handle, option, on)?;
    }
    raw::limit_attached_to_none(handle)?;
    raw::set_authorizer(handle, false)?;
    if is_on(handle, path) {
        Ok(())
    } else {
        Err(Error::AnotherFile)
    }
}

/// Lets SQL on a sealed connection only read, or write again. While it only reads, SQLite refuses
/// every statement that would change the file, its schema or its settings, also one that was
/// prepared before. Nothing in SQL undoes it.
///
/// # Errors
/// [`Error::NotSealed`] where SQLite does not take it. Drop the connection then.
pub fn set_read_only(handle: &mut impl Handle, read_only: bool) -> Result<(), Error> {
    raw::set_authorizer(handle, read_only)
}

/// What a sealed connection's last user has left on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traces {
    /// A transaction is open, or a statement was left half-read.
    pub busy: bool,
    /// It is on another file, or on more than one.
    pub elsewhere: bool,
}

/// Looks what a sealed connection's last user has left on it, and forgets the last row id. A
/// connection with any trace is to be closed, not handed out again.
pub fn inspect(handle: &mut impl Handle, file: &TenantFile) -> Traces {
    raw::forget_last_row(handle);
    Traces {
        busy: raw::is_busy(handle),
        elsewhere: !is_on(handle, file.path()),
    }
}

fn is_on(handle: &mut impl Handle, path: &Path) -> bool {
    let expected = path.as_os_str().as_encoded_bytes();
    raw::main_file(handle).is_some_and(|found| found == expected) && !raw::has_attached(handle)
}

#[cfg(all(test, feature = "sqlx"))]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, SqliteConnection};
    use tenancy_core::TenantId;

    use super::*;
    use crate::Folder;

    async fn connect(file: &TenantFile) -> sqlx::Result<SqliteConnection> {
        let options = SqliteConnectOptions::new()
            .filename(file.path())
            .create_if_missing(true);
        options.connect().await
    }

    /// Each of the two guards against `ATTACH` holds without the other.
    #[tokio::test]
    async fn an_attach_is_refused_twice_over() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let file = TenantFile::in_folder(&folder, &TenantId::new("acme").unwrap());
        let attach = "ATTACH ':memory:' AS other";

        let mut limited = connect(&file).await.unwrap();
        raw::limit_attached_to_none(&mut limited.lock_handle().await.unwrap()).unwrap();
        let error = sqlx::raw_sql(attach)
            .execute(&mut limited)
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("too many attached databases"),
            "{error}"
        );

        let mut guarded = connect(&file).await.unwrap();
        raw::set_authorizer(&mut guarded.lock_handle().await.unwrap(), false).unwrap();
        let error = sqlx::raw_sql(attach)
            .execute(&mut guarded)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not authorized"), "{error}");

        let mut sealed = connect(&file).await.unwrap();
        let mut handle = sealed.lock_handle().await.unwrap();
        assert_ne!(raw::attached_limit(&mut handle), 0);
        seal(&mut handle, &file).unwrap();
        assert_eq!(raw::attached_limit(&mut handle), 0);
        drop(handle);
        let error = sqlx::raw_sql(attach)
            .execute(&mut sealed)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not authorized"), "{error}");
    }

    #[tokio::test]
    async fn another_file_or_an_attached_one_is_not_sealed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let [acme, globex] = ["acme", "globex"]
            .map(|id| TenantFile::in_folder(&folder, &TenantId::new(id).unwrap()));
        let mut connection = connect(&acme).await.unwrap();
        let mut handle = connection.lock_handle().await.unwrap();
        assert_eq!(seal(&mut handle, &globex), Err(Error::AnotherFile));
        drop(handle);

        let mut connection = connect(&acme).await.unwrap();
        sqlx::raw_sql("ATTACH ':memory:' AS other")
            .execute(&mut connection)
            .await
            .unwrap();
        let mut handle = connection.lock_handle().await.unwrap();
        assert_eq!(seal(&mut handle, &acme), Err(Error::AnotherFile));
        assert!(inspect(&mut handle, &acme).elsewhere);
    }
}
