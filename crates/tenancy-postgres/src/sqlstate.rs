//! The error codes that the installed functions raise, beside the server's own.

/// No tenant scope is open.
pub const NO_SCOPE: &str = "TN001";
/// A proof that does not hold: forged, replayed, for another challenge, or of a retired key.
pub const BAD_PROOF: &str = "TN002";
/// A tenant id that is not the one spelling of its value in the column's type.
pub const NOT_CANONICAL: &str = "TN003";
/// A second tenant in one transaction, or in one simple message.
pub const SECOND_TENANT: &str = "TN004";
/// The runtime role tried to run DDL, which the installed event trigger stops.
pub const NO_DDL: &str = "TN005";
/// A login for transaction poolers asked for a scope that outlives its transaction.
pub const TRANSACTION_ONLY: &str = "TN006";
/// What stands under a tenant's name (a schema, a database, a login) is not marked as the
/// tenant's, and is never taken over.
pub const NOT_MARKED: &str = "TN010";
/// `currval` before the session's first `leave()`: no scope either.
pub const NO_SCOPE_YET: &str = "55000";

/// What a code of this crate means and what to do. `None` for any other code.
///
/// ```
/// use tenancy_postgres::sqlstate;
///
/// assert!(sqlstate::explain(sqlstate::NO_SCOPE).is_some());
/// assert!(sqlstate::explain("23505").is_none());
/// ```
pub fn explain(code: &str) -> Option<&'static str> {
    Some(match code {
        NO_SCOPE | NO_SCOPE_YET => {
            "no tenant scope is open on this connection: open one, or use central for work across tenants"
        }
        BAD_PROOF => {
            "the proof of the tenant does not hold: it was used before, made for another connection, or its key was retired; leave, and enter with the answer"
        }
        NOT_CANONICAL => {
            "the tenant's id is not the one spelling of its value in the tenant column's type: register it in that spelling"
        }
        SECOND_TENANT => {
            "another tenant was entered in this transaction or message: end it before you change the tenant"
        }
        NO_DDL => "the runtime role runs no DDL: run migrations as the table owner",
        TRANSACTION_ONLY => {
            "this login enters a tenant for one transaction only: bind the scope to the transaction, or use the runtime role without a transaction pooler"
        }
        NOT_MARKED => {
            "what stands under this name is not the tenant's: choose another name, or mark it by hand if it is the tenant's own"
        }
        _ => return None,
    })
}
