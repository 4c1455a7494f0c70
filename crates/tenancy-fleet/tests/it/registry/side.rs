//! A connection beside the registry's, which sees what is really there.

use sqlx::{AssertSqlSafe, Connection as _, Row as _};

pub(crate) enum Side {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
    Mariadb(sqlx::MySqlConnection),
}

/// The same call on each of them.
macro_rules! each {
    ($side:expr, $connection:ident => $call:expr) => {
        match $side {
            Side::Sqlite($connection) => $call,
            Side::Postgres($connection) => $call,
            Side::Mariadb($connection) => $call,
        }
    };
}

impl Side {
    pub(crate) async fn connect(url: &str) -> Self {
        Self::try_connect(url).await.unwrap()
    }

    pub(crate) async fn try_connect(url: &str) -> Result<Self, sqlx::Error> {
        Ok(match url.split(':').next().unwrap() {
            "sqlite" => Self::Sqlite(sqlx::SqliteConnection::connect(url).await?),
            "postgres" => Self::Postgres(sqlx::PgConnection::connect(url).await?),
            _ => Self::Mariadb(sqlx::MySqlConnection::connect(url).await?),
        })
    }

    /// Waits until it is closed: a file of SQLite's has no log beside it then.
    pub(crate) async fn close(self) {
        each!(self, connection => connection.close().await.unwrap());
    }

    pub(crate) async fn try_run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        each!(self, connection => sqlx::Executor::execute(connection, sql).await.map(drop))
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        self.try_run(sql).await.unwrap();
    }

    /// The first column of the first row.
    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        each!(self, connection => {
            let row = sqlx::query(sql).fetch_one(connection).await.unwrap();
            row.get(0)
        })
    }

    /// Everything in these columns of text, in one.
    pub(crate) async fn texts(&mut self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        each!(self, connection => {
            let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
            let mut all = String::new();
            for row in &rows {
                for column in 0..row.len() {
                    let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).unwrap();
                    all.push_str(&String::from_utf8(bytes.unwrap_or_default()).unwrap());
                    all.push('\n');
                }
            }
            all
        })
    }

    /// Has every audit row refused from here on.
    pub(crate) async fn break_the_audit(&mut self) {
        match self {
            Self::Sqlite(_) => {
                self.run("CREATE TRIGGER broken BEFORE INSERT ON tenancy_audit BEGIN SELECT RAISE(ABORT, 'broken'); END")
                    .await;
            }
            Self::Postgres(_) => {
                self.run(
                    "CREATE FUNCTION public.broken() RETURNS trigger LANGUAGE plpgsql AS \
                     $$ BEGIN RAISE EXCEPTION 'broken'; END $$; \
                     CREATE TRIGGER broken BEFORE INSERT ON tenancy_audit EXECUTE FUNCTION public.broken()",
                )
                .await;
            }
            Self::Mariadb(_) => {
                self.run(
                    "CREATE TRIGGER broken BEFORE INSERT ON tenancy_audit FOR EACH ROW \
                     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'broken'",
                )
                .await;
            }
        }
    }
}
