//! The configuration: flags before the environment, the environment before `tenancy.toml`.
//!
//! A value is looked at when a command needs it: a variable that is not set stops nobody who can
//! do without it. What the file may say at all is checked when it is read.

mod error;
mod expand;
mod file;
mod setting;
mod url;

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::Strategy;
use tenancy_fleet::secrets::{Keyring, SecretsError};

pub(crate) use error::ConfigError;
pub(crate) use file::NAME;
pub(crate) use setting::Setting;
pub(crate) use url::{Dialect, holds_password};

use file::File;

/// Whose tables, files and folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Side {
    /// The base database.
    Base,
    /// The tenants' own places.
    Tenants,
}

/// All layers of the configuration.
#[derive(Default)]
pub(crate) struct Config {
    file: Option<File>,
    flags: Vec<(Setting, String)>,
}

/// A setting's value, and where it was found.
struct Value {
    text: String,
    origin: String,
    /// What a relative path starts from.
    folder: PathBuf,
}

impl Config {
    /// Reads `tenancy.toml`, if there is one, below these flags.
    pub(crate) fn load(
        named: Option<&Path>,
        flags: Vec<(Setting, String)>,
    ) -> Result<Self, ConfigError> {
        for (setting, value) in &flags {
            refuse_secret(*setting, value)?;
        }
        let variable = std::env::var_os("TENANCY_CONFIG").map(PathBuf::from);
        Ok(Self {
            file: File::find(named.or(variable.as_deref()))?,
            flags,
        })
    }

    /// The file it was read from.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(File::path)
    }

    /// The setting as the file has it, before variables are put in.
    pub(crate) fn written(&self, setting: Setting) -> Option<&str> {
        let value = self.file.as_ref()?.value(setting);
        value.map(|(text, _)| text)
    }

    /// The first of flag, environment and file that says something. An empty variable says nothing.
    fn value(&self, setting: Setting) -> Result<Option<Value>, ConfigError> {
        let flag = self.flags.iter().rfind(|(own, _)| *own == setting);
        if let Some((_, text)) = flag {
            return Ok(Some(Value {
                text: text.clone(),
                origin: "the command line".to_owned(),
                folder: PathBuf::new(),
            }));
        }
        let variable = setting.variable();
        if let Some(text) = std::env::var_os(&variable).filter(|text| !text.is_empty()) {
            let origin = format!("the variable {variable}");
            let text = text.into_string().map_err(|_| ConfigError::Invalid {
                origin: origin.clone(),
                name: setting.name(),
                reason: "is not UTF-8: set it anew".to_owned(),
            })?;
            return Ok(Some(Value {
                text,
                origin,
                folder: PathBuf::new(),
            }));
        }
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let Some((text, origin)) = file.value(setting) else {
            return Ok(None);
        };
        let expanded = expand::expand(text, |name| std::env::var(name).ok());
        let text = expanded.map_err(|source| ConfigError::Expand {
            origin: origin.clone(),
            name: setting.name(),
            source,
        })?;
        Ok(Some(Value {
            text,
            origin,
            folder: file.folder().to_owned(),
        }))
    }

    /// A setting as text.
    pub(crate) fn text(&self, setting: Setting) -> Result<Option<String>, ConfigError> {
        Ok(self.value(setting)?.map(|value| value.text))
    }

    /// A setting read as `T`.
    fn parsed<T>(
        &self,
        setting: Setting,
        parse: impl FnOnce(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.value(setting)? else {
            return Ok(None);
        };
        let parsed = parse(&value.text).ok_or_else(|| invalid(setting, value.origin, expected))?;
        Ok(Some(parsed))
    }

    pub(crate) fn number(&self, setting: Setting) -> Result<Option<u32>, ConfigError> {
        self.parsed(setting, |text| text.parse().ok(), "is no whole number")
    }

    pub(crate) fn duration(&self, setting: Setting) -> Result<Option<Duration>, ConfigError> {
        let parse = |text: &str| humantime::parse_duration(text).ok();
        self.parsed(setting, parse, "is no time: write 5s, 10m or 1h")
    }

    /// A file or folder; relative ones in `tenancy.toml` start from where it lies.
    pub(crate) fn path_of(&self, setting: Setting) -> Result<Option<PathBuf>, ConfigError> {
        let value = self.value(setting)?;
        Ok(value.map(|value| value.folder.join(&value.text)))
    }

    /// The same, from the file's folder on where it is not set.
    pub(crate) fn path_or(&self, setting: Setting, default: &str) -> Result<PathBuf, ConfigError> {
        let folder = self.file.as_ref().map_or(Path::new(""), File::folder);
        Ok(self
            .path_of(setting)?
            .unwrap_or_else(|| folder.join(default)))
    }

    /// The URL of the base database.
    pub(crate) fn base_url(&self) -> Result<SecretString, ConfigError> {
        self.url(Setting::BASE_URL)?
            .ok_or_else(|| ConfigError::Missing {
                name: Setting::BASE_URL.name(),
                what: "name the base database in tenancy.toml, as in [base] url = \"sqlite://base.db\", or in TENANCY_BASE_URL",
            })
    }

    /// The administrator's URL of the tenants' server: the base's, unless there is one of its own.
    pub(crate) fn tenants_url(&self) -> Result<SecretString, ConfigError> {
        match self.url(Setting::TENANTS_URL)? {
            Some(url) => Ok(url),
            None => self.base_url(),
        }
    }

    fn url(&self, setting: Setting) -> Result<Option<SecretString>, ConfigError> {
        let Some(value) = self.value(setting)? else {
            return Ok(None);
        };
        let expected = "starts with none of postgres://, mysql://, mariadb:// and sqlite://";
        if Dialect::of(&value.text).is_none() {
            return Err(invalid(setting, value.origin, expected));
        }
        let url = if value.folder.as_os_str().is_empty() {
            Some(value.text)
        } else {
            url::from_folder(&value.text, &value.folder)
        };
        let folder = "is relative to a folder whose name is not UTF-8: name the whole path";
        let url = url.ok_or_else(|| invalid(setting, value.origin, folder))?;
        Ok(Some(url.into()))
    }

    /// The database of that side.
    pub(crate) fn dialect(&self, side: Side) -> Result<Dialect, ConfigError> {
        let url = match side {
            Side::Base => self.base_url()?,
            Side::Tenants => self.tenants_url()?,
        };
        // A URL of another scheme was refused above.
        Ok(Dialect::of(url.expose_secret()).unwrap_or(Dialect::Sqlite))
    }

    /// How tenants are kept apart, unless one is created otherwise.
    pub(crate) fn strategy(&self) -> Result<Strategy, ConfigError> {
        let expected = "is none of database, schema and row";
        let strategy = self.parsed(Setting::STRATEGY, strategy, expected)?;
        Ok(strategy.unwrap_or(Strategy::DatabasePerTenant))
    }

    /// The keys that seal credentials. `None`: there are none, and none were named.
    pub(crate) fn keyring(&self) -> Result<Option<Keyring>, KeyringError> {
        const VARIABLE: &str = "TENANCY_KEY";
        let file = self.path_of(Setting::KEY_FILE)?;
        let variable = self.text(Setting::KEY_ENV)?;
        match (file, variable) {
            (Some(_), Some(_)) => Err(ConfigError::Invalid {
                origin: "the configuration".to_owned(),
                name: Setting::KEY_FILE.name(),
                reason: "is set beside `secrets.key_env`: name one of the two".to_owned(),
            }
            .into()),
            (Some(file), None) => Ok(Some(Keyring::from_file(file)?)),
            (None, Some(variable)) => Ok(Some(Keyring::from_env(&variable)?)),
            (None, None) if std::env::var_os(VARIABLE).is_some() => {
                Ok(Some(Keyring::from_env(VARIABLE)?))
            }
            (None, None) => Ok(None),
        }
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// `database`, `schema` or `row`.
pub(crate) fn strategy(word: &str) -> Option<Strategy> {
    match word {
        "database" => Some(Strategy::DatabasePerTenant),
        "schema" => Some(Strategy::SchemaPerTenant),
        "row" => Some(Strategy::RowLevel),
        _ => None,
    }
}

fn invalid(setting: Setting, origin: String, reason: &str) -> ConfigError {
    ConfigError::Invalid {
        origin,
        name: setting.name(),
        reason: reason.to_owned(),
    }
}

fn refuse_secret(setting: Setting, value: &str) -> Result<(), ConfigError> {
    let is_url = setting == Setting::BASE_URL || setting == Setting::TENANTS_URL;
    if is_url && holds_password(value) {
        return Err(ConfigError::SecretArgument {
            what: "a password in a URL",
            instead: "put the URL into TENANCY_BASE_URL or TENANCY_TENANTS_URL, or into tenancy.toml as ${NAME}",
        });
    }
    if crate::output::looks_like_a_key(value) {
        return Err(SECRET_KEY);
    }
    Ok(())
}

/// Said of a key among the arguments.
pub(crate) const SECRET_KEY: ConfigError = ConfigError::SecretArgument {
    what: "a key",
    instead: "put it into an environment variable (`secrets.key_env`) or a file of your own (`secrets.key_file`)",
};
