//! What SQL may do on a sealed connection.

use libsqlite3_sys as ffi;

use crate::identity::TABLE;
use crate::pragma;

/// One thing that a statement wants to do, as SQLite's authorizer tells it
/// (<https://www.sqlite.org/c3ref/c_alter_table.html>).
pub(crate) struct Action<'a> {
    pub(crate) code: i32,
    pub(crate) first: Option<&'a [u8]>,
    pub(crate) second: Option<&'a [u8]>,
    pub(crate) schema: Option<&'a [u8]>,
    pub(crate) in_transaction: bool,
}

/// Functions that reach out of the database: into a library, through a pointer, into the process's
/// error log.
const OUTWARD: [&str; 3] = ["load_extension", "fts3_tokenizer", "sqlite_log"];

/// Whether a statement may do this. An action that is not known here is refused.
pub(crate) fn is_allowed(action: &Action<'_>) -> bool {
    // `CREATE TABLE temp.t` comes with the code of an ordinary table.
    let in_the_file = !is(action.schema, "temp");
    match action.code {
        ffi::SQLITE_SELECT
        | ffi::SQLITE_READ
        | ffi::SQLITE_RECURSIVE
        | ffi::SQLITE_TRANSACTION
        | ffi::SQLITE_SAVEPOINT
        | ffi::SQLITE_REINDEX
        | ffi::SQLITE_ANALYZE
        | ffi::SQLITE_DROP_VIEW
        | ffi::SQLITE_DROP_INDEX
        | ffi::SQLITE_DROP_TRIGGER
        | ffi::SQLITE_DROP_VTABLE => true,
        ffi::SQLITE_CREATE_TABLE | ffi::SQLITE_CREATE_VIEW | ffi::SQLITE_CREATE_VTABLE => {
            in_the_file
        }
        // `CREATE TRIGGER temp.t .. ON main.notes` is told as a trigger in `main`; what gives it away
        // is the row that SQLite itself adds to the schema of `temp`.
        ffi::SQLITE_INSERT => in_the_file && !is(action.first, TABLE),
        // A change of a table's name updates the schema of `temp` as well, so no word of it here.
        ffi::SQLITE_UPDATE | ffi::SQLITE_DELETE | ffi::SQLITE_DROP_TABLE => {
            !is(action.first, TABLE)
        }
        // These name the table second.
        ffi::SQLITE_CREATE_INDEX | ffi::SQLITE_CREATE_TRIGGER => {
            in_the_file && !is(action.second, TABLE)
        }
        ffi::SQLITE_ALTER_TABLE => !is(action.second, TABLE),
        ffi::SQLITE_FUNCTION => !OUTWARD.iter().any(|name| is(action.second, name)),
        ffi::SQLITE_PRAGMA => pragma::is_allowed(action),
        // ATTACH, DETACH, every temporary object, and what a later SQLite may add.
        _ => false,
    }
}

/// Whether a statement may do this where the data may only be read: of what
/// [is allowed](is_allowed), what writes nothing.
pub(crate) fn only_reads(action: &Action<'_>) -> bool {
    match action.code {
        ffi::SQLITE_SELECT
        | ffi::SQLITE_READ
        | ffi::SQLITE_RECURSIVE
        | ffi::SQLITE_TRANSACTION
        | ffi::SQLITE_SAVEPOINT
        | ffi::SQLITE_FUNCTION => is_allowed(action),
        ffi::SQLITE_PRAGMA => is_allowed(action) && pragma::only_reads(action),
        _ => false,
    }
}

/// SQL's names know no case.
pub(crate) fn is(found: Option<&[u8]>, name: &str) -> bool {
    found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(code: i32, first: &str, second: Option<&str>, schema: &str) -> bool {
        is_allowed(&Action {
            code,
            first: Some(first.as_bytes()),
            second: second.map(str::as_bytes),
            schema: Some(schema.as_bytes()),
            in_transaction: false,
        })
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let known = 1..=ffi::SQLITE_RECURSIVE;
        for code in (-10..1000).filter(|code| !known.contains(code)) {
            assert!(!allowed(code, "a", None, "main"), "{code}");
        }
        for code in [
            ffi::SQLITE_ATTACH,
            ffi::SQLITE_DETACH,
            ffi::SQLITE_CREATE_TEMP_TABLE,
        ] {
            assert!(!allowed(code, "a", None, "main"), "{code}");
        }
    }

    #[test]
    fn where_data_may_only_be_read_nothing_else_is_allowed() {
        let action = |code, first: &'static str, second: Option<&'static str>| Action {
            code,
            first: Some(first.as_bytes()),
            second: second.map(str::as_bytes),
            schema: Some(b"main"),
            in_transaction: true,
        };
        let reading = [
            ffi::SQLITE_SELECT,
            ffi::SQLITE_READ,
            ffi::SQLITE_RECURSIVE,
            ffi::SQLITE_TRANSACTION,
            ffi::SQLITE_SAVEPOINT,
            ffi::SQLITE_FUNCTION,
        ];
        for code in -10..1000 {
            let allowed = only_reads(&action(code, "a", Some("b")));
            assert_eq!(allowed, reading.contains(&code), "{code}");
        }
        assert!(!only_reads(&action(
            ffi::SQLITE_FUNCTION,
            "a",
            Some("load_extension")
        )));
        let pragma = |name, value| only_reads(&action(ffi::SQLITE_PRAGMA, name, value));
        assert!(pragma("table_info", Some("notes")) && pragma("User_Version", None));
        for (name, value) in [
            ("user_version", Some("3")),
            ("incremental_vacuum", None),
            ("optimize", None),
            ("wal_checkpoint", None),
            ("wal_checkpoint", Some("truncate")),
            ("defer_foreign_keys", Some("1")),
            ("query_only", Some("0")),
            ("made_up", None),
        ] {
            assert!(!pragma(name, value), "{name}");
        }
    }

    #[test]
    fn temporary_objects_are_refused_by_either_name() {
        for code in [
            ffi::SQLITE_CREATE_TABLE,
            ffi::SQLITE_CREATE_VIEW,
            ffi::SQLITE_CREATE_INDEX,
            ffi::SQLITE_CREATE_TRIGGER,
            ffi::SQLITE_CREATE_VTABLE,
            ffi::SQLITE_INSERT,
        ] {
            assert!(allowed(code, "a", Some("b"), "main"), "{code}");
            assert!(!allowed(code, "a", Some("b"), "Temp"), "{code}");
        }
    }

    #[test]
    fn settings_are_read_and_not_set() {
        let pragma = |name, value| allowed(ffi::SQLITE_PRAGMA, name, value, "main");
        assert!(pragma("Foreign_Keys", None) && !pragma("foreign_keys", Some("0")));
        assert!(pragma("journal_mode", Some("WAL")) && !pragma("journal_mode", Some("wal2")));
        assert!(pragma("user_version", Some("3")));
        for name in [
            "hard_heap_limit",
            "temp_store_directory",
            "database_list",
            "made_up",
            "",
        ] {
            assert!(!pragma(name, None) && !pragma(name, Some("1")), "{name}");
        }
    }
}
