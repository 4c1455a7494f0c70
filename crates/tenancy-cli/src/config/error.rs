//! Why the configuration can't be used.

use std::io;
use std::path::PathBuf;

use super::expand::Unexpanded;

/// Why the configuration can't be used. No variant holds a setting's value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file that was named can't be read.
    #[error("the configuration {} can't be read ({kind}): name a file that can, with --config", path.display())]
    Read { path: PathBuf, kind: io::ErrorKind },
    /// It is no TOML.
    #[error("{}:{line}: this is no TOML: {message}", path.display())]
    Syntax {
        path: PathBuf,
        line: usize,
        message: String,
    },
    /// It has a key or a section that is none.
    #[error("{origin}: there is no setting `{name}`: {hint}")]
    Unknown {
        origin: String,
        name: String,
        hint: String,
    },
    /// It has something else than a text or a number.
    #[error("{origin}: `{name}` is no text and no whole number: write it between quotes")]
    Type { origin: String, name: String },
    /// A `--set` is not of its form.
    #[error("--set takes SECTION.KEY=VALUE, as in --set tenants.pending=3")]
    Set,
    /// A secret was given as an argument.
    #[error(
        "{what} was given on the command line, which every user of this machine can read, so it was not used: {instead}; consider it known, and change it"
    )]
    SecretArgument {
        what: &'static str,
        instead: &'static str,
    },
    /// A variable in a value is missing, or its `$` is none.
    #[error("{origin}: `{name}`: {source}")]
    Expand {
        origin: String,
        name: String,
        source: Unexpanded,
    },
    /// A setting that this command needs is not there.
    #[error("`{name}` is not set, and this command needs it: {what}")]
    Missing { name: String, what: &'static str },
    /// A setting's value is none that it can have.
    #[error("{origin}: `{name}` {reason}")]
    Invalid {
        origin: String,
        name: String,
        reason: String,
    },
}

impl ConfigError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "config.read",
            Self::Syntax { .. } => "config.syntax",
            Self::Unknown { .. } => "config.unknown",
            Self::Type { .. } => "config.type",
            Self::Set => "config.set",
            Self::SecretArgument { .. } => "config.secret_argument",
            Self::Expand { .. } => "config.expand",
            Self::Missing { .. } => "config.missing",
            Self::Invalid { .. } => "config.invalid",
        }
    }
}
