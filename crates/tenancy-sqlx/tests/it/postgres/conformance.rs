//! The adversarial suite over [`TenantPool`], on every major that is supported.

use std::io::Write as _;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, ValueRef as _};
use tenancy_conformance::{
    Body, Harness, Row, Session, SqlError, Stage, Suite, TransactionSession,
};
use tenancy_core::{BoxError, TenantScope};
use tenancy_postgres::install::Roles;
use tenancy_sqlx::postgres::{TenantConnection, TenantKind, TenantPool, TenantTransaction};
use tenancy_testkit::postgres::{Database, Major, Server, majors, majors_all};

struct Sqlx(TenantPool);

/// Anything that leads to the driver's connection.
pub(super) struct On<C>(pub(super) C);

pub(super) trait Leads: Send {
    fn driver(&mut self) -> &mut PgConnection;
}

impl Leads for TenantConnection<'_> {
    fn driver(&mut self) -> &mut PgConnection {
        self
    }
}

impl Leads for TenantTransaction<'_> {
    fn driver(&mut self) -> &mut PgConnection {
        self
    }
}

impl Leads for &mut PgConnection {
    fn driver(&mut self) -> &mut PgConnection {
        self
    }
}

impl<C: Leads> Session for On<C> {
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        let sql = AssertSqlSafe(sql.to_owned());
        async move { rows(sqlx::raw_sql(sql).fetch_all(self.0.driver()).await) }.boxed()
    }

    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let query = params
            .iter()
            .fold(query, |query, param| query.bind(param.to_string()));
        async move { rows(query.fetch_all(self.0.driver()).await) }.boxed()
    }

    fn copy_out_half<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<(), SqlError>>> {
        let half = async move {
            let mut copy = self
                .0
                .driver()
                .copy_out_raw(sql)
                .await
                .map_err(|error| sql_error(&error))?;
            copy.next()
                .await
                .transpose()
                .map(drop)
                .map_err(|error| sql_error(&error))
        };
        Some(half.boxed())
    }

    fn copy_out<'a>(
        &'a mut self,
        sql: &'a str,
    ) -> Option<BoxFuture<'a, Result<Vec<String>, SqlError>>> {
        let whole = async move {
            let copy = self
                .0
                .driver()
                .copy_out_raw(sql)
                .await
                .map_err(|error| sql_error(&error))?;
            let pieces: Vec<_> = copy
                .try_collect()
                .await
                .map_err(|error| sql_error(&error))?;
            Ok(pieces
                .iter()
                .map(|piece| String::from_utf8_lossy(piece).into_owned())
                .collect())
        };
        Some(whole.boxed())
    }
}

impl TransactionSession for On<TenantTransaction<'_>> {
    fn commit<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a,
    {
        async move { Ok(self.0.commit().await?) }.boxed()
    }

    fn rollback<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), BoxError>>
    where
        Self: 'a,
    {
        async move { Ok(self.0.rollback().await?) }.boxed()
    }
}

impl Harness for Sqlx {
    fn adapter(&self) -> &'static str {
        "tenancy-sqlx"
    }

    fn acquire<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn Session + 'a>, BoxError>> {
        async move { Ok(Box::new(On(self.0.acquire(scope).await?)) as Box<dyn Session + 'a>) }
            .boxed()
    }

    fn begin<'a>(
        &'a self,
        scope: &'a TenantScope,
    ) -> BoxFuture<'a, Result<Box<dyn TransactionSession + 'a>, BoxError>> {
        async move { Ok(Box::new(On(self.0.begin(scope).await?)) as Box<dyn TransactionSession + 'a>) }
            .boxed()
    }

    fn transaction<'a>(
        &'a self,
        scope: &'a TenantScope,
        body: &'a Body,
    ) -> BoxFuture<'a, Result<Vec<Row>, BoxError>> {
        self.0
            .transaction(
                scope,
                async |tx: &mut PgConnection| -> Result<_, BoxError> {
                    body.run(&mut On(tx)).await
                },
            )
            .boxed()
    }
}

/// Every value as the server wrote it: text, in both of the suite's ways to ask.
fn rows(answer: Result<Vec<PgRow>, sqlx::Error>) -> Result<Vec<Row>, SqlError> {
    let value = |row: &PgRow, column| {
        let value = row.try_get_raw(column).unwrap();
        (!value.is_null()).then(|| value.as_str().unwrap().to_owned())
    };
    let answer = answer.map_err(|error| sql_error(&error))?;
    Ok(answer
        .iter()
        .map(|row| (0..row.len()).map(|column| value(row, column)).collect())
        .collect())
}

fn sql_error(error: &sqlx::Error) -> SqlError {
    let database = error.as_database_error();
    SqlError {
        code: database
            .and_then(sqlx::error::DatabaseError::code)
            .map(Into::into),
        message: format!("{error:?}"),
    }
}

/// A fresh database with everything installed.
pub(super) async fn installed(major: Major, kind: TenantKind) -> (Stage, Database, Roles) {
    let database = Server::shared(major)
        .await
        .unwrap()
        .database()
        .await
        .unwrap();
    let role = |name: &str| name.parse().unwrap();
    let roles = Roles::new(
        role(database.runtime_role()),
        role(database.central_role()),
        role(database.owner_role()),
    )
    .unwrap();
    let (admin, runtime) = (database.admin_url(), database.runtime_url());
    (
        Stage::install(&admin, &runtime, &roles, kind)
            .await
            .unwrap(),
        database,
        roles,
    )
}

async fn passes(kind: TenantKind, majors: Vec<Major>) {
    for major in majors {
        let (stage, database, roles) = installed(major, kind).await;
        let pool = TenantPool::builder(&database.runtime_url())
            .sealing_key(stage.sealing_key().unwrap().clone())
            .roles(roles)
            .kind(kind)
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(6))
            .connect()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let report = Suite::row_level_postgres().run(&Sqlx(pool), &stage).await;
        assert!(report.is_clean(), "{kind}:\n{report}");
        assert!(report.skipped().next().is_none(), "{kind}:\n{report}");
        note_down(report.server_version());
    }
}

/// For the table of what works, which is written from clean runs alone.
fn note_down(version: &str) {
    let Some(file) = std::env::var_os("TENANCY_TEST_EVIDENCE") else {
        return;
    };
    let line = format!("tenancy-sqlx\tPostgreSQL\t{version}\trow-level\tdatabase\n");
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text() {
    passes(TenantKind::Text, majors_all()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uuid() {
    passes(TenantKind::Uuid, majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bigint() {
    passes(TenantKind::Bigint, majors()).await;
}
