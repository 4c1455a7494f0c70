//! A folder with a file for each tenant.

use std::fmt;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use tenancy_core::{Placement, Strategy, TenantId};
use tenancy_sqlite::{Folder, TenantFile, identity};

use super::names::Prefixes;
use super::{Engine, Inside, Open, Site, SiteError};
use crate::db::{Cell, Fault, Lane as _, fault};

/// A folder of `SQLite` files, one for each tenant, named for its id: the same that
/// `tenancy-sqlx` serves.
#[derive(Clone)]
#[must_use]
pub struct SqliteSite {
    pub(crate) folder: Folder,
}

impl SqliteSite {
    /// The folder, made for this user alone where it is missing.
    ///
    /// # Errors
    /// [`SiteError::Folder`].
    pub fn new(folder: impl AsRef<Path>) -> Result<Self, SiteError> {
        let folder = Folder::open(folder).map_err(refused)?;
        Ok(Self { folder })
    }

    pub(super) fn placement(
        &self,
        strategy: Strategy,
        _: &Prefixes,
        id: &str,
    ) -> Result<Placement, SiteError> {
        if strategy != Strategy::DatabasePerTenant {
            return Err(SiteError::Strategy {
                reason: "SQLite keeps tenants apart by a file for each: use database-per-tenant there",
            });
        }
        let tenant = TenantId::new(id).map_err(|_| SiteError::Name {
            what: "file's name",
            max: TenantId::MAX_LEN,
        })?;
        Ok(TenantFile::in_folder(&self.folder, &tenant).placement())
    }

    pub(super) async fn enter(
        &self,
        tenant: &TenantId,
        placement: &Placement,
        former: Option<Open>,
    ) -> Result<Open, SiteError> {
        drop(former);
        let file = TenantFile::in_folder(&self.folder, tenant);
        if !file.is_named_by(placement) {
            return Err(SiteError::Placement {
                reason: "it is not the file of its id",
            });
        }
        file.check().map_err(refused)?;
        let mut connection = connect(file.path()).await?;
        ensure_marked(&mut connection, tenant).await?;
        let mut handle = connection.lock_handle().await.map_err(fault)?;
        tenancy_sqlite::seal(&mut handle, &file).map_err(refused)?;
        drop(handle);
        Ok(Open::new(
            Box::new(connection),
            Inside::Sqlite,
            tenant.to_string(),
        ))
    }
}

/// In the base database's file.
pub(super) async fn enter_base(url: &str) -> Result<Open, SiteError> {
    let options = SqliteConnectOptions::from_str(url).map_err(|_| SiteError::Url {
        reason: "it is no SQLite URL: sqlite://base.db",
    })?;
    let connection = connect(options.get_filename()).await?;
    Ok(Open::new(
        Box::new(connection),
        Inside::Sqlite,
        "base".to_owned(),
    ))
}

/// A connection to what is there: it makes nothing.
pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection, SiteError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10));
    options
        .connect()
        .await
        .map_err(|error| not_ours(fault(error)))
}

/// Something that is no database is not ours.
pub(crate) fn not_ours(fault: Fault) -> SiteError {
    const NOT_A_DATABASE: &str = "26";
    if fault.code() == Some(NOT_A_DATABASE) {
        SiteError::NotOurs
    } else {
        fault.into()
    }
}

/// Refuses a file that is not marked as the tenant's.
pub(crate) async fn ensure_marked(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<(), SiteError> {
    let application = connection
        .raw_rows(identity::READ_APPLICATION_ID.to_owned())
        .await
        .map_err(|error| not_ours(fault(error)))?;
    if application != [[Cell::Int(identity::APPLICATION_ID.into())]] {
        return Err(SiteError::NotOurs);
    }
    let rows = connection
        .raw_rows(identity::READ_TENANT.to_owned())
        .await
        .map_err(fault)?;
    if rows == [[Cell::Text(tenant.to_string())]] {
        Ok(())
    } else {
        Err(SiteError::NotOurs)
    }
}

/// What the folder's own checks say.
pub(crate) fn refused(error: tenancy_sqlite::Error) -> SiteError {
    match error {
        tenancy_sqlite::Error::Missing => SiteError::Missing,
        tenancy_sqlite::Error::NotAFile => SiteError::NotOurs,
        other => SiteError::Folder {
            reason: other.to_string(),
        },
    }
}

impl From<SqliteSite> for Site {
    fn from(site: SqliteSite) -> Self {
        Self::of(Engine::Sqlite(site))
    }
}

impl fmt::Debug for SqliteSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSite").finish_non_exhaustive()
    }
}
