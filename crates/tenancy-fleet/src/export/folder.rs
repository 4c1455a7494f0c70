//! The folder that an export is written into: for this user alone, and an export only when it is
//! whole.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tenancy_core::TenantId;

use super::ExportError;
use super::manifest::Manifest;
use super::sheet::create;

pub(super) const MANIFEST: &str = "manifest.json";
/// The whole place, where it is a file.
pub(super) const DATABASE: &str = "database.db";
/// There until the export is whole, and locked while somebody is at it: a killed process leaves it
/// behind unlocked, and the next one for the same tenant goes on from there.
const MARKER: &str = ".incomplete";
const NEW_MANIFEST: &str = "manifest.json.new";

/// An export that is being written. Dropped before it is published, it is gone.
pub(super) struct Draft {
    path: PathBuf,
    marker: Option<File>,
    /// Whether the folder itself is ours to remove.
    made: bool,
    files: u32,
}

impl Draft {
    /// Takes the folder: one that is not there, an empty one, or what a killed export of this tenant
    /// has left behind.
    pub(super) fn begin(path: &Path, tenant: &TenantId) -> Result<Self, ExportError> {
        let mark = format!("an export of tenant {tenant} that is not whole\n");
        let made = make(path)?;
        let mut draft = Self {
            path: path.canonicalize().map_err(ExportError::written)?,
            marker: None,
            made,
            files: 0,
        };
        let names = names(&draft.path)?;
        let marker = draft.path.join(MARKER);
        let file = if names.is_empty() {
            let mut file = match create(&marker) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(ExportError::FolderBusy);
                }
                file => file.map_err(ExportError::written)?,
            };
            lock(&file)?;
            file.write_all(mark.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(ExportError::written)?;
            file
        } else {
            if !is_left_behind(&names) || read_marker(&marker)? != mark {
                return Err(ExportError::NotEmpty);
            }
            let file = File::open(&marker).map_err(ExportError::written)?;
            lock(&file)?;
            for name in names.iter().filter(|name| *name != MARKER) {
                fs::remove_file(draft.path.join(name)).map_err(ExportError::written)?;
            }
            file
        };
        draft.marker = Some(file);
        Ok(draft)
    }

    /// A name for the next file, of which a table's name is no part that could lead elsewhere.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn next_sheet(&mut self, table: &str) -> (String, PathBuf) {
        const LONGEST: usize = 40;
        self.files += 1;
        let safe = |letter: char| match letter {
            'a'..='z' | '0'..='9' | '-' | '_' => letter,
            'A'..='Z' => letter.to_ascii_lowercase(),
            _ => '_',
        };
        let table: String = table.chars().map(safe).take(LONGEST).collect();
        let name = format!("{:04}-{table}.csv", self.files);
        let path = self.path.join(&name);
        (name, path)
    }

    /// The one file of a place that is a file.
    #[cfg(feature = "sqlite")]
    pub(super) fn database(&mut self) -> PathBuf {
        self.files += 1;
        self.path.join(DATABASE)
    }

    /// Makes it an export: the manifest in one step, when everything else is on the disk.
    pub(super) fn publish(mut self, manifest: &Manifest) -> Result<(), ExportError> {
        let new = self.path.join(NEW_MANIFEST);
        let published = || {
            let mut file = create(&new)?;
            serde_json::to_writer_pretty(&mut file, manifest)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            sync(&self.path)?;
            fs::rename(&new, self.path.join(MANIFEST))?;
            fs::remove_file(self.path.join(MARKER))?;
            sync(&self.path)?;
            self.path.parent().map_or(Ok(()), sync)
        };
        published().map_err(ExportError::written)?;
        self.marker = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What is not locked is somebody else's, or an export by now.
        if self.marker.is_some()
            && let Ok(names) = names(&self.path)
        {
            // Nobody may take the rest for an export.
            let _ = fs::remove_file(self.path.join(MANIFEST));
            let is_last = |name: &String| name == MARKER;
            for name in names.iter().filter(|name| !is_last(name) && is_ours(name)) {
                let _ = fs::remove_file(self.path.join(name));
            }
            let _ = fs::remove_file(self.path.join(MARKER));
            if self.made {
                let _ = fs::remove_dir(&self.path);
            }
        }
    }
}

/// Whether the folder was made. One that is there is taken if it is no link.
fn make(path: &Path) -> Result<bool, ExportError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => return Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(ExportError::written(error)),
    }
    // Of `link/` the system would say what is behind the link.
    let plain: PathBuf = path.components().collect();
    let found = fs::symlink_metadata(plain).map_err(ExportError::written)?;
    if !found.is_dir() {
        return Err(ExportError::NotAFolder);
    }
    if names(path)?.is_empty() {
        close(path).map_err(ExportError::written)?;
    }
    Ok(false)
}

/// Only its owner may.
#[cfg(unix)]
fn close(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn close(_: &Path) -> io::Result<()> {
    Ok(())
}

fn names(path: &Path) -> Result<Vec<String>, ExportError> {
    let entries = fs::read_dir(path).map_err(ExportError::written)?;
    let name = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.map_err(ExportError::written)?;
        // One that is not UTF-8 is none of ours.
        Ok(entry.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect()
}

fn is_left_behind(names: &[String]) -> bool {
    let has = |name: &str| names.iter().any(|other| other == name);
    has(MARKER) && !has(MANIFEST) && names.iter().all(|name| is_ours(name))
}

fn is_ours(name: &str) -> bool {
    name == MARKER || name == NEW_MANIFEST || is_file_of_an_export(name) || {
        let rest = name.strip_prefix(DATABASE);
        rest.is_some_and(|rest| matches!(rest, "-journal" | "-wal" | "-shm"))
    }
}

/// A name that leads nowhere else.
pub(super) fn is_file_of_an_export(name: &str) -> bool {
    let is_sheet = || {
        let (number, table) = name.strip_suffix(".csv")?.split_once('-')?;
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        let is_number = number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_digit());
        Some(is_number && table.bytes().all(plain))
    };
    name == DATABASE || is_sheet().unwrap_or(false)
}

fn read_marker(path: &Path) -> Result<String, ExportError> {
    let found = fs::symlink_metadata(path).map_err(ExportError::written)?;
    if !found.is_file() {
        return Err(ExportError::NotEmpty);
    }
    fs::read_to_string(path).map_err(ExportError::written)
}

fn lock(file: &File) -> Result<(), ExportError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ExportError::FolderBusy),
        Err(TryLockError::Error(error)) => Err(ExportError::written(error)),
    }
}

/// Makes lasting what was put into a folder.
fn sync(folder: &Path) -> io::Result<()> {
    // Only Unix opens a folder as a file.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
