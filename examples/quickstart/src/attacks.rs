//! An attacker who can run any SQL in one tenant's scope, by way of a search that concatenates it
//! ([`careless`](crate::careless)), and who knows everything but the sealing key.

pub(crate) mod hole;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::client::Reply;
use crate::error::Error;
use crate::notes::Row;
use crate::show::Show;
use crate::stage::Side;

/// What goes into the search box.
pub(crate) struct Attack {
    /// What it is after.
    pub(crate) what: String,
    /// The text for the search box.
    pub(crate) text: String,
    /// How it has to end.
    pub(crate) end: End,
}

/// How an attack has to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// The database refuses it with this in its answer.
    Refused(&'static str),
    /// It runs, and reaches the attacker's own rows at most.
    OwnRows,
}

impl Attack {
    /// An attack that has to be refused with `answer`.
    pub(crate) fn refused(what: impl Into<String>, sql: &str, answer: &'static str) -> Self {
        Self {
            what: what.into(),
            text: injected(sql),
            end: End::Refused(answer),
        }
    }

    /// An attack that may run, and must reach nothing foreign.
    pub(crate) fn harmless(what: impl Into<String>, sql: &str) -> Self {
        Self {
            what: what.into(),
            text: injected(sql),
            end: End::OwnRows,
        }
    }

    /// Runs it as a member of `attacker`, against `victim`.
    pub(crate) async fn run(
        &self,
        show: &mut Show,
        attacker: &Side<'_>,
        victim: &Side<'_>,
    ) -> Result<(), Error> {
        let reply = attacker.client.search(&self.text).await?;
        let held = match self.end {
            End::Refused(answer) => reply.status.is_server_error() && reply.body.contains(answer),
            End::OwnRows => reply.status.is_success(),
        };
        show.check(&self.what, held && !shows_rows_of(&reply, victim, attacker));
        show.asked(format_args!("q = {}", self.text));
        show.answered(&reply);
        Ok(())
    }
}

/// Ends the search's own statement, and leaves its rest behind a comment.
fn injected(sql: &str) -> String {
    format!("nothing'; {sql}; --")
}

/// Whether any cell is the title of a note that the victim alone has.
pub(crate) fn shows_rows_of(reply: &Reply, victim: &Side<'_>, attacker: &Side<'_>) -> bool {
    let rows: Vec<Row> = reply.json().unwrap_or_default();
    rows.iter()
        .flatten()
        .flatten()
        .any(|cell| victim.alone_has(cell, attacker))
}

/// Whether everything is as before, for both.
pub(crate) async fn nothing_changed(
    show: &mut Show,
    attacker: &Side<'_>,
    victim: &Side<'_>,
) -> Result<(), Error> {
    for side in [victim, attacker] {
        let untouched = side.is_untouched().await?;
        show.check(
            format_args!("after all of this {} has the notes that it had", side.id()),
            untouched,
        );
    }
    Ok(())
}
