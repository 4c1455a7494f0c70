//! The adversarial suite over [`TenantPool`], on every major that is supported.

use diesel::QueryResult;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::{AsQuery, AstPass, Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::row::{Field as _, Row as _};
use diesel::sql_types::{Text, Untyped};
use diesel_async::{AsyncConnectionCore as _, AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _};
use tenancy_adapter_tests::{Adapted, World};
use tenancy_conformance::{Body, Connections, Harness, Row, Session, SqlError, TransactionSession};
use tenancy_core::{BoxError, RequestTransaction, TenantId, TenantScope};
use tenancy_diesel::{
    Error, Finding, PoolError, PoolStatus, TenantConnection, TenantPool, TenantPoolBuilder,
    TenantTransaction,
};

#[derive(Clone)]
struct Diesel(TenantPool);

/// Anything that leads to Diesel's connection.
struct On<C>(C);

trait Leads: Send + Sync {
    fn driver(&mut self) -> &mut AsyncPgConnection;
}

impl Leads for TenantConnection<'_> {
    fn driver(&mut self) -> &mut AsyncPgConnection {
        self
    }
}

impl Leads for TenantTransaction<'_> {
    fn driver(&mut self) -> &mut AsyncPgConnection {
        self
    }
}

impl Leads for &mut AsyncPgConnection {
    fn driver(&mut self) -> &mut AsyncPgConnection {
        self
    }
}

impl<C: Leads> Session for On<C> {
    /// Diesel shows no rows of a simple message, so one statement is loaded. Several are one message
    /// indeed.
    fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        async move {
            let conn = self.0.driver();
            if sql.trim_end_matches(';').contains(';') {
                conn.batch_execute(sql).await.map_err(sql_error)?;
                return Ok(Vec::new());
            }
            let mut sql = sql.to_owned();
            if sql.contains("FROM pg_prepared_statements WHERE NOT from_sql AND") {
                // This very query, which is gone when it is answered.
                sql.push_str(" AND statement NOT LIKE '%pg_prepared_statements%'");
            }
            rows(conn, diesel::sql_query(sql)).await
        }
        .boxed()
    }

    fn prepared<'a>(
        &'a mut self,
        sql: &'a str,
        params: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
        let kept = Kept {
            sql: sql.to_owned(),
            params: params.iter().map(|param| (*param).to_owned()).collect(),
        };
        rows(self.0.driver(), kept).boxed()
    }
}

/// A query that Diesel keeps prepared.
struct Kept {
    sql: String,
    params: Vec<String>,
}

impl QueryFragment<Pg> for Kept {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut params = self.params.iter();
        for (at, piece) in self.sql.split('$').enumerate() {
            let Some(param) = (if at > 0 { params.next() } else { None }) else {
                pass.push_sql(piece);
                continue;
            };
            pass.push_bind_param::<Text, String>(param)?;
            pass.push_sql(piece.trim_start_matches(|digit: char| digit.is_ascii_digit()));
        }
        Ok(())
    }
}

impl QueryId for Kept {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Kept {
    type SqlType = Untyped;
}

async fn rows<Q>(conn: &mut AsyncPgConnection, query: Q) -> Result<Vec<Row>, SqlError>
where
    Q: AsQuery + Send,
    Q::Query: QueryFragment<Pg> + QueryId + Send,
{
    let rows = conn.load(query).await.map_err(sql_error)?;
    let rows: Vec<_> = rows.try_collect().await.map_err(sql_error)?;
    Ok(rows
        .iter()
        .map(|row| {
            (0..row.field_count())
                .map(|at| Some(written(row.get(at)?.value()?)))
                .collect()
        })
        .collect())
}

/// Numbers and truths come in binary; everything else that the suite asks for is text.
fn written(value: PgValue<'_>) -> String {
    let bytes = value.as_bytes();
    match (value.get_oid().get(), bytes) {
        (16, [held]) => if *held == 1 { "t" } else { "f" }.to_owned(),
        (20, _) => i64::from_be_bytes(bytes.try_into().unwrap()).to_string(),
        (21, _) => i16::from_be_bytes(bytes.try_into().unwrap()).to_string(),
        (23, _) => i32::from_be_bytes(bytes.try_into().unwrap()).to_string(),
        (26, _) => u32::from_be_bytes(bytes.try_into().unwrap()).to_string(),
        (1700, _) => numeric(bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
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

impl Harness for Diesel {
    fn adapter(&self) -> &'static str {
        "tenancy-diesel"
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
                async |tx: &mut AsyncPgConnection| -> Result<_, BoxError> {
                    body.run(&mut On(tx)).await
                },
            )
            .boxed()
    }

    fn evict<'a>(&'a self, tenant: &'a TenantId) -> Option<BoxFuture<'a, ()>> {
        self.0.evict(tenant);
        Some(std::future::ready(()).boxed())
    }

    fn connections(&self) -> Option<Connections> {
        let status = self.0.status();
        Some(Connections {
            max: status.max,
            size: status.size,
            in_use: status.in_use,
            waiting: status.waiting,
        })
    }
}

/// A whole number that is not negative: a sum of ids.
fn numeric(bytes: &[u8]) -> String {
    let mut words = bytes
        .chunks_exact(2)
        .map(|word| i16::from_be_bytes([word[0], word[1]]));
    let (Some(count), Some(weight), Some(0), Some(0)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        panic!("not a whole number: {bytes:?}");
    };
    let digits: Vec<_> = words.collect();
    assert_eq!(digits.len(), usize::try_from(count).unwrap());
    (0..=usize::try_from(weight).unwrap())
        .fold(0_i64, |sum, at| {
            sum * 10_000 + i64::from(digits.get(at).copied().unwrap_or(0))
        })
        .to_string()
}

/// Diesel shows kinds and messages, and no codes.
fn sql_error(error: DieselError) -> SqlError {
    let DieselError::DatabaseError(kind, said) = &error else {
        return SqlError::without_code(error);
    };
    let by_words = [
        ("permission denied", "42501"),
        ("must be a member of the role", "42501"),
        ("new row violates row-level security", "42501"),
        ("no tenant scope is open", "TN001"),
        ("currval of sequence", "55000"),
        ("the runtime role runs no DDL", "TN005"),
        ("relation ", "42P01"),
    ];
    let code = match kind {
        DatabaseErrorKind::UniqueViolation => Some("23505"),
        DatabaseErrorKind::ForeignKeyViolation => Some("23503"),
        _ => by_words
            .into_iter()
            .find_map(|(words, code)| said.message().starts_with(words).then_some(code)),
    };
    SqlError {
        code: code.map(str::to_owned),
        message: format!(
            "{} {} {}",
            said.message(),
            said.details().unwrap_or_default(),
            said.hint().unwrap_or_default()
        ),
    }
}

impl Adapted for Diesel {
    type Driver = tenancy_diesel::Diesel;
    type Error = Error;
    type Pool = TenantPool;

    fn builder(url: &str) -> TenantPoolBuilder<Self::Driver> {
        TenantPool::builder(url)
    }

    async fn connect(
        _world: &World<'_>,
        builder: TenantPoolBuilder<Self::Driver>,
    ) -> Result<Self, Error> {
        Ok(Self(builder.connect().await?))
    }

    fn of_the_pool(error: &Error) -> Option<&PoolError> {
        match error {
            Error::Pool(error) => Some(error),
            _ => None,
        }
    }

    async fn check_out(&self, scope: &TenantScope) -> Result<(), Error> {
        self.0.acquire(scope).await.map(drop)
    }

    async fn request_transaction<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> Result<RequestTransaction<'s, TenantPool>, Error> {
        self.0.request_transaction(scope).await
    }

    fn session(handle: &mut AsyncPgConnection) -> Box<dyn Session + '_> {
        Box::new(On(handle))
    }

    fn status(&self) -> PoolStatus {
        self.0.status()
    }

    fn evict_all(&self) {
        self.0.evict_all();
    }

    async fn verify(&self, scope: Option<&TenantScope>) -> Result<Vec<Finding>, Error> {
        match scope {
            Some(scope) => self.0.verify_for(scope).await,
            None => self.0.verify().await,
        }
    }

    fn may_skip(why: &str) -> bool {
        why == "the driver has no COPY"
    }
}

tenancy_adapter_tests::suite_tests!(Diesel);
tenancy_adapter_tests::separation_tests!(Diesel);
tenancy_adapter_tests::read_only_tests!(Diesel);
tenancy_adapter_tests::request_transaction_tests!(Diesel);
