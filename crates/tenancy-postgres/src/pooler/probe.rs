use super::begin::not_reset;
use crate::Error;
use crate::scrub::Nonce;

/// Sees whether the pooler resets a server connection between two transactions of one client.
///
/// It asks nobody: it leaves a setting, a prepared statement, a cursor, a listener and a lock behind
/// in one transaction, and looks for them in the next. Run it for a pool's first connection and
/// whenever the configuration may have changed; between, [`begin_sql`](super::begin_sql) keeps
/// looking in every transaction.
///
/// 1. Send [`plant_sql`](Self::plant_sql) as one simple message; keep its last row's text.
/// 2. Send [`look_sql`](Self::look_sql) as one simple message; [`judge`](Self::judge) its one row.
/// 3. [`Probed::OtherConnection`] shows nothing: try again with a new probe, a bounded number of
///    times, and end in [`unseen`].
///
/// It refuses a pooler in session mode, and a server without one, too: nothing resets a connection
/// between two transactions there.
#[derive(Debug, Clone)]
pub struct Probe(Nonce);

/// What a probe has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// The server connection was reset.
    Reset,
    /// The second transaction ran on another server connection.
    OtherConnection,
}

impl Probe {
    /// A fresh one.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system's random source fails.
    pub fn random() -> Result<Self, Error> {
        Nonce::random().map(Self)
    }

    /// A transaction that leaves things behind: harmless ones, which a pooler that doesn't reset keeps
    /// until it closes that server connection. Its last row is one text, for [`judge`](Self::judge).
    pub fn plant_sql(&self) -> String {
        let Self(nonce) = self;
        format!(
            "BEGIN READ WRITE; \
             PREPARE tenancy_{nonce} AS SELECT 1; \
             DECLARE tenancy_{nonce} CURSOR WITH HOLD FOR SELECT 1; \
             LISTEN tenancy_{nonce}; \
             SELECT pg_catalog.pg_advisory_lock_shared({key}), pg_catalog.set_config('tenancy.probe', '{nonce}', false); \
             SELECT pg_catalog.pg_backend_pid()::pg_catalog.text; \
             COMMIT",
            key = self.key(),
        )
    }

    /// A transaction that looks for them. Its one row has six texts.
    pub fn look_sql(&self) -> String {
        let Self(nonce) = self;
        format!(
            "BEGIN READ WRITE; \
             SELECT pg_catalog.pg_backend_pid()::pg_catalog.text, \
             pg_catalog.current_setting('tenancy.probe', true), \
             (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_statements AS p WHERE p.name OPERATOR(pg_catalog.=) 'tenancy_{nonce}')::pg_catalog.text, \
             (SELECT pg_catalog.count(*) FROM pg_catalog.pg_cursors AS c WHERE c.name OPERATOR(pg_catalog.=) 'tenancy_{nonce}')::pg_catalog.text, \
             (SELECT pg_catalog.count(*) FROM pg_catalog.pg_listening_channels() AS l(channel) WHERE l.channel OPERATOR(pg_catalog.=) 'tenancy_{nonce}')::pg_catalog.text, \
             (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks AS k WHERE k.locktype OPERATOR(pg_catalog.=) 'advisory' \
             AND k.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())::pg_catalog.text; \
             COMMIT"
        )
    }

    /// Judges what the two answered: the text of [`plant_sql`](Self::plant_sql), and the columns of
    /// [`look_sql`](Self::look_sql).
    ///
    /// # Errors
    /// [`Error::Pooler`] when something is left, with what: don't serve.
    pub fn judge(&self, planted: &str, columns: &[Option<&str>]) -> Result<Probed, Error> {
        let [
            Some(pid),
            setting,
            Some(prepared),
            Some(cursors),
            Some(channels),
            Some(locks),
        ] = columns
        else {
            return Err(Error::Scrub {
                reason: "its answer does not have the columns of a probe",
            });
        };
        if *pid != planted {
            return Ok(Probed::OtherConnection);
        }
        let left = [
            (
                "settings",
                setting.is_some_and(|setting| !setting.is_empty()),
            ),
            ("prepared statements", *prepared != "0"),
            ("cursors", *cursors != "0"),
            ("listeners", *channels != "0"),
            ("advisory locks", *locks != "0"),
        ];
        let left: Vec<&str> = left
            .into_iter()
            .filter_map(|(what, is_left)| is_left.then_some(what))
            .collect();
        if left.is_empty() {
            Ok(Probed::Reset)
        } else {
            Err(not_reset(&left.join(", ")))
        }
    }

    /// A lock that no application takes by chance.
    fn key(&self) -> i64 {
        // 15 digits of hexadecimal are below 2^60.
        i64::from_str_radix(&self.0.as_str()[..15], 16).unwrap_or(i64::MAX)
    }
}

/// The end of probes that never met their server connection again: what can't be seen to hold is
/// refused.
pub fn unseen() -> Error {
    Error::Pooler {
        found: "it never gave the same server connection twice, so it was not seen that it resets one between transactions".to_owned(),
        mend: "Connect while the pooler is less busy, or allow fewer server connections for this login",
    }
}
