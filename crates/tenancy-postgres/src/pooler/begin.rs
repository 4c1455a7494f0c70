use crate::Error;
use crate::ident::Identifier;
use crate::isolation::Isolation;
use crate::scrub::{Nonce, SEED};
use crate::seal::Challenge;
use crate::settings::transaction_pins;

/// Set for the session by every transaction that begins. What ends it is the pooler's reset alone,
/// so whoever finds it here is on a server connection that was not reset.
const CANARY: &str = "tenancy.pooled";

/// The first message of a scoped transaction, to be sent as one simple message. Its last row is for
/// [`BeginAnswer::parse`]: six columns of text.
///
/// - `BEGIN` names all its modes, since a role's `default_transaction_*` may be hostile: the scope
///   needs a writable transaction.
/// - It pins the dangerous settings ([`crate::settings`]) for this transaction. Startup options
///   don't reach the server, and `ALTER ROLE CURRENT_USER SET ..`, run once by injected SQL, gives
///   every later server connection defaults that no reset takes away. Looking at
///   `pg_db_role_setting` in their stead would miss what was set and taken back while a server
///   connection was opened.
/// - It has the server look for a client that is gone, ten times a second: a query that is dropped
///   with its connection ends there. (A cancel request is no way: `PgBouncer` 1.18 dies of one
///   whose client has left.)
/// - It draws a new random seed, which no reset does.
/// - `leave()` stands in the message of `BEGIN`: in a later one, on a session that was just reset,
///   it can't tell whether another tenant was here, and the `enter` after it is refused (`TN004`).
pub fn begin_sql(nonce: &Nonce) -> String {
    begin_isolated_sql(nonce, Isolation::ReadCommitted)
}

/// As [`begin_sql`], at an isolation level.
pub fn begin_isolated_sql(nonce: &Nonce, isolation: Isolation) -> String {
    let (pins, level) = (transaction_pins(), isolation.name());
    format!(
        "BEGIN ISOLATION LEVEL {level}, READ WRITE, NOT DEFERRABLE; {pins}\
         SET LOCAL client_connection_check_interval = 100; SELECT {SEED}; \
         SELECT tenancy.leave() AS challenge, '{nonce}'::pg_catalog.text AS nonce, \
         session_user::pg_catalog.text AS login, current_user::pg_catalog.text AS role, \
         pg_catalog.current_setting('{CANARY}', true) AS left_behind, \
         pg_catalog.set_config('{CANARY}', '{nonce}', false) AS canary"
    )
}

/// The last row of [`begin_sql`], checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginAnswer(Challenge);

impl BeginAnswer {
    /// Checks the columns of the last row, and gives the challenge for the proof. `login` is the
    /// role of [`Roles::with_pooled`](crate::install::Roles::with_pooled).
    ///
    /// # Errors
    /// [`Error::Pooler`] when the server connection was not reset after another transaction, or
    /// belongs to another login; [`Error::Scrub`] or [`Error::Challenge`] when the row is another
    /// message's. All mean: roll back, and hand nothing out.
    pub fn parse(
        columns: &[Option<&str>],
        nonce: &Nonce,
        login: &Identifier,
    ) -> Result<Challenge, Error> {
        let [
            Some(challenge),
            Some(echo),
            Some(session),
            Some(role),
            left,
            Some(_),
        ] = columns
        else {
            return Err(Error::Scrub {
                reason: "its answer does not have the columns of a pooled BEGIN",
            });
        };
        if *echo != nonce.as_str() {
            return Err(Error::Scrub {
                reason: "its answer belongs to another message",
            });
        }
        if *session != login.as_str() || role != session {
            return Err(Error::Pooler {
                found: "its server connection runs as another role than the login of this pool"
                    .to_owned(),
                mend: "Take force_user and auth_user mappings for this database out of the pooler's configuration",
            });
        }
        if left.is_some_and(|left| !left.is_empty()) {
            return Err(not_reset("settings"));
        }
        Challenge::parse(challenge)
    }
}

/// What makes a pooler reset.
pub(super) const RESET: &str = "Set pool_mode = transaction, server_reset_query_always = 1 and server_reset_query = DISCARD ALL (or tenancy_postgres::pooler::RESET_QUERY) in the pooler, then RELOAD and RECONNECT it";

/// What is left of another transaction.
pub(super) fn not_reset(what: &str) -> Error {
    Error::Pooler {
        found: format!(
            "{what} of an earlier transaction are still on its server connection, so what one tenant leaves reaches the next"
        ),
        mend: RESET,
    }
}
