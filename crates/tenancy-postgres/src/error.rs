//! What this crate refuses.

/// Why a piece of enforcement was refused before it reached the server, or why an answer of the
/// server can't be trusted. No variant holds a secret or a tenant's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name is no PostgreSQL identifier.
    #[error("a PostgreSQL name is {reason}: give 1 to 63 bytes without a NUL byte")]
    Identifier {
        /// Which rule is broken.
        reason: &'static str,
    },
    /// A table's name in text form has too many parts.
    #[error(
        "a table's name has more than one dot: write `table` or `schema.table`, and use TableName::new for a name that holds a dot itself"
    )]
    TableName,
    /// Two of the roles of an installation are the same role, or one of them is ours.
    #[error(
        "two roles of an installation are one and the same, or one is called tenancy_owner: the runtime, central and table-owner roles must be three roles of their own, or there is no wall between them"
    )]
    Roles,
    /// A table asked to be walled lies in a schema that can't hold one.
    #[error(
        "the schema tenancy, information_schema and the schemas that start with pg_ hold no tenant tables: create the table in a schema of your own"
    )]
    ReservedSchema,
    /// A key id outside 1 to 2,147,483,647.
    #[error("a sealing key's id is 0 or above 2147483647: number keys from 1 up")]
    KeyId,
    /// A text is no sealing key.
    #[error(
        "this is no sealing key ({reason}): it is written `ID:BASE64`, with 32 bytes in standard base64 after the colon"
    )]
    KeyText {
        /// Which part is wrong.
        reason: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error(
        "the operating system gave no random bytes, so nothing was made: try again, and look at the system's random source if it lasts"
    )]
    Random,
    /// What a connection answered to `leave()` is no challenge.
    #[error(
        "the answer to tenancy.leave() is no challenge: drop the connection, it may be an answer behind, or another function stands in its place"
    )]
    Challenge,
    /// A tenant's id is not the one spelling of its value in the column's type.
    #[error(
        "a tenant id is not canonical for a {kind} tenant column: two spellings of one value would be two tenants over the same rows, so use {form}"
    )]
    NotCanonical {
        /// The column's type.
        kind: crate::seal::TenantKind,
        /// The one spelling that is allowed.
        form: &'static str,
    },
    /// The answer to a scrub is not what was asked for.
    #[error("the connection's scrub can't be trusted ({reason}): drop the connection")]
    Scrub {
        /// What was wrong with the answer.
        reason: &'static str,
    },
    /// The settings of the startup message did not reach the server session.
    #[error(
        "something between this application and PostgreSQL, a connection pooler it seems, {what} the settings that were sent at connect, so a session here is not a session of the server, and a scope bound to one could reach another client: connect to the server itself"
    )]
    StartupOptions {
        /// What became of them: `dropped`, `replaced` or `refused`.
        what: &'static str,
    },
    /// What a server answered to the snapshot is no snapshot.
    #[error(
        "the database's answer to the snapshot can't be read (line {line}, column {column}), so nothing was verified: do not serve; this version of tenancy may not know this server"
    )]
    Snapshot {
        /// The line of the answer.
        line: usize,
        /// The column in that line.
        column: usize,
    },
}
