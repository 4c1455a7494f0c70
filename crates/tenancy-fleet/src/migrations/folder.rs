//! What `SQLx` reads in a folder of migrations, and what it would pass over without a word.

use std::path::{Path, PathBuf};

use super::SetError;
use super::set::MAX_SCRIPT;

/// Refuses a folder with something in it that looks like a migration, and is none.
pub(super) async fn check(folder: PathBuf) -> Result<(), SetError> {
    for (name, _) in scripts(folder).await? {
        let bad = |reason| SetError::Name {
            name: tame(&name),
            reason,
        };
        let version = name
            .split_once('_')
            .and_then(|(version, _)| version.parse::<i64>().ok());
        match version {
            None => {
                return Err(bad(
                    "it is named neither VERSION_NAME.sql nor VERSION_NAME.up.sql with VERSION_NAME.down.sql",
                ));
            }
            Some(version) if version <= 0 => return Err(bad("its version is not above zero")),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Names and texts of all files that end in `.sql`. What ends so and can't be read as text is
/// refused.
pub(crate) async fn scripts(folder: PathBuf) -> Result<Vec<(String, String)>, SetError> {
    // Reading a folder blocks.
    let read = tokio::task::spawn_blocking(move || read(&folder)).await;
    read.unwrap_or(Err(SetError::Changed))
}

fn read(folder: &Path) -> Result<Vec<(String, String)>, SetError> {
    let unreadable = |error: std::io::Error| SetError::Folder { kind: error.kind() };
    let mut scripts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default();
        let shown = name.to_string_lossy().into_owned();
        if !shown.to_ascii_lowercase().ends_with(".sql") {
            continue;
        }
        let bad = |reason| SetError::Name {
            name: tame(&shown),
            reason,
        };
        let name = name.to_str().ok_or(bad("its name is not UTF-8"))?;
        if name.strip_suffix(".sql").is_none() {
            return Err(bad("it does not end in .sql, in small letters"));
        }
        let found = std::fs::metadata(&path).map_err(|_| bad("it can't be read"))?;
        if !found.is_file() {
            return Err(bad("it is no file"));
        }
        if found.len() > MAX_SCRIPT {
            return Err(bad("it is larger than 16 MiB"));
        }
        let bytes = std::fs::read(&path).map_err(|_| bad("it can't be read"))?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| bad("it holds bytes that are not UTF-8"))?;
        if text.contains('\0') {
            return Err(bad("it holds a NUL byte, which no database takes"));
        }
        scripts.push((name.to_owned(), text));
    }
    scripts.sort();
    Ok(scripts)
}

/// On one line, and not endless.
pub(crate) fn tame(name: &str) -> String {
    name.chars()
        .map(|each| if each.is_control() { '?' } else { each })
        .take(120)
        .collect()
}
