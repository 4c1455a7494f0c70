//! Values in SQL text, as hexadecimal: no setting, and nothing in them, changes what they mean.

use std::fmt::Write as _;

use crate::db::Kind;

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A text.
pub(crate) fn text(kind: Kind, text: &str) -> String {
    let hex = hex(text.as_bytes());
    match kind {
        Kind::Postgres => {
            format!("pg_catalog.convert_from(pg_catalog.decode('{hex}', 'hex'), 'UTF8')")
        }
        Kind::Mysql => format!("CONVERT(X'{hex}' USING utf8mb4)"),
        Kind::Sqlite => format!("CAST(X'{hex}' AS TEXT)"),
    }
}

/// Bytes.
pub(crate) fn bytes(kind: Kind, bytes: &[u8]) -> String {
    let hex = hex(bytes);
    match kind {
        Kind::Postgres => format!("pg_catalog.decode('{hex}', 'hex')"),
        Kind::Mysql | Kind::Sqlite => format!("X'{hex}'"),
    }
}
