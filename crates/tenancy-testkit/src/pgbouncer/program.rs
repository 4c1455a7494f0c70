use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::is_left_out;
use crate::Error;
use crate::postgres::place::Place;

const FETCH: &str = include_str!("fetch.sh");
const VARIABLE: &str = "TENANCY_TEST_PGBOUNCER";

/// The program, found or brought.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    version: String,
    origin: Origin,
}

/// Where the program came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The environment names it.
    Given,
    /// The system has it.
    Installed,
    /// The system's package, unpacked into the test kit's cache.
    Unpacked,
}

impl Program {
    /// The program that `TENANCY_TEST_PGBOUNCER` names, or the system's, or the one of the system's
    /// package. May take a download; run it where blocking is allowed.
    ///
    /// # Errors
    /// [`Error::LeftOut`] if the run was told to do without, [`Error::Program`] if there is none and
    /// none can be had, with what to install.
    pub fn find() -> Result<Self, Error> {
        if is_left_out() {
            return Err(Error::LeftOut {
                server: "pgbouncer",
            });
        }
        if let Some(given) = std::env::var_os(VARIABLE) {
            return Self::at(given.into(), Origin::Given);
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let installed = std::env::split_paths(&folders)
            .chain(["/usr/sbin".into()])
            .map(|folder| folder.join("pgbouncer"))
            .find(|path| path.is_file());
        if let Some(path) = installed {
            return Self::at(path, Origin::Installed);
        }
        Self::at(unpacked(&Place::find()?)?, Origin::Unpacked)
    }

    fn at(path: PathBuf, origin: Origin) -> Result<Self, Error> {
        let output = Command::new(&path)
            .arg("--version")
            .output()
            .map_err(Error::file("running", &path))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = said
            .lines()
            .find_map(|line| line.strip_prefix("PgBouncer "))
            .ok_or_else(|| Error::Program {
                reason: format!(
                    "{} doesn't say its version: {}",
                    path.display(),
                    all(&output)
                ),
            })?;
        Ok(Self {
            version: version.to_owned(),
            path,
            origin,
        })
    }

    /// The program's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, such as `1.18.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it came from.
    pub const fn origin(&self) -> Origin {
        self.origin
    }
}

/// Safe to race: one fetches, the others wait for it, and the folder appears whole or not at all.
fn unpacked(place: &Place) -> Result<PathBuf, Error> {
    let folder = place.cache.join("pgbouncer");
    let program = folder.join("pgbouncer");
    let lock = place.cache.join("pgbouncer.lock");
    let held = File::create(&lock).map_err(Error::file("making the lock file", &lock))?;
    held.lock().map_err(Error::file("locking", &lock))?;
    if program.is_file() {
        return Ok(program);
    }
    let staging = tempfile::Builder::new()
        .prefix("unpacking-pgbouncer-")
        .tempdir_in(&place.cache)
        .map_err(Error::file("making a folder in", &place.cache))?;
    let output = Command::new("/bin/sh")
        .args(["-c", FETCH, "tenancy-pgbouncer"])
        .arg(staging.path())
        .output()
        .map_err(Error::file("running", "/bin/sh"))?;
    if !output.status.success() {
        return Err(Error::Program {
            reason: format!("its package could not be fetched: {}", all(&output)),
        });
    }
    fs::rename(staging.path().join("pgbouncer"), &folder)
        .map_err(Error::file("moving into place", &folder))?;
    Ok(program)
}

fn all(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}
