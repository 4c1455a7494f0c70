//! Making and removing a tenant's database.

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tenancy_core::{Placement, Provisioner, TenantId};
use tenancy_sqlite::{Draft, TenantFile, identity};
use tokio::time::{Duration, Instant};

use super::pool::on_blocking;
use super::slot::{deadline, options, verify};
use super::{DatabaseError, SqliteTenants};
use crate::{DriverError, Error};

impl Provisioner for SqliteTenants {
    type Error = Error;

    /// Makes the tenant's database, with the [schema](super::Builder::schema), under a hidden name,
    /// and puts it into its place when it is whole. One that is there already is checked, and left as
    /// it is; its schema is not compared.
    async fn provision(&self, tenant: &TenantId) -> Result<Placement, Error> {
        let file = TenantFile::in_folder(&self.inner.folder, tenant);
        if !self.exists(tenant).await? {
            let draft = self.draft(tenant).await?;
            let place = file.clone();
            let published = on_blocking(move || draft.publish(&place)).await?;
            if published.map_err(DatabaseError::File)? {
                return Ok(file.placement());
            }
        }
        self.verify_file(&file, tenant).await?;
        Ok(file.placement())
    }

    /// Removes the tenant's database and all its data, if nobody uses it, in this process or in
    /// another: [`DatabaseError::InUse`] otherwise, after the acquire time-out.
    async fn deprovision(&self, tenant: &TenantId) -> Result<(), Error> {
        let barred = self
            .inner
            .cache
            .bar(tenant)
            .await
            .ok_or(DatabaseError::InUse)?;
        if self.exists(tenant).await? {
            let file = TenantFile::in_folder(&self.inner.folder, tenant);
            let alone = self.take_alone(&file, tenant).await?;
            let folder = self.inner.folder.clone();
            let removed = on_blocking(move || file.remove(&folder)).await?;
            // Held until the file is gone, so that nobody could begin to use it.
            drop(alone);
            removed.map_err(DatabaseError::File)?;
        }
        drop(barred);
        Ok(())
    }
}

impl SqliteTenants {
    /// Whether `tenant`'s database is there.
    ///
    /// # Errors
    /// [`DatabaseError::File`], where something else is in its place, or the folder can't be read.
    pub async fn exists(&self, tenant: &TenantId) -> Result<bool, Error> {
        let file = TenantFile::in_folder(&self.inner.folder, tenant);
        match on_blocking(move || file.check()).await? {
            Ok(()) => Ok(true),
            Err(tenancy_sqlite::Error::Missing) => Ok(false),
            Err(error) => Err(DatabaseError::File(error).into()),
        }
    }

    /// A whole database under a hidden name; nobody has it open any more.
    async fn draft(&self, tenant: &TenantId) -> Result<Draft, Error> {
        let folder = self.inner.folder.clone();
        let draft = on_blocking(move || Draft::in_folder(&folder)).await?;
        let draft = draft.map_err(DatabaseError::File)?;
        // Not in WAL mode yet: a connecting that is dropped must make no file beside the draft.
        let connection = options(draft.path(), self.inner.settings.busy_timeout)
            .connect()
            .await;
        let mut making = Making {
            parts: Some((connection.map_err(not_made)?, draft)),
        };
        if let Some((connection, draft)) = &mut making.parts {
            self.fill(draft, connection, tenant).await?;
        }
        making.finish().await
    }

    async fn fill(
        &self,
        draft: &Draft,
        connection: &mut SqliteConnection,
        tenant: &TenantId,
    ) -> Result<(), Error> {
        sqlx::query("PRAGMA journal_mode = WAL")
            .execute(&mut *connection)
            .await
            .map_err(not_made)?;
        for statement in identity::MARK {
            let mark = sqlx::query(statement);
            let mark = if statement.contains("?1") {
                mark.bind(tenant.as_str())
            } else {
                mark
            };
            mark.execute(&mut *connection).await.map_err(not_made)?;
        }
        draft
            .seal(&mut connection.lock_handle().await.map_err(not_made)?)
            .map_err(DatabaseError::File)?;
        self.run_schema(connection).await?;
        if let Some(prepare) = &self.inner.settings.prepare {
            prepare(&mut *connection)
                .await
                .map_err(DatabaseError::Prepare)?;
        }
        // A transaction that is left open would be lost without a word.
        sqlx::raw_sql("BEGIN IMMEDIATE; COMMIT")
            .execute(&mut *connection)
            .await
            .map_err(|_| DatabaseError::PrepareUnfinished)?;
        Ok(())
    }

    async fn run_schema(&self, connection: &mut SqliteConnection) -> Result<(), Error> {
        let mut transaction = connection.begin().await.map_err(not_made)?;
        for (index, statement) in self.inner.settings.schema.iter().enumerate() {
            // The application's own text, given to the builder.
            sqlx::raw_sql(AssertSqlSafe(statement.as_ref()))
                .execute(&mut *transaction)
                .await
                .map_err(|error| DatabaseError::Schema {
                    number: index + 1,
                    source: DriverError::from(error),
                })?;
        }
        transaction.commit().await.map_err(not_made)
    }

    async fn verify_file(&self, file: &TenantFile, tenant: &TenantId) -> Result<(), Error> {
        let mut connection = self.connect_plainly(file).await?;
        let verified = verify(&mut connection, tenant).await;
        connection
            .close()
            .await
            .map_err(|error| DatabaseError::Connect(error.into()))?;
        verified
    }

    async fn connect_plainly(&self, file: &TenantFile) -> Result<SqliteConnection, Error> {
        let connected = options(file.path(), self.inner.settings.busy_timeout)
            .connect()
            .await;
        let mut connection = connected.map_err(|error| DatabaseError::Connect(error.into()))?;
        let mut handle = connection
            .lock_handle()
            .await
            .map_err(|error| DatabaseError::Connect(error.into()))?;
        tenancy_sqlite::seal(&mut handle, file).map_err(DatabaseError::File)?;
        drop(handle);
        Ok(connection)
    }

    /// A connection that has the database for itself, with the mark taken out: whoever has opened
    /// the file, and waits for it, finds that it is nobody's.
    async fn take_alone(
        &self,
        file: &TenantFile,
        tenant: &TenantId,
    ) -> Result<SqliteConnection, Error> {
        let connected = options(file.path(), Duration::ZERO)
            .pragma("locking_mode", "EXCLUSIVE")
            .connect()
            .await;
        let mut connection = connected.map_err(|error| DatabaseError::Connect(error.into()))?;
        let deadline = deadline(self.inner.settings.acquire_timeout);
        loop {
            match take_out_mark(&mut connection, tenant).await {
                Ok(true) => return Ok(connection),
                Ok(false) => return Err(DatabaseError::NotThisTenants.into()),
                Err(error) if !is_busy(&error) => {
                    return Err(DatabaseError::Remove(error.into()).into());
                }
                Err(_) if Instant::now() >= deadline => return Err(DatabaseError::InUse.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

/// A draft with its connection. Dropped, the connection is closed before the files are removed: one
/// that is still at work would make some of them again.
struct Making {
    parts: Option<(SqliteConnection, Draft)>,
}

impl Making {
    async fn finish(mut self) -> Result<Draft, Error> {
        let (connection, draft) = self.parts.take().ok_or(DatabaseError::PoolClosed)?;
        connection.close().await.map_err(not_made)?;
        Ok(draft)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let Some((connection, draft)) = self.parts.take() else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Closed or not, nobody wants the draft any more.
                let _ = connection.close().await;
                drop(draft);
            });
        }
    }
}

/// `false` when the file is marked as another's, or as nobody's of ours. One whose mark was taken
/// out already, by a removal that was broken off, is removed.
async fn take_out_mark(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<bool, sqlx::Error> {
    let application: i32 = sqlx::query_scalar(identity::READ_APPLICATION_ID)
        .fetch_one(&mut *connection)
        .await?;
    if application != identity::APPLICATION_ID {
        return Ok(false);
    }
    let marks: Vec<String> = sqlx::query_scalar(identity::READ_TENANT)
        .fetch_all(&mut *connection)
        .await?;
    if marks.iter().any(|mark| mark != tenant.as_str()) {
        return Ok(false);
    }
    // Leaving WAL needs the file for oneself; in the exclusive mode it is kept after that.
    sqlx::query("PRAGMA journal_mode = DELETE")
        .execute(&mut *connection)
        .await?;
    sqlx::query(identity::UNMARK)
        .execute(&mut *connection)
        .await?;
    Ok(true)
}

fn is_busy(error: &sqlx::Error) -> bool {
    // The primary result code, SQLITE_BUSY, is the low byte of an extended one.
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

fn not_made(error: sqlx::Error) -> Error {
    DatabaseError::Make(error.into()).into()
}
