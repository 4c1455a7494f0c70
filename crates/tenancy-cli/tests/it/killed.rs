//! The program is killed a hundred times at moments that a seed picks, while it provisions, migrates,
//! changes passwords and removes. Run again, it goes on: no tenant is between two versions, nothing is
//! applied twice, and registry and server agree.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tenancy_testkit::postgres::majors;

use crate::stage::{Said, Stage};

const KILLS: u64 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    played(&mut Story::new(Stage::sqlite(), 11, 60)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_databases_on_postgres() {
    // The newest one: moments are by chance anyway.
    if let Some(major) = majors().pop() {
        let stage = Stage::postgres(major, "database").await;
        played(&mut Story::new(stage, 12, 500)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_schemas_on_postgres() {
    // The newest one: moments are by chance anyway.
    if let Some(major) = majors().pop() {
        let stage = Stage::postgres(major, "schema").await;
        stage.ok(&["tenant", "list", "--create-base"]);
        stage.ok(&["prepare", "--keep", "postgres"]);
        played(&mut Story::new(stage, 13, 120)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_databases_on_mariadb() {
    if let Some(stage) = Stage::mariadb().await {
        played(&mut Story::new(stage, 14, 120)).await;
    }
}

struct Story {
    stage: Stage,
    random: u64,
    /// How long an operation takes at most before it is killed, in milliseconds.
    longest: u64,
    tenants: Vec<String>,
    versions: i64,
    killed: u64,
}

async fn played(story: &mut Story) {
    story.version();
    story.stage.ok(&["tenant", "list", "--create-base"]);
    let mut rounds = 0;
    while story.killed < KILLS {
        rounds += 1;
        assert!(rounds < 20 * KILLS, "it is too quick to be killed");
        match story.below(10) {
            0..4 => story.onboard(),
            4..7 => story.migrate().await,
            7 | 8 => story.rotate(),
            _ => story.remove(),
        }
        if rounds % 5 == 0 {
            story.check().await;
        }
    }
    story.onboard();
    story.settle().await;
    story.check().await;
    while !story.tenants.is_empty() {
        story.remove();
    }
    story.check().await;
}

impl Story {
    fn new(stage: Stage, seed: u64, longest: u64) -> Self {
        Self {
            stage,
            random: seed,
            longest,
            tenants: Vec::new(),
            versions: 0,
            killed: 0,
        }
    }

    /// xorshift: the same seed, the same moments.
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    /// One more migration of two statements.
    fn version(&mut self) {
        self.versions += 1;
        let version = self.versions;
        let sql = format!(
            "CREATE TABLE t{version} (id INTEGER PRIMARY KEY); INSERT INTO t{version} VALUES ({version});"
        );
        let file = format!("migrations/tenants/{version:04}_t{version}.sql");
        self.stage.write(&file, &sql);
    }

    /// Runs it, and kills it on the way.
    fn kill(&mut self, arguments: &[&str]) {
        let mut child = self.stage.command(arguments);
        let mut child = child
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let longest = self.longest;
        std::thread::sleep(Duration::from_millis(self.below(longest)));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            self.killed += 1;
        }
        child.wait().unwrap();
    }

    fn onboard(&mut self) {
        let id = format!("t{}", self.below(1 << 40));
        let arguments = ["tenant", "onboard", id.as_str()];
        self.kill(&arguments);
        let said = self.stage.run(&arguments);
        let was_done = said.code == 1 && said.err.contains("a tenant has this id");
        assert!(said.code == 0 || was_done, "{said:?}");
        let shown = self.stage.json(&["tenant", "show", id.as_str()]);
        assert_eq!(shown["tenant"]["status"], "active", "{shown}");
        self.tenants.push(id);
    }

    async fn migrate(&mut self) {
        self.version();
        self.kill(&["migrate", "tenants", "--all"]);
        self.settle().await;
    }

    /// Until everybody is at the last version. MariaDB can't undo: there it says what was begun.
    async fn settle(&mut self) {
        let arguments = ["migrate", "tenants", "--all"];
        let said = self.stage.run(&arguments);
        if said.code == 1 && said.err.contains("begun here and not finished")
            || said.out.contains("begun here and not finished")
        {
            self.resolve(&said).await;
            self.stage.ok(&arguments);
        } else {
            assert_eq!(said.code, 0, "{said:?}");
        }
    }

    /// As its operator: looks whether the table is there, and says so.
    async fn resolve(&mut self, said: &Said) {
        let url = self.stage.variables.get("DATABASE_URL").cloned();
        assert!(url.is_some_and(|url| url.starts_with("mysql")), "{said:?}");
        for id in self.tenants.clone() {
            let unfinished = "SELECT version FROM _sqlx_migrations WHERE NOT success";
            for version in self.ask(&id, unfinished).await {
                let table = format!(
                    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't{version}'"
                );
                if !self.ask(&id, &table).await.is_empty() {
                    let drop = format!("DROP TABLE t{version}");
                    self.ask(&id, &drop).await;
                }
                let arguments = ["resolve", version.as_str(), "--tenant", id.as_str()];
                self.stage
                    .ok(&[&arguments[..], &["--not-applied"]].concat());
            }
        }
    }

    fn rotate(&mut self) {
        if self.tenants.is_empty() || self.stage.is_sqlite() {
            return;
        }
        let count = self.tenants.len() as u64;
        let at = usize::try_from(self.below(count)).unwrap();
        let id = self.tenants[at].clone();
        let arguments = ["tenant", "rotate-password", id.as_str()];
        self.kill(&arguments);
        self.stage.ok(&arguments);
    }

    fn remove(&mut self) {
        let Some(id) = self.tenants.pop() else {
            return;
        };
        self.stage.ok(&["tenant", "suspend", id.as_str()]);
        let folder = format!("export-{id}");
        let arguments = [
            "tenant",
            "deprovision",
            &id,
            "--yes-drop",
            &id,
            "--export",
            &folder,
        ];
        self.kill(&arguments);
        let removed = self.stage.json(&arguments);
        assert!(
            removed["export"]["bytes"].as_u64().unwrap() > 0,
            "{removed}"
        );
        self.look_into(&folder);
    }

    /// Whatever was killed, the export is whole, and of one version.
    fn look_into(&self, folder: &str) {
        let folder = self.stage.path(folder);
        let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["final"], true);
        let version = manifest["applied_version"].as_i64().unwrap();
        let tables = manifest["tables"].as_array().unwrap();
        if self.stage.is_sqlite() {
            assert!(folder.join("database.db").exists());
        } else {
            // One for each migration, and the ledger.
            assert_eq!(i64::try_from(tables.len()).unwrap(), version + 1);
        }
        let files = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, 1 + tables.len().max(1));
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// The places that the registry has, the things that the server has, and what is in each.
    async fn check(&self) {
        let list = self.stage.json(&["tenant", "list"]);
        let (mut places, mut logins) = (BTreeSet::new(), BTreeSet::new());
        for tenant in list["tenants"].as_array().unwrap() {
            if tenant["status"] == "archived" {
                assert_eq!(tenant["provisioning"], "removed", "{tenant}");
                continue;
            }
            assert_eq!(tenant["status"], "active", "{tenant}");
            assert_eq!(tenant["provisioning"], "ready", "{tenant}");
            let id = tenant["id"].as_str().unwrap();
            let shown = self.stage.json(&["tenant", "show", id]);
            let place = &shown["tenant"]["placement"];
            let name = |part: &str| place[part].as_str().map(str::to_owned);
            places.insert(name("schema").or(name("database")).unwrap());
            logins.extend(name("credential"));
            self.check_place(id, &shown).await;
        }
        assert_eq!(self.tenants.len(), places.len());
        assert_eq!(self.places().await, places);
        assert_eq!(self.logins().await, logins);
    }

    /// Each migration is in it once, with its row, and the ledger and the registry say so.
    async fn check_place(&self, id: &str, shown: &Value) {
        let sql = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        let applied = self.ask(id, sql).await;
        let known = shown["tenant"]["applied_version"].as_i64().unwrap();
        let expected: Vec<_> = (1..=known).map(|version| version.to_string()).collect();
        assert_eq!(applied, expected, "{id}");
        for version in 1..=known {
            let rows = self.ask(id, &format!("SELECT id FROM t{version}")).await;
            assert_eq!(rows, [version.to_string()], "{id}");
        }
    }

    /// The first column, inside a tenant's place.
    async fn ask(&self, id: &str, sql: &str) -> Vec<String> {
        let shown = self.stage.json(&["tenant", "show", id]);
        let place = &shown["tenant"]["placement"];
        let Some(url) = self.stage.variables.get("DATABASE_URL") else {
            let file = self
                .stage
                .path("tenants")
                .join(place["database"].as_str().unwrap());
            return sqlite(&file.display().to_string(), sql).await;
        };
        let inside = match (place["database"].as_str(), place["schema"].as_str()) {
            (Some(database), _) => format!("{}/{database}", url.rsplit_once('/').unwrap().0),
            _ => url.clone(),
        };
        ask(&inside, place["schema"].as_str(), sql).await
    }

    /// All that has a tenant's name on the server, or in the folder.
    async fn places(&self) -> BTreeSet<String> {
        let Some((url, prefix)) = self.server() else {
            let folder = std::fs::read_dir(self.stage.path("tenants"));
            let names = folder.into_iter().flatten();
            let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
            // A killed process may leave a hidden draft behind, and no more.
            let journal = |name: &String| name.ends_with("-wal") || name.ends_with("-shm");
            return names
                .filter(|name| !name.starts_with('.') && !journal(name))
                .collect();
        };
        let sql = if url.starts_with("mysql") {
            format!(
                "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '{prefix}%'"
            )
        } else {
            format!(
                "SELECT datname::text FROM pg_database WHERE datname LIKE '{prefix}%' \
                 UNION SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'tenant\\_%' OR nspname LIKE '{prefix}%'"
            )
        };
        ask(&url, None, &sql).await.into_iter().collect()
    }

    async fn logins(&self) -> BTreeSet<String> {
        let Some((url, prefix)) = self.server() else {
            return BTreeSet::new();
        };
        let sql = if url.starts_with("mysql") {
            format!("SELECT User FROM mysql.user WHERE User LIKE '{prefix}%'")
        } else {
            // Tenants' ids begin with a t here, and no role of the test's own ends in a digit.
            format!("SELECT rolname::text FROM pg_roles WHERE rolname ~ '^{prefix}t[0-9]+$'")
        };
        ask(&url, None, &sql).await.into_iter().collect()
    }

    /// Its URL, and what stands before each tenant's names, as a pattern.
    fn server(&self) -> Option<(String, String)> {
        let url = self.stage.variables.get("DATABASE_URL")?;
        let name = url.rsplit_once('/').unwrap().1;
        Some((url.clone(), format!("{}\\_", name.replace('_', "\\_"))))
    }
}

async fn ask(url: &str, schema: Option<&str>, sql: &str) -> Vec<String> {
    if url.starts_with("mysql") {
        let mut connection = sqlx::MySqlConnection::connect(url).await.unwrap();
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let value = |row: &sqlx::mysql::MySqlRow| {
            row.try_get::<i64, _>(0)
                .map(|number| number.to_string())
                .or_else(|_| row.try_get::<i32, _>(0).map(|number| number.to_string()))
                .unwrap_or_else(|_| {
                    let bytes: Vec<u8> = row.try_get_unchecked(0).unwrap();
                    String::from_utf8(bytes).unwrap()
                })
        };
        return rows.iter().map(value).collect();
    }
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    if let Some(schema) = schema {
        let path = AssertSqlSafe(format!("SET search_path = \"{schema}\""));
        sqlx::query(path).execute(&mut connection).await.unwrap();
    }
    let sql = format!("SELECT (one.*)::text FROM ({sql}) AS one");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let value = |row: &sqlx::postgres::PgRow| row.get::<String, _>(0);
    rows.iter()
        .map(|row| value(row).trim_matches(['(', ')', '"']).to_owned())
        .collect()
}

async fn sqlite(file: &str, sql: &str) -> Vec<String> {
    let url = format!("sqlite://{file}");
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.get::<i64, _>(0).to_string())
        .collect()
}
