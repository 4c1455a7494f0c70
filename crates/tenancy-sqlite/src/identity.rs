//! The mark in each file that says whose it is.
//!
//! It is written when the file is made and read at each new connection, so that files that were
//! swapped, copied or restored into another's place are refused. A sealed connection can read it and
//! not change it.

/// `SQLite`'s `application_id` of every file made here: `tncy`.
pub const APPLICATION_ID: i32 = 0x746e_6379;

/// The table that holds the tenant's id, in one row.
pub const TABLE: &str = "tenancy_identity";

/// Makes the mark in an empty file; takes the tenant's id as its one argument. Run it before the
/// connection is [sealed](crate::seal).
pub const MARK: [&str; 3] = [
    "PRAGMA application_id = 1953391481",
    "CREATE TABLE tenancy_identity (tenant TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID",
    "INSERT INTO tenancy_identity (tenant) VALUES (?1)",
];

/// Reads `application_id`.
pub const READ_APPLICATION_ID: &str = "PRAGMA application_id";

/// Reads the mark: one row with the id. Two rows, or another id, is another's file.
pub const READ_TENANT: &str = "SELECT tenant FROM main.tenancy_identity LIMIT 2";

/// Takes the mark out, as the first step of removing the file. A sealed connection can't.
pub const UNMARK: &str = "DELETE FROM main.tenancy_identity";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_say_what_the_constants_say() {
        assert!(MARK[0].ends_with(&format!("= {APPLICATION_ID}")));
        assert!(MARK[1].contains(TABLE) && MARK[2].contains(TABLE) && READ_TENANT.contains(TABLE));
        assert_eq!(APPLICATION_ID.to_be_bytes(), *b"tncy");
    }
}
