//! Cleaning a connection between two scopes, in one message.
//!
//! Injected SQL can leave settings, a role, a temporary table, cursors, listeners, advisory
//! locks, the random seed or a hijacked prepared statement behind. The scrub takes them away,
//! ends the scope, and answers with what must be compared: an answer that is missing, late or
//! different means that the connection is dropped. Never queue a statement behind a scrub.

use std::fmt;

use tenancy_core::TenantId;

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
/// `DEALLOCATE ALL` that would cost the driver its prepared statements. `ROLLBACK` and
/// `READ WRITE` come first, or a hostile `default_transaction_read_only` would keep the scope alive.
const STATEMENTS: &str = "ROLLBACK; \
SET TRANSACTION READ WRITE; \
CLOSE ALL; \
SET SESSION AUTHORIZATION DEFAULT; \
RESET ROLE; \
RESET ALL; \
UNLISTEN *; \
DISCARD TEMP";

/// A new random seed, or the next tenant's `random()` could be foretold. The server draws it: a text
/// that changed with each scrub would be one more statement to a driver that keeps them prepared.
pub(crate) const SEED: &str = "pg_catalog.setseed((pg_catalog.uuid_hash_extended(pg_catalog.gen_random_uuid(), 0)::pg_catalog.float8) OPERATOR(pg_catalog./) 9223372036854775808::pg_catalog.float8)";

/// The whole scrub, to be sent as one simple message. Its last row is for [`ScrubAnswer`].
///
/// What a function may do (the locks, the seed, the sequences, `leave()`, and looking at the prepared
/// statements) is done by one, whose plans are kept: planned anew in each message it costs twice as
/// much as all the rest.
pub fn scrub_sql(nonce: &Nonce) -> String {
    format!("{STATEMENTS}; SELECT tenancy.scrub('{nonce}'::pg_catalog.text, current_user)")
}

/// The same for a login that has no scope to leave, and no right to: the central role, or one
/// tenant's. All its rows are for [`read_unscoped`].
///
/// There may be no function to do it. What is planned anew in each message is written so that there
/// is little to plan: counting them in SQL would nearly double its price.
pub fn unscoped_scrub_sql(nonce: &Nonce) -> String {
    format!(
        "{STATEMENTS}; DISCARD SEQUENCES; \
         SELECT p.from_sql FROM pg_catalog.pg_prepared_statement() AS p; \
         SELECT '{nonce}'::pg_catalog.text, session_user, current_user, pg_catalog.pg_backend_pid(), \
         pg_catalog.pg_advisory_unlock_all(), {SEED}"
    )
}

/// A scrub that keeps the scope of a session open, for the same tenant's next: in one message, too,
/// and its last row is for [`read_stay`]. What `currval` and `lastval` say of the tenant's own
/// sequences stays as well.
pub fn stay_sql(nonce: &Nonce) -> String {
    format!("{STATEMENTS}; SELECT tenancy.stay('{nonce}'::pg_catalog.text, current_user)")
}

/// What a scrub says of the connection, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many statements the driver has prepared on this connection, by the server's count.
    /// Fewer than the driver's own count means that SQL deallocated one.
    pub prepared: u64,
    /// The process id of the server process that answered.
    pub backend: i32,
}

impl Seen {
    /// Checks the last row of a scrub: one text of six words, of which the first is given back.
    fn read<'a>(columns: &[Option<&'a str>], nonce: &Nonce) -> Result<(&'a str, Self), Error> {
        let [Some(answer)] = columns else {
            return Err(wrong("its answer is not the one text of a scrub"));
        };
        let words: Vec<&str> = answer.split(' ').collect();
        let [first, echo, hijacked, prepared, same_role, backend] = words.as_slice() else {
            return Err(wrong("its answer does not have the six words of a scrub"));
        };
        if *echo != nonce.as_str() {
            return Err(wrong(ANOTHERS));
        }
        if *hijacked != "0" {
            return Err(wrong(HIJACKED));
        }
        if *same_role != "t" {
            return Err(wrong(ROLE));
        }
        let prepared = prepared
            .parse()
            .map_err(|_| wrong("its answer holds no count"))?;
        let backend = backend.parse().map_err(|_| wrong(BACKEND))?;
        Ok((first, Self { prepared, backend }))
    }
}

const ANOTHERS: &str = "its answer belongs to another message";
const HIJACKED: &str =
    "SQL prepared a statement of its own, which may stand in the place of the driver's";
const ROLE: &str = "the role is not the login's";
const BACKEND: &str = "its answer does not say which backend gave it";

fn wrong(reason: &'static str) -> Error {
    Error::Scrub { reason }
}

/// The last row of a scrub, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubAnswer {
    challenge: Challenge,
    seen: Seen,
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
        let (challenge, seen) = Seen::read(columns, nonce)?;
        Ok(Self {
            challenge: Challenge::parse(challenge)?,
            seen,
        })
    }

    /// What it says of the connection.
    pub fn seen(&self) -> Seen {
        self.seen
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

/// Checks the last row of a [`stay_sql`], and that it is this tenant's scope which is open.
///
/// # Errors
/// As [`ScrubAnswer::read`]; [`Error::Scrub`] too where the scope is another's.
pub fn read_stay(
    columns: &[Option<&str>],
    nonce: &Nonce,
    tenant: &TenantId,
) -> Result<Seen, Error> {
    let (open, seen) = Seen::read(columns, nonce)?;
    if open == tenant.as_str() {
        return Ok(seen);
    }
    Err(wrong(
        "the scope that is open is not the one that was opened",
    ))
}

/// Checks the rows of an [`unscoped_scrub_sql`]: for each prepared statement whether SQL prepared it,
/// and a last one.
///
/// # Errors
/// As [`ScrubAnswer::read`].
pub fn read_unscoped(rows: &[Vec<Option<String>>], nonce: &Nonce) -> Result<Seen, Error> {
    let Some((last, statements)) = rows.split_last() else {
        return Err(wrong("it has no answer"));
    };
    let last: Vec<_> = last.iter().map(Option::as_deref).collect();
    let [Some(echo), login, role, Some(backend), ..] = last.as_slice() else {
        return Err(wrong("its answer does not have the columns of a scrub"));
    };
    if *echo != nonce.as_str() {
        return Err(wrong(ANOTHERS));
    }
    let of_the_driver =
        |row: &Vec<Option<String>>| matches!(row.as_slice(), [Some(by_sql)] if by_sql == "f");
    if !statements.iter().all(of_the_driver) {
        return Err(wrong(HIJACKED));
    }
    if login.is_none() || login != role {
        return Err(wrong(ROLE));
    }
    Ok(Seen {
        prepared: statements.len() as u64,
        backend: backend.parse().map_err(|_| wrong(BACKEND))?,
    })
}
