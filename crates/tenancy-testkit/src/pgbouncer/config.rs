use std::fmt::{self, Write as _};
use std::path::Path;

use crate::postgres::Database;

/// How a `PgBouncer` is set up.
#[derive(Clone, Debug)]
pub struct PgBouncerConfig {
    /// What it stands in front of.
    pub backend: Backend,
    /// When a server connection goes back to the pool.
    pub pool_mode: PoolMode,
    /// Server connections for each user and database.
    pub pool_size: u16,
    /// What it runs on a server connection that goes back.
    pub server_reset_query: String,
    /// Whether it does so in transaction mode, too.
    pub server_reset_query_always: bool,
    /// Startup parameters that it swallows, where it would refuse the connection.
    pub ignore_startup_parameters: String,
    /// Further lines of the section `[pgbouncer]`. The last line of a name wins.
    pub extra: Vec<(String, String)>,
}

impl PgBouncerConfig {
    /// Transaction mode as `tenancy` asks for it: reset by `DISCARD ALL` after each transaction.
    pub fn careful(backend: impl Into<Backend>) -> Self {
        Self {
            server_reset_query_always: true,
            ..Self::careless(backend)
        }
    }

    /// Transaction mode with the defaults of `PgBouncer`, which resets in session mode only.
    pub fn careless(backend: impl Into<Backend>) -> Self {
        Self {
            backend: backend.into(),
            pool_mode: PoolMode::Transaction,
            pool_size: 20,
            server_reset_query: "DISCARD ALL".to_owned(),
            server_reset_query_always: false,
            ignore_startup_parameters: "extra_float_digits,options".to_owned(),
            extra: Vec::new(),
        }
    }

    /// The text of `pgbouncer.ini`, whose files lie in `folder`.
    pub(super) fn ini(&self, folder: &Path, port: u16, console: &str) -> String {
        let Backend {
            host,
            port: server,
            database,
            ..
        } = &self.backend;
        let always = u8::from(self.server_reset_query_always).to_string();
        let ours = [
            ("listen_addr", "127.0.0.1"),
            ("listen_port", &port.to_string()),
            ("unix_socket_dir", ""),
            ("auth_type", "scram-sha-256"),
            ("auth_file", &folder.join("users").display().to_string()),
            ("admin_users", console),
            ("max_client_conn", "600"),
            ("pool_mode", self.pool_mode.name()),
            ("default_pool_size", &self.pool_size.to_string()),
            ("server_reset_query", &self.server_reset_query),
            ("server_reset_query_always", &always),
            ("ignore_startup_parameters", &self.ignore_startup_parameters),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut text = format!(
            "[databases]\n{database} = host={host} port={server} dbname={database}\n\n[pgbouncer]\n"
        );
        for (name, value) in ours.iter().chain(&self.extra) {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{name} = {value}");
        }
        text
    }

    /// The text of the file with the users' passwords, which it needs towards the server.
    pub(super) fn users(&self, console: &str, password: &str) -> String {
        let quoted = |text: &str| text.replace('"', "\"\"");
        let mut text = format!("\"{console}\" \"{password}\"\n");
        for (user, password) in &self.backend.users {
            let _ = writeln!(text, "\"{}\" \"{}\"", quoted(user), quoted(password));
        }
        text
    }
}

/// When a server connection goes back to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// When the client goes.
    Session,
    /// After each transaction.
    Transaction,
    /// After each statement.
    Statement,
}

impl PoolMode {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

/// The server behind, and who may log in there.
#[derive(Clone)]
pub struct Backend {
    /// Its host.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The database, under the same name for the clients.
    pub database: String,
    /// The users with their passwords.
    pub users: Vec<(String, String)>,
}

impl From<&Database> for Backend {
    /// With all roles of the database.
    fn from(database: &Database) -> Self {
        let roles = [
            database.runtime_role(),
            database.pooled_role(),
            database.central_role(),
            database.owner_role(),
        ];
        Self {
            host: database.host().to_owned(),
            port: database.port(),
            database: database.name().to_owned(),
            users: roles
                .map(|role| (role.to_owned(), database.password().to_owned()))
                .to_vec(),
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: Vec<&str> = self.users.iter().map(|(user, _)| user.as_str()).collect();
        f.debug_struct("Backend")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("users", &users)
            .finish()
    }
}
