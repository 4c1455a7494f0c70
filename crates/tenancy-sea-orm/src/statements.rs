//! SeaORM's statements on SQLx's connection.

use sea_orm::sea_query::Values;
use sea_orm::{DbErr, ExecResult, QueryResult, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::error::{failed, unanswered};

/// As SeaORM binds it.
pub(crate) fn bound(statement: &Statement) -> Query<'_, Postgres, SqlxValues> {
    let values = statement.values.clone();
    let values = values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

pub(crate) async fn execute(
    connection: &mut PgConnection,
    statement: &Statement,
) -> Result<ExecResult, DbErr> {
    let done = bound(statement).execute(connection).await;
    done.map(ExecResult::from).map_err(failed)
}

pub(crate) async fn execute_unprepared(
    connection: &mut PgConnection,
    sql: &str,
) -> Result<ExecResult, DbErr> {
    let done = connection.execute(AssertSqlSafe(sql.to_owned())).await;
    done.map(ExecResult::from).map_err(failed)
}

pub(crate) async fn query_one(
    connection: &mut PgConnection,
    statement: &Statement,
) -> Result<Option<QueryResult>, DbErr> {
    let row = bound(statement).fetch_optional(connection).await;
    row.map(|row| row.map(QueryResult::from))
        .map_err(unanswered)
}

pub(crate) async fn query_all(
    connection: &mut PgConnection,
    statement: &Statement,
) -> Result<Vec<QueryResult>, DbErr> {
    let rows = bound(statement)
        .fetch_all(connection)
        .await
        .map_err(unanswered)?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}
