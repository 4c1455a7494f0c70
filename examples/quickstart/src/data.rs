//! The data file: tenants, their tokens and their notes. Read and checked whole before anything
//! is provisioned.

mod places;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::error::Category;
use tenancy::TenantId;

use crate::service::Note;
use places::Step::{self, Index, Key};

const BUILT_IN: &str = include_str!("../data.json");

/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 20;
const MAX_TENANTS: usize = 100;
const MAX_TITLE: usize = 200;
/// The service numbers its own notes from here on.
pub(crate) const FIRST_OWN_NOTE: i64 = 1_000_000;

/// What the service is filled with: at least two active tenants.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    /// Where it came from, to be shown.
    pub(crate) origin: String,
    /// In the order of the file.
    pub(crate) tenants: Vec<TenantData>,
}

/// One tenant of the data file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantData {
    /// Its id, and its subdomain.
    pub(crate) id: TenantId,
    /// Whether it is served.
    #[serde(default)]
    pub(crate) status: Status,
    /// What its members show to prove who they are.
    pub(crate) token: String,
    /// What it starts with.
    pub(crate) notes: Vec<Note>,
}

/// Whether a tenant is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It is.
    #[default]
    Active,
    /// It is not, and looks from outside as if it did not exist.
    Suspended,
}

/// Why a data file was refused. Nothing of it was used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    /// The file could not be read.
    #[error("{}: it can't be read, so nothing was loaded: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is larger than any sensible one.
    #[error("{}: it is larger than {MAX_BYTES} bytes, so nothing was loaded: use a smaller file", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// Something in the file is not as it must be.
    #[error("{file}:{line}:{column}: {path}{what}")]
    Wrong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The way to the value, such as `tenants[1].id: `.
        path: String,
        /// What is wrong, and what to do.
        what: String,
    },
}

impl Data {
    /// Reads and checks `file`, or what is built in.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, DataError> {
        match file {
            None => Self::parse("built in (examples/quickstart/data.json)", BUILT_IN),
            Some(file) => {
                let origin = file.display().to_string();
                let bytes = read(file)?;
                match std::str::from_utf8(&bytes) {
                    Ok(text) => Self::parse(&origin, text),
                    Err(error) => {
                        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                        let text = Text {
                            origin: &origin,
                            text: &valid,
                        };
                        Err(text.wrong_at(valid.len(), "", "this is not UTF-8: save it as UTF-8"))
                    }
                }
            }
        }
    }

    fn parse(origin: &str, text: &str) -> Result<Self, DataError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Document {
            tenants: Vec<TenantData>,
        }
        let text = Text { origin, text };
        let Document { tenants } = serde_json::from_str(text.text).map_err(|e| text.refused(&e))?;
        text.check(&tenants)?;
        Ok(Self {
            origin: origin.to_owned(),
            tenants,
        })
    }

    /// The tenants that are served.
    pub(crate) fn active(&self) -> impl Iterator<Item = &TenantData> {
        self.tenants
            .iter()
            .filter(|tenant| tenant.status == Status::Active)
    }

    /// The tenants that are known, and not served.
    pub(crate) fn suspended(&self) -> impl Iterator<Item = &TenantData> {
        self.tenants
            .iter()
            .filter(|tenant| tenant.status == Status::Suspended)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| DataError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DataError::TooLarge {
            file: file.to_owned(),
        });
    }
    Ok(bytes)
}

/// A file's text, to point into.
struct Text<'a> {
    origin: &'a str,
    text: &'a str,
}

impl Text<'_> {
    /// What the parser refused: a fault of the JSON stands where the parser stopped, a fault of
    /// the data where the value begins.
    fn refused(&self, error: &serde_json::Error) -> DataError {
        let lines = self
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1));
        let read = (lines.map(str::len).sum::<usize>() + error.column()).min(self.text.len());
        let (path, begun) = places::begun_at(self.text, read);
        let what = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = what.strip_suffix(&place).unwrap_or(&what);
        let offset = match error.classify() {
            Category::Data => begun,
            Category::Eof => self.text.len(),
            Category::Syntax | Category::Io => read.saturating_sub(1),
        };
        self.wrong_at(offset, &path.to_string(), what)
    }

    /// What no single value tells.
    fn check(&self, tenants: &[TenantData]) -> Result<(), DataError> {
        let (mut ids, mut tokens) = (HashMap::new(), HashMap::new());
        for (number, tenant) in tenants.iter().enumerate() {
            let at = |field| [Key("tenants"), Index(number), Key(field)];
            if let Err(what) = subdomain(&tenant.id) {
                return Err(self.wrong(&at("id"), what));
            }
            if let Some(first) = ids.insert(&tenant.id, number) {
                return Err(self.wrong(
                    &at("id"),
                    &format!(
                        "{} is tenants[{first}] already: give each tenant an id of its own",
                        tenant.id
                    ),
                ));
            }
            // What RFC 6750 allows in a bearer token.
            let plain = tenant
                .token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
            if !plain || !(8..=128).contains(&tenant.token.len()) {
                let what = "a token has 8 to 128 characters of a-z A-Z 0-9 - . _ ~ + / =";
                return Err(self.wrong(&at("token"), what));
            }
            if let Some(first) = tokens.insert(tenant.token.as_str(), number) {
                let what = format!(
                    "this is the token of tenants[{first}] already: a token tells who asks"
                );
                return Err(self.wrong(&at("token"), &what));
            }
            self.check_notes(number, &tenant.notes)?;
        }
        let active = tenants
            .iter()
            .filter(|tenant| tenant.status == Status::Active)
            .count();
        if active < 2 || tenants.len() > MAX_TENANTS {
            let what = format!(
                "there are {} tenants, {active} of them active: give at least two that are active, and at most {MAX_TENANTS}",
                tenants.len(),
            );
            return Err(self.wrong(&[Key("tenants")], &what));
        }
        self.check_players(tenants)
    }

    /// The first two active tenants are played against each other: a leak is seen by a title.
    fn check_players(&self, tenants: &[TenantData]) -> Result<(), DataError> {
        let active = tenants.iter().enumerate();
        let mut active = active.filter(|(_, tenant)| tenant.status == Status::Active);
        let (Some(one), Some(other)) = (active.next(), active.next()) else {
            return Ok(());
        };
        for ((number, tenant), (_, rival)) in [(one, other), (other, one)] {
            let titles: HashSet<&str> = rival.notes.iter().map(|note| &*note.title).collect();
            if tenant
                .notes
                .iter()
                .all(|note| titles.contains(&*note.title))
            {
                let what = format!(
                    "{0} needs a note whose title {1} has not: it is what the attacks look for",
                    tenant.id, rival.id,
                );
                return Err(self.wrong(&[Key("tenants"), Index(number), Key("notes")], &what));
            }
        }
        Ok(())
    }

    fn check_notes(&self, tenant: usize, notes: &[Note]) -> Result<(), DataError> {
        let mut ids = HashMap::new();
        for (number, note) in notes.iter().enumerate() {
            let at = |field| {
                [
                    Key("tenants"),
                    Index(tenant),
                    Key("notes"),
                    Index(number),
                    Key(field),
                ]
            };
            if !(1..FIRST_OWN_NOTE - 1).contains(&note.id) {
                let what = format!("a note's id is 1 to {}", FIRST_OWN_NOTE - 2);
                return Err(self.wrong(&at("id"), &what));
            }
            if let Some(first) = ids.insert(note.id, number) {
                let what = format!(
                    "{} is notes[{first}] of this tenant already: ids repeat between tenants, not within one",
                    note.id,
                );
                return Err(self.wrong(&at("id"), &what));
            }
            let length = note.title.chars().count();
            if note.title.trim().is_empty() || length > MAX_TITLE {
                let what = format!(
                    "a title has 1 to {MAX_TITLE} characters, and this one has {length} (spaces alone are none)"
                );
                return Err(self.wrong(&at("title"), &what));
            }
            if note.title.chars().any(char::is_control) {
                return Err(self.wrong(&at("title"), "a title holds no control characters"));
            }
        }
        Ok(())
    }

    fn wrong(&self, path: &[Step<'_>], what: &str) -> DataError {
        let offset = places::offset_of(self.text, path);
        self.wrong_at(offset, &places::Path(path.to_vec()).to_string(), what)
    }

    fn wrong_at(&self, offset: usize, path: &str, what: &str) -> DataError {
        let (line, column) = places::line_and_column(self.text, offset);
        let path = if path.is_empty() {
            String::new()
        } else {
            format!("{path}: ")
        };
        let what = what.to_owned();
        DataError::Wrong {
            file: self.origin.to_owned(),
            line,
            column,
            path,
            what,
        }
    }
}

/// Every tenant is asked for by its subdomain here, and host names know fewer characters than ids.
fn subdomain(id: &TenantId) -> Result<(), &'static str> {
    if id.as_str().contains('_') || id.as_str().starts_with("xn--") {
        return Err("this id can't be a subdomain: use a-z, 0-9 and -, and no xn-- in front");
    }
    Ok(())
}
