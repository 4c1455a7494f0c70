//! A folder with a `tenancy.toml`, a base database, and the program run in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tenancy_testkit::postgres::{Major, Server};
use tenancy_testkit::{mariadb, postgres};

pub(crate) const TENANCY: &str = env!("CARGO_BIN_EXE_tenancy");

/// Never to be seen in an output.
pub(crate) const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) variables: BTreeMap<String, String>,
    /// What no output may hold.
    pub(crate) hidden: Vec<String>,
    base: Base,
}

#[allow(dead_code)] // they are kept for as long as the test runs
enum Base {
    Sqlite,
    Postgres(postgres::Database),
    Mariadb(mariadb::Database),
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Stage {
    /// A base in SQLite, and tenants in files.
    pub(crate) fn sqlite() -> Self {
        let stage = Self::new(Base::Sqlite, "database");
        stage.write("tenancy.toml", "[base]\nurl = \"sqlite://base.db\"\n");
        stage
    }

    /// An administrator's base database on PostgreSQL, and databases or schemas for tenants.
    pub(crate) async fn postgres(major: Major, strategy: &str) -> Self {
        let server = Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        let (url, name) = (database.admin_url(), database.name().to_owned());
        let mut stage = Self::new(Base::Postgres(database), strategy);
        stage.served(&url, &name, strategy);
        stage
    }

    /// `None` where the run was told to do without.
    pub(crate) async fn mariadb() -> Option<Self> {
        if mariadb::is_left_out() {
            return None;
        }
        let server = mariadb::Server::shared().await.unwrap();
        let database = server.database().await.unwrap();
        let name = database.name().to_owned();
        let url = format!("{}{name}", server.admin_url());
        let mut stage = Self::new(Base::Mariadb(database), "database");
        stage.served(&url, &name, "database");
        Some(stage)
    }

    fn new(base: Base, strategy: &str) -> Self {
        let variables = [
            ("TENANCY_KEY", format!("k1:{KEY}")),
            ("USER", "ada".to_owned()),
            ("TENANCY_TENANTS_STRATEGY", strategy.to_owned()),
        ];
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            hidden: vec![KEY.trim_end_matches('=').to_owned()],
            base,
        }
    }

    /// Names of its own on a server that others use at the same time.
    fn served(&mut self, url: &str, name: &str, strategy: &str) {
        let password = url.split([':', '@']).nth(2).unwrap();
        self.hidden.push(password.to_owned());
        self.variables.insert("DATABASE_URL".into(), url.into());
        self.variables.remove("TENANCY_TENANTS_STRATEGY");
        let mut config = "[base]\nurl = \"${DATABASE_URL}\"\n".to_owned();
        write!(
            config,
            "[tenants]\nstrategy = \"{strategy}\"\ndatabase_prefix = \"{name}_\"\nlogin_prefix = \"{name}_\"\n"
        )
        .unwrap();
        if url.starts_with("postgres") {
            writeln!(config, "owner = \"{name}_tables\"").unwrap();
        }
        self.write("tenancy.toml", &config);
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.base, Base::Sqlite)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.into(), value.into());
    }

    /// The program, in this folder and with nothing of this process's environment but its path.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(TENANCY);
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Runs it, and looks through all that it says for what is hidden.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.finish(self.command(arguments).output().unwrap())
    }

    pub(crate) fn finish(&self, output: Output) -> Said {
        let said = Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        for hidden in &self.hidden {
            let shown = said.out.contains(hidden) || said.err.contains(hidden);
            assert!(!shown, "a secret is shown: {said:?}");
        }
        said
    }

    /// What it says on success.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// The one JSON document on success.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let out = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&out).unwrap()
    }

    /// The code of the error and the exit code: the same in JSON, alone on standard output, and as
    /// text, alone on standard error.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str]) -> (String, i32) {
        // Flags behind `--` are another program's.
        let said = self.run(&[&["--json"], arguments].concat());
        let document: Value = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said:?}"));
        let error = &document["error"];
        assert!(!error["message"].as_str().unwrap().is_empty(), "{said:?}");
        let text = self.run(arguments);
        assert_eq!(text.out, "", "{arguments:?}: {text:?}");
        assert!(text.err.contains("error: "), "{arguments:?}: {text:?}");
        assert_eq!(text.code, said.code, "{text:?}");
        (error["code"].as_str().unwrap().to_owned(), said.code)
    }

    /// The message of the error, in text.
    #[track_caller]
    pub(crate) fn complaint(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert!(said.code != 0 && said.out.is_empty(), "{said:?}");
        said.err
    }
}
