use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::Error;
use crate::postgres::place::Place;

const FETCH: &str = include_str!("fetch.sh");

/// The statements that make its own tables.
const TABLES: [&str; 3] = [
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
];

/// The program, found or brought.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Its messages, and the statements that make its own tables.
    pub(super) share: PathBuf,
}

impl Program {
    /// The system's, or the one of the system's package. May take a download; run it where blocking
    /// is allowed.
    pub(super) fn find(place: &Place) -> Result<Self, Error> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let share = PathBuf::from("/usr/share/mysql");
        let installed = std::env::split_paths(&folders)
            .chain(["/usr/sbin".into()])
            .map(|folder| folder.join("mariadbd"))
            .find(|path| path.is_file());
        match installed {
            Some(path) if share.join(TABLES[0]).is_file() => Ok(Self { path, share }),
            _ => unpacked(place),
        }
    }

    /// What a new data folder is made with: its own tables, and one administrator.
    pub(super) fn bootstrap(&self, user: &str, password: &str) -> Result<String, Error> {
        // One statement a line; the names and the password are our own letters and digits.
        let mut sql = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\nSET @skip_auth_anonymous=1;\n"
            .to_owned();
        for name in TABLES {
            let path = self.share.join(name);
            sql.push_str(&fs::read_to_string(&path).map_err(Error::file("reading", &path))?);
            sql.push('\n');
        }
        // Writing to a string can't fail.
        let _ = write!(
            sql,
            "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\n\
             FLUSH PRIVILEGES;\n\
             CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
             GRANT ALL ON *.* TO '{user}'@'127.0.0.1' WITH GRANT OPTION;\n"
        );
        Ok(sql)
    }
}

/// Safe to race: one fetches, the others wait for it, and the folder appears whole or not at all.
fn unpacked(place: &Place) -> Result<Program, Error> {
    let folder = place.cache.join("mariadb");
    let found = |folder: &Path| Program {
        path: folder.join("mariadbd"),
        share: folder.join("share"),
    };
    let lock = place.cache.join("mariadb.lock");
    let held = File::create(&lock).map_err(Error::file("making the lock file", &lock))?;
    held.lock().map_err(Error::file("locking", &lock))?;
    if found(&folder).path.is_file() {
        return Ok(found(&folder));
    }
    let staging = tempfile::Builder::new()
        .prefix("unpacking-mariadb-")
        .tempdir_in(&place.cache)
        .map_err(Error::file("making a folder in", &place.cache))?;
    let output = Command::new("/bin/sh")
        .args(["-c", FETCH, "tenancy-mariadb"])
        .arg(staging.path())
        .output()
        .map_err(Error::file("running", "/bin/sh"))?;
    if !output.status.success() {
        return Err(Error::Mariadb {
            reason: format!("its package could not be fetched: {}", all(&output)),
        });
    }
    fs::rename(staging.path().join("mariadb"), &folder)
        .map_err(Error::file("moving into place", &folder))?;
    Ok(found(&folder))
}

fn all(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}
