//! Keeps a server no longer than the process that wants it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::place::Place;
use crate::Error;

const SCRIPT: &str = include_str!("supervisor.sh");

/// An immediate shutdown is bounded by the server itself (it kills what lingers after 5 seconds).
const PATIENCE: Duration = Duration::from_secs(15);

/// What a server with TLS shows, in PEM.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Certificate {
    /// The two files of a server's folder.
    pub(crate) fn files(&self) -> [(&'static str, String); 2] {
        [("chain", self.chain.clone()), ("key", self.key.clone())]
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

/// A server with the shell that watches over it. Dropped: the server is stopped and its folder gone.
#[derive(Debug)]
pub(crate) struct Supervised {
    shell: Child,
    folder: PathBuf,
    log: File,
}

impl Supervised {
    /// Initializes and starts a PostgreSQL server; it does not answer yet when this returns.
    pub(super) fn spawn(
        place: &Place,
        programs: &Path,
        port: u16,
        password: &str,
        settings: &[(String, String)],
        certificate: Option<&Certificate>,
    ) -> Result<Self, Error> {
        Self::run(place, "tenancy-postgres", SCRIPT, |folder| {
            let mut settings = settings.to_vec();
            let mut files = vec![("password", password.to_owned())];
            if let Some(certificate) = certificate {
                let path = |name| folder.join(name).display().to_string();
                settings.push(("ssl".to_owned(), "on".to_owned()));
                settings.push(("ssl_cert_file".to_owned(), path("chain")));
                settings.push(("ssl_key_file".to_owned(), path("key")));
                files.extend(certificate.files());
            }
            files.push(("settings", configuration(folder, &settings)));
            let arguments = vec![programs.into(), port.to_string().into()];
            (files, arguments)
        })
    }

    /// Runs a script of the shell that ends when its standard input does. It gets a fresh folder, for
    /// its files and its log, and what `prepare` says: files to write there, and further arguments.
    pub(crate) fn run(
        place: &Place,
        name: &str,
        script: &str,
        prepare: impl FnOnce(&Path) -> (Vec<(&'static str, String)>, Vec<OsString>),
    ) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(&place.temp)
            .map_err(Error::file("making a folder in", &place.temp))?;
        let path = folder.path().to_owned();
        let (files, arguments) = prepare(&path);
        for (name, content) in files {
            let file = path.join(name);
            // A key that others may read is refused by PostgreSQL.
            fs::write(&file, content)
                .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)))
                .and_then(|()| {
                    place
                        .run_as
                        .map_or(Ok(()), |user| chown(&file, Some(user), Some(user)))
                })
                .map_err(Error::file("writing", file))?;
        }
        let log = path.join("log");
        let log = File::options()
            .create(true)
            .read(true)
            .append(true)
            .open(&log)
            .map_err(Error::file("writing", log))?;
        if let Some(user) = place.run_as {
            chown(&path, Some(user), Some(user)).map_err(Error::file("handing over", &path))?;
        }
        let output = || {
            log.try_clone()
                .map_err(Error::file("writing", path.join("log")))
        };

        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script, name])
            .arg(&path)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(output()?)
            .stderr(output()?)
            // Not the terminal's group: Ctrl-C is for us, and the closing pipe is for the server.
            .process_group(0);
        if let Some(user) = place.run_as {
            command.uid(user).gid(user);
        }
        let shell = command.spawn().map_err(Error::file("running", "/bin/sh"))?;
        Ok(Self {
            shell,
            folder: folder.keep(),
            log,
        })
    }

    /// Whether the server has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.shell.try_wait(), Ok(None))
    }

    /// Has a PostgreSQL server stopped as a crash does, and started again.
    pub(crate) fn restart(&mut self) -> Result<(), Error> {
        let told = match &mut self.shell.stdin {
            Some(pipe) => pipe.write_all(b"again\n"),
            None => Ok(()),
        };
        told.map_err(Error::file("restarting the server in", &self.folder))
    }

    /// What the server has logged, also when its folder is gone already.
    pub(crate) fn log(&self) -> Result<String, Error> {
        let failed = || Error::file("reading", self.folder.join("log"));
        let mut log = self.log.try_clone().map_err(failed())?;
        log.seek(SeekFrom::Start(0)).map_err(failed())?;
        let mut text = Vec::new();
        log.read_to_end(&mut text).map_err(failed())?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let since = Instant::now();
        while !self.has_ended() && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Ours first, so that a test can override what we chose: the last line wins.
fn configuration(folder: &Path, settings: &[(String, String)]) -> String {
    let folder = folder.display().to_string();
    // A socket's path has 107 bytes at most.
    let sockets = if folder.len() < 80 {
        folder.as_str()
    } else {
        ""
    };
    let ours = [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", sockets),
        ("max_connections", "200"),
        // Nobody needs the data after a crash.
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
    ];
    let ours = ours.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut text = String::new();
    for (name, value) in ours.iter().chain(settings) {
        let value = value.replace('\\', "\\\\").replace('\'', "''");
        // Writing to a string can't fail.
        let _ = fmt::Write::write_fmt(&mut text, format_args!("{name} = '{value}'\n"));
    }
    text
}
