//! What a database's URL says of itself.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Mysql,
    Sqlite,
}

impl Dialect {
    /// By the URL's scheme.
    pub(crate) fn of(url: &str) -> Option<Self> {
        match url.split(':').next()? {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::Mysql),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MariaDB",
            Self::Sqlite => "SQLite",
        }
    }
}

/// Whether a password stands in it, or may: too often rather than too seldom.
pub(crate) fn holds_password(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let user = after_scheme.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) || url.to_ascii_lowercase().contains("password")
}

/// The characters that mean something else in a URL's path.
const PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// A relative file of `SQLite`, from this folder on. `None`: the folder's name is not UTF-8.
pub(crate) fn from_folder(url: &str, folder: &Path) -> Option<String> {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return Some(url.to_owned());
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    if rest.starts_with(['/', ':', '?']) || rest.is_empty() {
        return Some(url.to_owned());
    }
    let folder = utf8_percent_encode(folder.to_str()?, PATH);
    Some(format!("sqlite://{folder}/{rest}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{from_folder, holds_password};

    #[test]
    fn a_password_is_seen() {
        for url in [
            "postgres://u:p@h/d",
            "postgres://u:@h/d",
            "mysql://u:a@b@h/d",
            "postgres://u:p/w@h/d",
            "postgres://h/d?user=u&password=p",
            "postgres://h/d?PASSWORD=p",
            "u:p@h",
        ] {
            assert!(holds_password(url), "{url}");
        }
        for url in [
            "postgres://u@h:5432/d",
            "postgres://h/d?sslmode=require",
            "sqlite://base.db",
            "mysql://h:3306/d",
        ] {
            assert!(!holds_password(url), "{url}");
        }
    }

    #[test]
    fn a_relative_file_starts_at_the_folder() {
        let folder = Path::new("/a b/50%?#");
        for (url, whole) in [
            ("sqlite://base.db", "sqlite:///a b/50%25%3F%23/base.db"),
            (
                "sqlite:x/base.db?mode=rwc",
                "sqlite:///a b/50%25%3F%23/x/base.db?mode=rwc",
            ),
            ("sqlite:///abs.db", "sqlite:///abs.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://h/d", "postgres://h/d"),
        ] {
            assert_eq!(from_folder(url, folder).as_deref(), Some(whole), "{url}");
        }
    }
}
