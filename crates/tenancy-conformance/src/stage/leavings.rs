//! Databases and roles of the stage's own, which go with it.

use std::sync::mpsc;
use std::time::Duration;

use tokio_postgres::{Config, NoTls};

use crate::place::quoted;

/// How long dropping them may hold up a test.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was made beside the database that the stage was given. Dropped, as far as the server lets
/// it, when this is.
pub(crate) struct Leavings {
    admin: Config,
    databases: Vec<String>,
    roles: Vec<String>,
}

impl Leavings {
    pub(crate) fn none(admin: &Config) -> Self {
        Self {
            admin: admin.clone(),
            databases: Vec::new(),
            roles: Vec::new(),
        }
    }

    pub(crate) fn database(&mut self, name: &str) {
        self.databases.push(name.to_owned());
    }

    pub(crate) fn role(&mut self, name: &str) {
        self.roles.push(name.to_owned());
    }

    async fn drop_all(admin: Config, databases: Vec<String>, roles: Vec<String>) {
        // What a role has in the stage's database goes there; that database may be gone already.
        let mut elsewhere = admin.clone();
        elsewhere.dbname("postgres");
        for config in [admin, elsewhere] {
            let Ok((client, connection)) = config.connect(NoTls).await else {
                continue;
            };
            tokio::spawn(connection);
            // One by one, and none is missed for another's failure.
            for database in &databases {
                let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(database));
                let _ = client.batch_execute(&sql).await;
            }
            for role in &roles {
                let role = quoted(role);
                let _ = client
                    .batch_execute(&format!("DROP OWNED BY {role} CASCADE"))
                    .await;
                let _ = client
                    .batch_execute(&format!("DROP ROLE IF EXISTS {role}"))
                    .await;
            }
        }
    }
}

impl Drop for Leavings {
    fn drop(&mut self) {
        if self.databases.is_empty() && self.roles.is_empty() {
            return;
        }
        let databases = std::mem::take(&mut self.databases);
        let roles = std::mem::take(&mut self.roles);
        let admin = self.admin.clone();
        let (done, waiting) = mpsc::channel::<()>();
        // A thread with a runtime of its own: this may run on any runtime, or on none.
        std::thread::spawn(move || {
            let _done = done;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(Self::drop_all(admin, databases, roles));
            }
        });
        let _ = waiting.recv_timeout(PATIENCE);
    }
}
