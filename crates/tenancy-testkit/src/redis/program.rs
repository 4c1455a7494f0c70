use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::Error;
use crate::postgres::place::Place;

const FETCH: &str = include_str!("fetch.sh");

/// The system's, or the one of the system's package. May take a download; run it where blocking is
/// allowed.
pub(super) fn find(place: &Place) -> Result<PathBuf, Error> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&folders)
        .chain(["/usr/bin".into()])
        .map(|folder| folder.join("redis-server"))
        .find(|path| path.is_file());
    match installed {
        Some(path) => Ok(path),
        None => unpacked(place),
    }
}

/// Safe to race: one fetches, the others wait for it, and the folder appears whole or not at all.
fn unpacked(place: &Place) -> Result<PathBuf, Error> {
    let folder = place.cache.join("redis");
    let program = folder.join("run");
    let lock = place.cache.join("redis.lock");
    let held = File::create(&lock).map_err(Error::file("making the lock file", &lock))?;
    held.lock().map_err(Error::file("locking", &lock))?;
    if program.is_file() {
        return Ok(program);
    }
    let staging = tempfile::Builder::new()
        .prefix("unpacking-redis-")
        .tempdir_in(&place.cache)
        .map_err(Error::file("making a folder in", &place.cache))?;
    let output = Command::new("/bin/sh")
        .args(["-c", FETCH, "tenancy-redis"])
        .arg(staging.path())
        .output()
        .map_err(Error::file("running", "/bin/sh"))?;
    if !output.status.success() {
        return Err(Error::Redis {
            reason: format!("its package could not be fetched: {}", all(&output)),
        });
    }
    fs::rename(staging.path().join("redis"), &folder)
        .map_err(Error::file("moving into place", &folder))?;
    Ok(program)
}

fn all(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}
