//! New files under a version of their own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::MakeError;
use super::name::Name;
use crate::output::digits;

/// Writes a file for each ending, all under one version: this second, or the next one that nobody
/// has. Nothing is overwritten, and after an error nothing is left.
pub(crate) fn write(
    folder: &Path,
    name: &Name,
    now: SystemTime,
    endings: &[(&str, &str)],
) -> Result<Vec<PathBuf>, MakeError> {
    try_write(folder, name, now, endings).map_err(|error| MakeError::Folder {
        folder: folder.to_owned(),
        kind: error.kind(),
    })
}

fn try_write(
    folder: &Path,
    name: &Name,
    now: SystemTime,
    endings: &[(&str, &str)],
) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let _alone = lock(folder)?;
    let version = free_version(folder, now)?;
    let mut files = Vec::new();
    for (ending, text) in endings {
        let path = folder.join(format!("{version}_{name}{ending}"));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| {
                files.push(path);
                file.write_all(text.as_bytes())
            });
        if let Err(error) = written {
            for own in &files {
                // It was made a moment ago, by this call.
                let _ = fs::remove_file(own);
            }
            return Err(error);
        }
    }
    Ok(files)
}

/// Held while a version is chosen and its files are made: two programs in one second get two.
#[cfg(unix)]
fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// A folder can't be locked here; `create_new` still overwrites nothing.
#[cfg(not(unix))]
fn lock(_: &Path) -> io::Result<()> {
    Ok(())
}

fn free_version(folder: &Path, now: SystemTime) -> io::Result<String> {
    let mut taken = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        taken.extend(name.split('_').next().map(str::to_owned));
    }
    let mut at = now;
    loop {
        let version = digits(at);
        if !taken.contains(&version) {
            return Ok(version);
        }
        at += Duration::from_secs(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::time::SystemTime;

    use super::write;

    /// All of them in one moment, and each with a name of its own, so that no file stops another.
    #[test]
    fn nobody_shares_a_version() {
        const AT_ONCE: usize = 8;
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let (start, now) = (Barrier::new(AT_ONCE), SystemTime::now());
            std::thread::scope(|scope| {
                for number in 0..AT_ONCE {
                    let (folder, start) = (folder.path(), &start);
                    scope.spawn(move || {
                        let name = format!("n{number}").parse().unwrap();
                        start.wait();
                        write(folder, &name, now, &[(".up.sql", ""), (".down.sql", "")]).unwrap();
                    });
                }
            });
            let names = std::fs::read_dir(folder.path()).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let versions: BTreeSet<_> = names.map(|name| name[..14].to_owned()).collect();
            assert_eq!(versions.len(), AT_ONCE);
        }
    }
}
