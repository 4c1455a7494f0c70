//! What a command says: its result on standard output, as text or as one JSON document; everything
//! else on standard error.

mod plain;
mod redact;
mod table;
mod time;

use std::io::{self, Write};

use serde::Serialize;

pub(crate) use plain::plain;
pub(crate) use redact::{looks_like_a_key, redact};
pub(crate) use table::table;
pub(crate) use time::{day, digits, rfc3339};

/// A command's result. Its JSON form is documented and stable: fields are added, and never changed.
pub(crate) trait Report: Serialize {
    /// The same for people.
    fn text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// The result on standard output.
    pub(crate) fn report(self, report: &impl Report) -> io::Result<()> {
        let mut out = io::BufWriter::new(anstream::stdout());
        if self.json {
            write_json(&mut out, report)?;
        } else {
            report.text(&mut out)?;
        }
        out.flush()
    }

    /// Why nothing came of it: a JSON document on standard output, or a line on standard error.
    pub(crate) fn error(self, code: &str, message: &str) {
        let message = redact(message);
        if self.json {
            let error = Failure {
                error: Said {
                    code,
                    message: &message,
                },
            };
            let mut out = anstream::stdout();
            let _ = write_json(&mut out, &error).and_then(|()| out.flush());
        } else {
            note(&format!("error: {message}"));
        }
    }
}

/// A message for people, on standard error.
pub(crate) fn note(message: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(anstream::stderr(), "{}", redact(message));
}

/// A failure as it stands in JSON, also for one tenant of several.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Said<'a> {
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
}

#[derive(Serialize)]
struct Failure<'a> {
    error: Said<'a>,
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)
}
