//! The calls into SQLite's C library; all unsafe code but one line of `handle.rs`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use libsqlite3_sys as ffi;

use crate::authorizer::{Action, is_allowed, only_reads};
use crate::{Error, Handle};

/// Lets the connection attach no database.
pub(crate) fn limit_attached_to_none(handle: &mut impl Handle) -> Result<(), Error> {
    let raw = handle.raw().as_ptr();
    // SAFETY: `Handle` vouches for an open connection that is ours alone.
    unsafe { ffi::sqlite3_limit(raw, ffi::SQLITE_LIMIT_ATTACHED, 0) };
    if attached_limit(handle) == 0 {
        Ok(())
    } else {
        Err(Error::NotSealed)
    }
}

/// How many databases the connection may attach.
pub(crate) fn attached_limit(handle: &mut impl Handle) -> c_int {
    let raw = handle.raw().as_ptr();
    // SAFETY: `Handle` vouches for the connection. A negative value changes nothing.
    unsafe { ffi::sqlite3_limit(raw, ffi::SQLITE_LIMIT_ATTACHED, -1) }
}

/// Turns one of the switches of `sqlite3_db_config` that take a boolean.
pub(crate) fn switch(handle: &mut impl Handle, option: c_int, on: bool) -> Result<(), Error> {
    let raw = handle.raw().as_ptr();
    let mut now: c_int = -1;
    // SAFETY: `Handle` vouches for the connection; every option that `seal` names takes an int and a
    // pointer to an int, and `now` outlives the call.
    let status =
        unsafe { ffi::sqlite3_db_config(raw, option, c_int::from(on), ptr::from_mut(&mut now)) };
    if status == ffi::SQLITE_OK && now == c_int::from(on) {
        Ok(())
    } else {
        Err(Error::NotSealed)
    }
}

/// Puts our authorizer on the connection. What was prepared under another one is prepared anew, and
/// judged again.
pub(crate) fn set_authorizer(handle: &mut impl Handle, read_only: bool) -> Result<(), Error> {
    let authorize = if read_only {
        authorize::<true>
    } else {
        authorize::<false>
    };
    let raw = handle.raw().as_ptr();
    // SAFETY: `Handle` vouches for the connection. `authorize` is given that same connection, which
    // SQLite calls it with only while it is open.
    let status = unsafe { ffi::sqlite3_set_authorizer(raw, Some(authorize), raw.cast()) };
    if status == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(Error::NotSealed)
    }
}

/// The file of the main database, as SQLite has resolved it; `None` for one in memory.
pub(crate) fn main_file(handle: &mut impl Handle) -> Option<Vec<u8>> {
    // SAFETY: `Handle` vouches for the connection; the name is a constant C string.
    let name = unsafe { ffi::sqlite3_db_filename(handle.raw().as_ptr(), c"main".as_ptr()) };
    // SAFETY: null, or a C string that lives as long as the connection; it is copied at once.
    unsafe { bytes(name) }
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
}

/// Whether the connection has a database besides `main` and `temp`.
pub(crate) fn has_attached(handle: &mut impl Handle) -> bool {
    // SAFETY: `Handle` vouches for the connection; an index that is too high answers with null.
    !unsafe { ffi::sqlite3_db_name(handle.raw().as_ptr(), 2) }.is_null()
}

/// Whether the connection is inside a transaction that was begun, or a statement of it still runs.
pub(crate) fn is_busy(handle: &mut impl Handle) -> bool {
    let raw = handle.raw().as_ptr();
    // SAFETY: `Handle` vouches for the connection.
    let autocommit = unsafe { ffi::sqlite3_get_autocommit(raw) } != 0;
    // SAFETY: the same; a null name asks about every database of the connection.
    let state = unsafe { ffi::sqlite3_txn_state(raw, ptr::null()) };
    !autocommit || state != ffi::SQLITE_TXN_NONE
}

/// Forgets the last row id, so that `last_insert_rowid()` tells the next user nothing.
pub(crate) fn forget_last_row(handle: &mut impl Handle) {
    // SAFETY: `Handle` vouches for the connection.
    unsafe { ffi::sqlite3_set_last_insert_rowid(handle.raw().as_ptr(), 0) }
}

/// What SQLite asks before it prepares a statement.
unsafe extern "C" fn authorize<const READ_ONLY: bool>(
    connection: *mut c_void,
    code: c_int,
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    let action = Action {
        code,
        // SAFETY: SQLite gives null or a C string that lives for this call.
        first: unsafe { bytes(first) },
        // SAFETY: the same.
        second: unsafe { bytes(second) },
        // SAFETY: the same.
        schema: unsafe { bytes(schema) },
        // SAFETY: `set_authorizer` has given this connection, which is preparing a statement, so open.
        in_transaction: unsafe { ffi::sqlite3_get_autocommit(connection.cast()) } == 0,
    };
    let allowed = if READ_ONLY {
        only_reads(&action)
    } else {
        is_allowed(&action)
    };
    if allowed {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_DENY
    }
}

/// # Safety
/// `text` is null or a C string that lives for `'a`.
unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not null, and the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}
