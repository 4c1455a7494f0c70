//! What a driver shows of its connection.

use std::ptr::NonNull;

/// A driver's connection to SQLite, held so that nobody else uses it.
///
/// # Safety
/// Whoever implements it vouches that [`raw`](Self::raw) answers with a connection that is open,
/// and that neither another thread nor another part of the driver uses it while `self` is borrowed.
#[allow(unsafe_code)] // the promise can't be checked, so giving it is unsafe
pub unsafe trait Handle {
    /// The connection.
    fn raw(&mut self) -> NonNull<libsqlite3_sys::sqlite3>;

    /// Where the connection lies in memory: tells two that are open apart.
    fn address(&mut self) -> usize {
        self.raw().as_ptr() as usize
    }
}

// SAFETY: SQLx keeps the connection open while its locked handle lives, and its worker thread makes
// no call on it until then (documented on `LockedSqliteHandle::as_raw_handle`).
#[cfg(feature = "sqlx")]
#[allow(unsafe_code)]
unsafe impl Handle for sqlx::sqlite::LockedSqliteHandle<'_> {
    fn raw(&mut self) -> NonNull<libsqlite3_sys::sqlite3> {
        self.as_raw_handle()
    }
}
