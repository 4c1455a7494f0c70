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
        "two roles of an installation are one and the same, or one is called tenancy_owner: the runtime, central, table-owner and pooled roles must be roles of their own, or there is no wall between them"
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
        "something between this application and PostgreSQL, a connection pooler it seems, {what} the settings that were sent at connect, so a session here is not a session of the server, and a scope bound to one could reach another client: connect to the server itself, or use the transaction-only login through a pooler that resets"
    )]
    StartupOptions {
        /// What became of them: `dropped`, `replaced` or `refused`.
        what: &'static str,
    },
    /// A connection pooler does not keep its clients apart.
    #[error("the connection pooler can't be trusted with tenants: {found}. {mend}")]
    Pooler {
        /// What was seen.
        found: String,
        /// What to do.
        mend: &'static str,
    },
    /// A schema's name can't be a tenant's.
    #[error(
        "this schema can't hold a tenant: {reason}; give the tenant a schema of its own, with another name"
    )]
    ReservedTenantSchema {
        /// What the name is instead.
        reason: &'static str,
    },
    /// A database's name can't be a tenant's.
    #[error(
        "this database can't be a tenant's: the server, the service that runs it or its tools keep the name for themselves; give the tenant a database with another name"
    )]
    ReservedDatabase,
    /// The logins of the tenants can't be told from other roles.
    #[error(
        "the tenants' logins are not to be told from other roles ({reason}): choose another prefix or group"
    )]
    Logins {
        /// Which rule is broken.
        reason: &'static str,
    },
    /// A login's name would be cut.
    #[error(
        "a tenant's login would be longer than 63 bytes, which PostgreSQL cuts without a word: use a shorter prefix or shorter ids"
    )]
    LoginTooLong,
    /// A role's name can't be a tenant's login.
    #[error(
        "this role can't be a tenant's login: the server or this crate keeps the name for itself; choose another one"
    )]
    ReservedRole,
    /// A password that can't be one.
    #[error(
        "a password is empty or holds a NUL byte, which PostgreSQL can't take: generate one of printable characters"
    )]
    Password,
    /// A connection was not bound to the tenant's schema.
    #[error(
        "the connection is not bound to the tenant's schema ({reason}): nothing may run on it; drop it, and look at the tenant's placement"
    )]
    SchemaBinding {
        /// What was wrong with the answer.
        reason: &'static str,
    },
    /// What a server answered about a connection's login is not what was asked for.
    #[error(
        "the server's answer about this connection's login can't be read (line {line}, column {column}), so nothing was verified: drop the connection; this version of tenancy may not know this server"
    )]
    Identity {
        /// The line of the answer.
        line: usize,
        /// The column in that line.
        column: usize,
    },
    /// A placement that contradicts itself.
    #[error("this placement can't be recorded ({reason}): correct it, nothing was written")]
    Placement {
        /// Which rule is broken.
        reason: &'static str,
    },
    /// The place is, or was, another tenant's.
    #[error(
        "this place is recorded for another tenant, and one place has one tenant for ever: nothing was written; choose another database or schema"
    )]
    PlaceTaken,
    /// The tenant has another placement.
    #[error(
        "this tenant is recorded at another place, and one tenant has one place for ever: nothing was written; use the recorded placement, or move the tenant by name"
    )]
    PlacedElsewhere,
    /// The tenant's placement was released.
    #[error(
        "this tenant's placement was released, and its record is kept so that nobody is placed there again: nothing was written; forget the record by name if the place is empty and may be used again"
    )]
    PlacementReleased,
    /// What the registry answered is no placement.
    #[error(
        "the registry's answer can't be read as a placement ({reason}): do not serve the tenant; drop the connection, it may be an answer behind, or the table tenancy.placement was changed by hand"
    )]
    PlacementAnswer {
        /// What was wrong with the answer.
        reason: &'static str,
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
