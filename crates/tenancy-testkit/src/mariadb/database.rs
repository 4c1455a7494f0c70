use std::fmt;
use std::sync::mpsc;
use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

use super::server::url;
use crate::Error;
use crate::random::random_hex;

/// How long dropping a database may hold up its test.
const DROP_PATIENCE: Duration = Duration::from_secs(15);

/// A fresh database, and a user of the same name who has every right in it and none elsewhere.
///
/// Dropped (best effort) with its user when this is dropped.
pub struct Database {
    name: String,
    password: String,
    admin: MySqlConnectOptions,
}

impl Database {
    pub(super) async fn create(admin: &MySqlConnectOptions) -> Result<Self, Error> {
        let database = Self {
            name: format!("t_{}", random_hex(6)?),
            password: random_hex(12)?,
            admin: admin.clone(),
        };
        let Self { name, password, .. } = &database;
        // The names and the password are our own hex digits.
        run(
            admin,
            format!(
                "CREATE DATABASE {name}; CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'; \
                 GRANT ALL ON {name}.* TO '{name}'@'%'"
            ),
        )
        .await?;
        Ok(database)
    }

    /// The name of the database, and of its user. It needs no quotes in SQL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The user's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The user's URL of this database.
    pub fn url(&self) -> String {
        let (host, port) = (self.admin.get_host(), self.admin.get_port());
        url(&self.name, &self.password, host, port, &self.name)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

async fn run(admin: &MySqlConnectOptions, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = admin.connect().await?;
    let sql = sqlx::raw_sql(AssertSqlSafe(sql));
    connection.execute(sql).await.map(drop)
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!(
            "DROP DATABASE IF EXISTS {0}; DROP USER IF EXISTS '{0}'@'%'",
            self.name
        );
        let admin = self.admin.clone();
        let (done, waiting) = mpsc::channel::<()>();
        // A thread with a runtime of its own: this may run on any runtime, or on none.
        std::thread::spawn(move || {
            let _done = done;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                // A server that is gone: nothing to be done.
                let _ = runtime.block_on(run(&admin, sql));
            }
        });
        let _ = waiting.recv_timeout(DROP_PATIENCE);
    }
}
