//! Cleaning a connection between two scopes, in one message.
//!
//! Injected SQL can leave settings, a role, a temporary table, cursors, listeners, advisory
//! locks, the random seed or a hijacked prepared statement behind. The scrub takes them away,
//! ends the scope, and answers with what must be compared: an answer that is missing, late or
//! different means that the connection is dropped. Never queue a statement behind a scrub.

use std::fmt;

use crate::Error;
use crate::ident::hex;
use crate::seal::Challenge;

/// A random text that only the answer to this very scrub repeats. Without it, a driver that was
/// left one answer behind takes an older answer for this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// A fresh one, of 16 random bytes.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system's random source fails.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
        Ok(Self(hex(&bytes)))
    }

    /// 32 digits of lower-case hexadecimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `DISCARD ALL` refuses to share a message with others, so these are its parts, without the
/// `DEALLOCATE ALL` that would cost the driver its prepared statements, and with the random
/// seed. `ROLLBACK` and `READ WRITE` come first, or a hostile `default_transaction_read_only`
/// would keep the scope alive.
const STATEMENTS: &str = "ROLLBACK; \
SET TRANSACTION READ WRITE; \
CLOSE ALL; \
SET SESSION AUTHORIZATION DEFAULT; \
RESET ROLE; \
RESET ALL; \
UNLISTEN *; \
SELECT pg_catalog.pg_advisory_unlock_all(); \
DISCARD TEMP; \
DISCARD SEQUENCES";

/// A new random seed, or the next tenant's `random()` could be foretold. The server draws it: a text
/// that changed with each scrub would be one more statement to a driver that keeps them prepared.
pub(crate) const SEED: &str = "SELECT pg_catalog.setseed((pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)::pg_catalog.float8) OPERATOR(pg_catalog./) 9223372036854775808::pg_catalog.float8)";

/// The whole scrub, to be sent as one simple message. Its last row is for [`ScrubAnswer`]: six
/// columns of text.
pub fn scrub_sql(nonce: &Nonce) -> String {
    ending_with("tenancy.leave()", nonce)
}

/// The same for a login that has no scope to leave, and no right to: the central role. Its challenge
/// opens nothing.
pub fn unscoped_scrub_sql(nonce: &Nonce) -> String {
    ending_with("pg_catalog.repeat('0', 32)", nonce)
}

fn ending_with(challenge: &str, nonce: &Nonce) -> String {
    format!(
        "{STATEMENTS}; {SEED}; SELECT {challenge} AS challenge, '{nonce}'::pg_catalog.text AS nonce, \
         (pg_catalog.count(*) FILTER (WHERE p.from_sql))::pg_catalog.text AS hijacked, \
         (pg_catalog.count(*) FILTER (WHERE NOT p.from_sql))::pg_catalog.text AS prepared, \
         (session_user OPERATOR(pg_catalog.=) current_user)::pg_catalog.text AS same_role, \
         pg_catalog.pg_backend_pid()::pg_catalog.text AS backend \
         FROM pg_catalog.pg_prepared_statement() AS p"
    )
}

/// The last row of a scrub, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubAnswer {
    challenge: Challenge,
    prepared: u64,
    backend: i32,
}

impl ScrubAnswer {
    /// Checks the columns of the last row, and gives the next challenge.
    ///
    /// # Errors
    /// As [`ScrubAnswer::read`].
    pub fn parse(columns: &[Option<&str>], nonce: &Nonce) -> Result<Challenge, Error> {
        Self::read(columns, nonce).map(Self::into_challenge)
    }

    /// Checks the columns of the last row.
    ///
    /// # Errors
    /// [`Error::Scrub`] or [`Error::Challenge`] when the row is another message's, a statement
    /// was prepared by SQL (which may have taken the name of one of the driver's), or the role is
    /// not the login's. All mean: drop the connection.
    pub fn read(columns: &[Option<&str>], nonce: &Nonce) -> Result<Self, Error> {
        let wrong = |reason| Error::Scrub { reason };
        let [
            Some(challenge),
            Some(echo),
            Some(hijacked),
            Some(prepared),
            Some(same_role),
            Some(backend),
        ] = columns
        else {
            return Err(wrong("its answer does not have the six columns of a scrub"));
        };
        if *echo != nonce.as_str() {
            return Err(wrong("its answer belongs to another message"));
        }
        if *hijacked != "0" {
            return Err(wrong(
                "SQL prepared a statement of its own, which may stand in the place of the driver's",
            ));
        }
        if *same_role != "true" {
            return Err(wrong("the role is not the login's"));
        }
        let prepared = prepared
            .parse()
            .map_err(|_| wrong("its answer holds no count"))?;
        let backend = backend
            .parse()
            .map_err(|_| wrong("its answer does not say which backend gave it"))?;
        Ok(Self {
            challenge: Challenge::parse(challenge)?,
            prepared,
            backend,
        })
    }

    /// How many statements the driver has prepared on this connection, by the server's count.
    /// Fewer than the driver's own count means that SQL deallocated one.
    pub fn prepared(&self) -> u64 {
        self.prepared
    }

    /// The process id of the server process that answered.
    pub fn backend(&self) -> i32 {
        self.backend
    }

    /// The challenge for the next `enter`.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// The challenge for the next `enter`.
    pub fn into_challenge(self) -> Challenge {
        self.challenge
    }
}
