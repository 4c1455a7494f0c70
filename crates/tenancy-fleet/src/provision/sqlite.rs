//! Tenants' files.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tenancy_core::TenantId;
use tenancy_sqlite::{Draft, TenantFile, identity};

use super::ProvisionError;
use super::hold::Plan;
use crate::db::{Cell, FaultKind, Lane as _, Value, fault};
use crate::export::Last;
use crate::site::{
    SiteError, SqliteSite, sqlite_connect, sqlite_ensure_marked, sqlite_not_ours, sqlite_refused,
};

/// The lock on some tenants, for as long as it lives. A killed process gives it back.
pub(super) struct Lock {
    _file: File,
}

const ASK_AGAIN: Duration = Duration::from_millis(10);

/// One of 256 files that are there for good, so that none has to be removed while others wait for
/// it. Two tenants that share one wait for each other, which harms neither.
pub(super) async fn hold(
    site: &SqliteSite,
    tenant: &TenantId,
    patience: Duration,
) -> Result<Lock, ProvisionError> {
    let stripe = Sha256::digest(tenant.as_str())[0];
    let path = site.folder.path().join(format!(".lock-{stripe:02x}"));
    let file = open_lock(&path).map_err(folder)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(ProvisionError::Busy);
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(ASK_AGAIN).await,
            Err(TryLockError::Error(error)) => return Err(folder(error)),
        }
    }
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the file under a hidden name, and puts it into its place when it is marked and whole.
pub(super) async fn make(site: &SqliteSite, plan: &Plan<'_>) -> Result<(), ProvisionError> {
    let file = file(site, plan)?;
    match file.check() {
        Ok(()) => {}
        Err(tenancy_sqlite::Error::Missing) => {
            let draft = Draft::in_folder(&site.folder).map_err(sqlite_refused)?;
            mark(draft.path(), plan.tenant).await?;
            if draft.publish(&file).map_err(sqlite_refused)? {
                return Ok(());
            }
        }
        Err(error) => return Err(sqlite_refused(error).into()),
    }
    let mut connection = sqlite_connect(file.path()).await?;
    sqlite_ensure_marked(&mut connection, plan.tenant).await?;
    connection
        .close()
        .await
        .map_err(|error| SiteError::from(fault(error)))?;
    Ok(())
}

async fn mark(path: &Path, tenant: &TenantId) -> Result<(), ProvisionError> {
    let mut connection = sqlite_connect(path).await?;
    let marked = mark_with(&mut connection, tenant).await;
    // Closed in any case: an open one would make files beside the draft again.
    let closed = connection.close().await;
    marked.and(closed).map_err(|error| ProvisionError::Step {
        step: "tenant file",
        needs: "the folder's disk",
        fault: fault(error),
    })
}

async fn mark_with(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<(), sqlx::Error> {
    connection
        .raw("PRAGMA journal_mode = WAL".to_owned())
        .await?;
    for statement in identity::MARK {
        if statement.contains("?1") {
            let values = [Value::from(tenant.as_str())];
            connection.run(statement.to_owned(), &values).await?;
        } else {
            connection.raw(statement.to_owned()).await?;
        }
    }
    Ok(())
}

/// Removes the file, when nobody else has it open: whoever opens it in between finds it unmarked.
pub(super) async fn remove(
    site: &SqliteSite,
    plan: &Plan<'_>,
    last: Option<&Last<'_>>,
) -> Result<(), ProvisionError> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let file = file(site, plan)?;
    match file.check() {
        Err(tenancy_sqlite::Error::Missing) => {
            return match last {
                Some(last) => Ok(last.ensure_made().await?),
                None => Ok(()),
            };
        }
        other => other.map_err(sqlite_refused)?,
    }
    let alone = SqliteConnectOptions::new()
        .filename(file.path())
        .create_if_missing(false)
        .busy_timeout(Duration::ZERO)
        .synchronous(SqliteSynchronous::Full)
        .pragma("locking_mode", "EXCLUSIVE");
    let deadline = Instant::now() + PATIENCE;
    let mut connection = loop {
        let taken = async {
            let mut connection = alone.connect().await?;
            let is_ours = take_over(&mut connection, plan.tenant).await?;
            Ok(is_ours.then_some(connection))
        };
        match taken.await.map_err(fault) {
            Ok(Some(connection)) => break connection,
            Ok(None) => return Err(SiteError::NotOurs.into()),
            Err(fault) if !fault.is(FaultKind::Passing) => {
                return Err(sqlite_not_ours(fault).into());
            }
            Err(_) if Instant::now() >= deadline => return Err(ProvisionError::InUse),
            Err(_) => tokio::time::sleep(ASK_AGAIN).await,
        }
    };
    if let Some(last) = last {
        last.make_of(&mut connection).await?;
    }
    let unmarked = connection.raw(identity::UNMARK.to_owned()).await;
    unmarked.map_err(|error| sqlite_not_ours(fault(error)))?;
    // The connection is held until the file is gone, so that nobody can begin to use it.
    file.remove(&site.folder).map_err(sqlite_refused)?;
    drop(connection);
    Ok(())
}

/// Has the file for itself. `false` for another's. One whose mark was taken out by a removal that was
/// broken off is removed.
async fn take_over(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<bool, sqlx::Error> {
    let application = connection
        .raw_rows(identity::READ_APPLICATION_ID.to_owned())
        .await?;
    if application != [[Cell::Int(identity::APPLICATION_ID.into())]] {
        return Ok(false);
    }
    let marks = connection
        .raw_rows(identity::READ_TENANT.to_owned())
        .await?;
    let own = [Cell::Text(tenant.to_string())];
    if marks.iter().any(|mark| *mark != own) {
        return Ok(false);
    }
    // Leaving WAL needs the file for oneself; in the exclusive mode it is kept after that.
    connection
        .raw("PRAGMA journal_mode = DELETE".to_owned())
        .await?;
    // A removal that was broken off has left WAL before.
    connection.raw("BEGIN EXCLUSIVE; COMMIT".to_owned()).await?;
    Ok(true)
}

fn file(site: &SqliteSite, plan: &Plan<'_>) -> Result<TenantFile, ProvisionError> {
    let file = TenantFile::in_folder(&site.folder, plan.tenant);
    if file.is_named_by(plan.placement) {
        Ok(file)
    } else {
        Err(SiteError::Placement {
            reason: "it is not the file of its id",
        }
        .into())
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn folder(error: std::io::Error) -> ProvisionError {
    sqlite_refused(tenancy_sqlite::Error::File(error.kind())).into()
}
