use std::fmt;
use std::sync::mpsc;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls};

use super::server::Endpoint;
use crate::Error;
use crate::random::random_hex;

/// How long dropping a database may hold up its test.
const DROP_PATIENCE: Duration = Duration::from_secs(15);

/// A fresh database with four roles that no other database knows, all with one password:
///
/// - [`runtime_role`](Self::runtime_role): LOGIN and nothing else,
/// - [`pooled_role`](Self::pooled_role): the same, for tests behind a connection pooler,
/// - [`central_role`](Self::central_role): LOGIN and BYPASSRLS,
/// - [`owner_role`](Self::owner_role): LOGIN, and the database's owner.
///
/// Dropped (best effort) with its roles when this is dropped, whoever is still connected.
pub struct Database {
    name: String,
    runtime: String,
    pooled: String,
    central: String,
    owner: String,
    password: String,
    endpoint: Endpoint,
}

impl Database {
    pub(super) async fn create(endpoint: &Endpoint) -> Result<Self, Error> {
        let name = format!("t_{}", random_hex(6)?);
        let role = |what: &str| format!("{name}_{what}");
        let database = Self {
            runtime: role("runtime"),
            pooled: role("pooled"),
            central: role("central"),
            owner: role("owner"),
            password: random_hex(12)?,
            endpoint: endpoint.clone(),
            name,
        };
        let Self {
            name,
            runtime,
            pooled,
            central,
            owner,
            password,
            ..
        } = &database;
        let server = endpoint.connect("postgres").await?;
        // CREATE DATABASE stands alone in its message. The names and the password are our own hex digits.
        server
            .batch_execute(&format!(
                "CREATE ROLE {runtime} LOGIN PASSWORD '{password}';
                 CREATE ROLE {pooled} LOGIN PASSWORD '{password}';
                 CREATE ROLE {central} LOGIN BYPASSRLS PASSWORD '{password}';
                 CREATE ROLE {owner} LOGIN PASSWORD '{password}';"
            ))
            .await?;
        server
            .batch_execute(&format!("CREATE DATABASE {name} OWNER {owner}"))
            .await?;
        Ok(database)
    }

    /// The database's name. Like the roles' names, it needs no quotes in SQL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role that serves requests.
    pub fn runtime_role(&self) -> &str {
        &self.runtime
    }

    /// The role that serves requests through a connection pooler.
    pub fn pooled_role(&self) -> &str {
        &self.pooled
    }

    /// The role for work across tenants.
    pub fn central_role(&self) -> &str {
        &self.central
    }

    /// The role for DDL.
    pub fn owner_role(&self) -> &str {
        &self.owner
    }

    /// The password of all of them.
    pub fn password(&self) -> &str {
        &self.password
    }

    pub(crate) fn host(&self) -> &str {
        &self.endpoint.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.endpoint.port
    }

    /// The superuser's URL of this database.
    pub fn admin_url(&self) -> String {
        self.endpoint.url(&self.name)
    }

    /// A role's URL of this database.
    pub fn url_for(&self, role: &str, password: &str) -> String {
        self.endpoint.url_for(role, password, &self.name)
    }

    /// The runtime role's URL of this database.
    pub fn runtime_url(&self) -> String {
        self.url_for(&self.runtime, &self.password)
    }

    /// The pooled role's URL of this database, without a pooler between.
    pub fn pooled_url(&self) -> String {
        self.url_for(&self.pooled, &self.password)
    }

    /// The central role's URL of this database.
    pub fn central_url(&self) -> String {
        self.url_for(&self.central, &self.password)
    }

    /// The owner role's URL of this database.
    pub fn owner_url(&self) -> String {
        self.url_for(&self.owner, &self.password)
    }

    /// A connection as the superuser. Its task is spawned on the caller's runtime.
    ///
    /// # Errors
    /// [`Error::Database`] if the server refuses.
    pub async fn admin(&self) -> Result<Client, Error> {
        Ok(self.endpoint.connect(&self.name).await?)
    }

    /// A connection by URL: one of this database's, or one that leads through a
    /// [proxy](crate::proxy::Proxy::url). Its task is spawned on the caller's runtime.
    ///
    /// # Errors
    /// [`Error::Database`] if the URL doesn't parse or the server refuses.
    pub async fn connect(&self, url: &str) -> Result<Client, Error> {
        Ok(connect(&url.parse()?).await?)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name)
            .field("server", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statements = [
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
            format!(
                "DROP OWNED BY {}, {}, {}, {} CASCADE",
                self.runtime, self.pooled, self.central, self.owner
            ),
            format!(
                "DROP ROLE IF EXISTS {}, {}, {}, {}",
                self.runtime, self.pooled, self.central, self.owner
            ),
        ];
        let endpoint = self.endpoint.clone();
        let (done, waiting) = mpsc::channel::<()>();
        // A thread with a runtime of its own: this may run on any runtime, or on none.
        std::thread::spawn(move || {
            let _done = done;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let Ok(server) = endpoint.connect("postgres").await else {
                        return;
                    };
                    for statement in &statements {
                        // A server that is gone, or a role that still owns something elsewhere: nothing to be done.
                        let _ = server.batch_execute(statement).await;
                    }
                });
            }
        });
        let _ = waiting.recv_timeout(DROP_PATIENCE);
    }
}

/// Connects, and spawns the connection's task.
pub(super) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // Why it ended is what the client's next call says.
        let _ = connection.await;
    });
    Ok(client)
}
