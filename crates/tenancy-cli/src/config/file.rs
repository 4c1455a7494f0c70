//! `tenancy.toml`: finding and reading it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{ConfigError, Setting};

pub(crate) const NAME: &str = "tenancy.toml";

/// What the file says, with the line of each setting.
pub(crate) struct File {
    path: PathBuf,
    values: Vec<(Setting, String, usize)>,
}

impl File {
    /// The file that was named, or the first one from this folder upward. `None`: there is none.
    pub(crate) fn find(named: Option<&Path>) -> Result<Option<Self>, ConfigError> {
        if let Some(path) = named {
            return Self::read(absolute(path)?).map(Some);
        }
        let here = absolute(Path::new("."))?;
        let found = here.ancestors().map(|folder| folder.join(NAME));
        let mut found = found.filter(|path| path.is_file());
        found.next().map(Self::read).transpose()
    }

    fn read(path: PathBuf) -> Result<Self, ConfigError> {
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => Err(ConfigError::Read {
                path,
                kind: error.kind(),
            }),
        }
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, ConfigError> {
        let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        // Never the parser's own picture of the place: a password may stand in that line.
        let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            path: path.clone(),
            line: error.span().map_or(1, |span| line(span.start)),
            message: error.message().to_owned(),
        })?;
        let origin = |at: usize| format!("{}:{}", path.display(), line(at));
        let mut values = Vec::new();
        for (section, content) in table.get_ref() {
            let name: &str = section.get_ref();
            let unknown = |at: usize, key: Option<&str>| ConfigError::Unknown {
                origin: origin(at),
                name: key.map_or(name.to_owned(), |key| format!("{name}.{key}")),
                hint: Setting::hint(name, key),
            };
            let DeValue::Table(content) = content.get_ref() else {
                return Err(unknown(section.span().start, None));
            };
            if !Setting::is_section(name) {
                return Err(unknown(section.span().start, None));
            }
            for (key, value) in content {
                let at = key.span().start;
                let setting = Setting::named(name, key.get_ref())
                    .ok_or_else(|| unknown(at, Some(key.get_ref())))?;
                let text = match value.get_ref() {
                    DeValue::String(text) => text.to_string(),
                    DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
                    _ => {
                        return Err(ConfigError::Type {
                            origin: origin(at),
                            name: setting.name(),
                        });
                    }
                };
                values.push((setting, text, line(at)));
            }
        }
        Ok(Self { path, values })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What relative paths in it start from.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// A setting as it is written, and where.
    pub(crate) fn value(&self, setting: Setting) -> Option<(&str, String)> {
        let mut own = self.values.iter().filter(|(own, ..)| *own == setting);
        let (_, text, line) = own.next()?;
        Some((text, format!("{}:{line}", self.path.display())))
    }
}

fn absolute(path: &Path) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path).map_err(|error: io::Error| ConfigError::Read {
        path: path.to_owned(),
        kind: error.kind(),
    })
}
