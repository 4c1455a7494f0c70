//! What a database said of a script, as far as it is safe to show.
//!
//! An operator must be able to mend the script; a message may quote a row. So what is shown is the
//! code, names of the schema (tables, columns, constraints), and the line. The message itself is
//! shown where it can hold names of the script's own alone: on PostgreSQL for class 42 (syntax, and
//! what is there already or missing) unless a function raised it, and for its like elsewhere. The
//! detail, the hint and the context never are.

use std::fmt;

use super::Fault;

/// What a database said of a script, as far as it is safe to show: a code, names, and the line.
/// No row, no value, and none of the script's text.
#[derive(Clone, PartialEq, Eq)]
pub struct ScriptFault {
    pub(crate) fault: Fault,
    words: Option<String>,
    line: Option<usize>,
}

impl ScriptFault {
    /// What went wrong, and its code.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Names of tables, columns or constraints, or a message that holds such names alone.
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// The line of the script, where the database says it.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// In a message that has so many lines before the script.
    #[cfg(feature = "postgres")]
    pub(crate) fn below(self, lines: usize) -> Self {
        let line = self.line.and_then(|line| line.checked_sub(lines));
        Self {
            line: line.filter(|line| *line > 0),
            ..self
        }
    }

    /// Without its line, which is none of the script's.
    pub(crate) fn nowhere(self) -> Self {
        Self { line: None, ..self }
    }
}

impl From<Fault> for ScriptFault {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            words: None,
            line: None,
        }
    }
}

impl fmt::Display for ScriptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)?;
        if let Some(words) = &self.words {
            write!(f, ": {words}")?;
        }
        match self.line {
            Some(line) => write!(f, ", line {line}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ScriptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptFault")
            .field("fault", &self.fault)
            .field("words", &self.words)
            .field("line", &self.line)
            .finish()
    }
}

/// What a script's error says.
pub(crate) fn said(error: sqlx::Error, script: &str) -> ScriptFault {
    let (words, line) = match &error {
        sqlx::Error::Database(error) => read(error.as_ref(), script),
        _ => (None, None),
    };
    ScriptFault {
        fault: super::fault(error),
        words: words.as_deref().map(tame),
        line,
    }
}

/// On one line, and not endless.
fn tame(words: &str) -> String {
    const MOST: usize = 200;
    words
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each })
        .take(MOST)
        .collect()
}

fn read(error: &dyn sqlx::error::DatabaseError, script: &str) -> (Option<String>, Option<usize>) {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return super::postgres::said(error, script);
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return super::mysql::said(error);
    }
    #[cfg(feature = "sqlite")]
    if let Some(error) = error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        return super::sqlite::said(error);
    }
    let _ = script;
    (None, None)
}
