//! The settings that SQL may read and set on a sealed connection.
//!
//! A list of what is allowed: a `PRAGMA` may reach the whole process, stay in the connection for its
//! next user, or be new in a later SQLite.

use crate::authorizer::{Action, is};

/// They show or tend the tenant's own file, whatever their argument.
const FREE: [&str; 22] = [
    "collation_list",
    "compile_options",
    "data_version",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "optimize",
    "page_count",
    "pragma_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
    "wal_checkpoint",
];

/// They may be read, and not set: they would stay in the connection, or in the file against its
/// service.
const READABLE: [&str; 22] = [
    "analysis_limit",
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "encoding",
    "foreign_keys",
    "ignore_check_constraints",
    "journal_mode",
    "journal_size_limit",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "page_size",
    "query_only",
    "recursive_triggers",
    "schema_version",
    "secure_delete",
    "synchronous",
    "temp_store",
    "wal_autocheckpoint",
];

/// Of what is allowed, these change the file.
const CHANGING: [&str; 3] = ["incremental_vacuum", "optimize", "wal_checkpoint"];

/// Whether this changes nothing, of what is allowed.
pub(crate) fn only_reads(action: &Action<'_>) -> bool {
    let sets = is(action.first, "user_version") && action.second.is_some();
    let changes = CHANGING.iter().any(|name| is(action.first, name));
    !sets && !changes && !is(action.first, "defer_foreign_keys")
}

pub(crate) fn is_allowed(action: &Action<'_>) -> bool {
    let named = |names: &[&str]| names.iter().any(|name| is(action.first, name));
    named(&FREE)
        || (action.second.is_none() && named(&READABLE))
        // What every one of these files has; says so, or mends it.
        || (is(action.first, "journal_mode") && is(action.second, "wal"))
        // SQLite switches it off again at the transaction's end. Outside one it would wait there.
        || (is(action.first, "defer_foreign_keys") && action.in_transaction)
}
