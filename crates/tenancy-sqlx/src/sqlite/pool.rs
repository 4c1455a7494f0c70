//! The connections of one tenant's database.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use tenancy_core::TenantId;
use tenancy_sqlite::TenantFile;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::DatabaseError;
use super::cache::{Close, Lease};
use super::options::Settings;
use super::slot::{Slot, SlotState};
use crate::Error;

/// One tenant's open database: as many connections as the settings say, opened when needed.
pub(super) struct FilePool {
    file: TenantFile,
    tenant: TenantId,
    settings: Arc<Settings>,
    free: Arc<Semaphore>,
    /// The one that was used last is on top, so that few are open.
    slots: Mutex<Vec<Slot>>,
}

impl FilePool {
    /// Opens a first connection, so that a database that is missing, or another's, is found before
    /// it takes a place in the cache.
    pub(super) async fn open(
        file: TenantFile,
        tenant: TenantId,
        settings: Arc<Settings>,
    ) -> Result<Self, Error> {
        let there = file.clone();
        on_blocking(move || there.check())
            .await?
            .map_err(DatabaseError::File)?;
        let slot = Slot::new(&file, settings.busy_timeout, settings.acquire_timeout);
        match slot.connect(&file, &tenant, false).await {
            Ok(connection) => drop(connection),
            Err(error) => {
                slot.close().await;
                return Err(error);
            }
        }
        let free = Arc::new(Semaphore::new(settings.connections_per_tenant));
        Ok(Self {
            file,
            tenant,
            settings,
            free,
            slots: Mutex::new(vec![slot]),
        })
    }

    fn take(&self) -> Slot {
        let slot = self
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        slot.unwrap_or_else(|| {
            Slot::new(
                &self.file,
                self.settings.busy_timeout,
                self.settings.acquire_timeout,
            )
        })
    }

    fn give_back(&self, slot: Slot) {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(slot);
    }
}

impl Close for FilePool {
    async fn close(&self) {
        self.free.close();
        // The slots in use close when they come back: SQLx's pool waits for its connection.
        loop {
            let slot = self
                .slots
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let Some(slot) = slot else { return };
            slot.close().await;
        }
    }
}

/// Runs a short piece of file-system work where it may block.
pub(super) async fn on_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    // It fails only when the runtime is shutting down.
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| DatabaseError::NoRuntime.into())
}

/// A connection's place, held: the slot goes back when it is dropped, and the tenant's database is
/// not closed before.
pub(super) struct Place {
    slot: Option<Slot>,
    /// Dropped before the lease, so that a place that is free is seen as free.
    _permit: OwnedSemaphorePermit,
    lease: Lease<FilePool>,
    runtime: Handle,
}

impl Place {
    /// Waits for a free connection of the leased database.
    pub(super) async fn take(
        lease: Lease<FilePool>,
        read_only: bool,
        deadline: Instant,
    ) -> Result<(Self, PoolConnection<Sqlite>), Error> {
        let runtime = Handle::try_current().map_err(|_| DatabaseError::NoRuntime)?;
        let pool = lease.value().ok_or(DatabaseError::PoolClosed)?;
        let permit = timeout_at(deadline, Arc::clone(&pool.free).acquire_owned())
            .await
            .map_err(|_| DatabaseError::PoolTimedOut)?
            .map_err(|_| DatabaseError::PoolClosed)?;
        let slot = Some(pool.take());
        let place = Self {
            slot,
            _permit: permit,
            lease,
            runtime,
        };
        let connection = place.connect(read_only, deadline).await?;
        Ok((place, connection))
    }

    async fn connect(
        &self,
        read_only: bool,
        deadline: Instant,
    ) -> Result<PoolConnection<Sqlite>, Error> {
        let (Some(slot), Some(pool)) = (&self.slot, self.lease.value()) else {
            return Err(DatabaseError::PoolClosed.into());
        };
        timeout_at(deadline, slot.connect(&pool.file, &pool.tenant, read_only))
            .await
            .map_err(|_| Error::from(DatabaseError::OpenTimedOut))?
    }

    pub(super) fn state(&self) -> Option<&Arc<SlotState>> {
        self.slot.as_ref().map(Slot::state)
    }

    /// Drops what goes back to SQLx's pool, which spawns a task for it: also where no runtime is the
    /// current one.
    pub(super) fn release<T>(&self, connection: Option<T>) {
        if let Some(state) = self.state() {
            state.abandon();
        }
        let _inside = self.runtime.enter();
        drop(connection);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        if let (Some(slot), Some(pool)) = (self.slot.take(), self.lease.value()) {
            pool.give_back(slot);
        }
    }
}
