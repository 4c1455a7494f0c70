//! A message of the pool's own, by what Diesel offers: it shows no rows of a simple message, so its
//! last queries are loaded each by itself. All are on the wire together.

use diesel::QueryResult;
use diesel::deserialize::FromSql;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error as DieselError;
use diesel::row::{Field as _, Row as _};
use diesel::sql_types::{BigInt, Bool, Integer, Text, Untyped};
use diesel_async::{AsyncConnectionCore as _, AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::TryStreamExt as _;
use futures_util::future::{join, try_join_all};
use tenancy_postgres_pool::Row;

/// Raises where SQL has prepared a statement: it may have taken the name of one that is loaded below.
const GUARD: &str = "SELECT 1 OPERATOR(pg_catalog./) (pg_catalog.count(*) OPERATOR(pg_catalog.=) 0)::pg_catalog.int4 \
 FROM pg_catalog.pg_prepared_statements AS p WHERE p.from_sql";

/// What is longer is asked once for a connection, and not kept prepared.
const SHORT: usize = 2048;

/// Sends `sql`, and reads the rows of the queries at its end.
pub(crate) async fn message(conn: &AsyncPgConnection, sql: &str) -> QueryResult<Vec<Row>> {
    let mut statements = statements(sql);
    let first = statements
        .iter()
        .rposition(|statement| !is_query(statement))
        .map_or(0, |last| last + 1);
    let queries = statements.split_off(first);
    statements.push(GUARD);
    let head = statements.join("; ");
    let queries = queries.into_iter().map(|query| rows(conn, query));
    let (head, rows) = join(batch(conn, &head), try_join_all(queries)).await;
    head?;
    Ok(rows?.into_iter().flatten().collect())
}

/// The first poll sends it.
pub(crate) async fn batch(mut conn: &AsyncPgConnection, sql: &str) -> QueryResult<()> {
    conn.batch_execute(sql).await
}

/// The statements of a message. There are neither dollar quotes nor block comments in the pool's own.
fn statements(sql: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut start, mut within) = (0, None);
    for (at, &byte) in sql.as_bytes().iter().enumerate() {
        match (within, byte) {
            (None, b'\'' | b'"') => within = Some(byte),
            (None, b'-') if sql[at..].starts_with("--") => within = Some(b'\n'),
            (None, b';') => {
                statements.push(sql[start..at].trim());
                start = at + 1;
            }
            (Some(end), _) if byte == end => within = None,
            _ => {}
        }
    }
    statements.push(sql[start..].trim());
    statements.retain(|statement| !statement.is_empty());
    statements
}

fn is_query(statement: &str) -> bool {
    ["SELECT ", "WITH "]
        .iter()
        .any(|word| statement.starts_with(word))
}

async fn rows(mut conn: &AsyncPgConnection, query: &str) -> QueryResult<Vec<Row>> {
    let rows = conn.load(Ask::new(query)).await?;
    rows.and_then(async |row| {
        (0..row.field_count())
            .map(|at| text(row.get(at).ok_or(DieselError::NotFound)?.value()))
            .collect()
    })
    .try_collect()
    .await
}

/// A value as the server writes it as text. The pool asks for nothing but numbers, truths and text.
fn text(value: Option<PgValue<'_>>) -> QueryResult<Option<String>> {
    let Some(value) = value else {
        return Ok(None);
    };
    let read = match value.get_oid().get() {
        BOOL => {
            FromSql::<Bool, Pg>::from_sql(value).map(|held| if held { "t" } else { "f" }.to_owned())
        }
        INT4 => FromSql::<Integer, Pg>::from_sql(value).map(|number: i32| number.to_string()),
        INT8 => FromSql::<BigInt, Pg>::from_sql(value).map(|number: i64| number.to_string()),
        _ => FromSql::<Text, Pg>::from_sql(value),
    };
    read.map(Some).map_err(DieselError::DeserializationError)
}

const BOOL: u32 = 16;
const INT8: u32 = 20;
const INT4: u32 = 23;

/// One query. Its nonces are parameters, so that its text is the same each time and Diesel keeps it
/// prepared.
struct Ask {
    /// Around the nonces.
    pieces: Vec<String>,
    nonces: Vec<String>,
    keep: bool,
}

impl Ask {
    fn new(query: &str) -> Self {
        let mut ask = Self {
            pieces: Vec::new(),
            nonces: Vec::new(),
            keep: query.len() <= SHORT,
        };
        let mut rest = query;
        while let Some((before, nonce, behind)) = nonce(rest) {
            ask.pieces.push(before.to_owned());
            ask.nonces.push(nonce.to_owned());
            rest = behind;
        }
        ask.pieces.push(rest.to_owned());
        ask
    }
}

/// The first nonce, and what stands around its quotes.
fn nonce(sql: &str) -> Option<(&str, &str, &str)> {
    sql.match_indices('\'').find_map(|(at, _)| {
        let nonce = sql.get(at + 1..at + 33)?;
        let behind = sql[at + 33..].strip_prefix('\'')?;
        let is_nonce = nonce
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_nonce.then_some((&sql[..at], nonce, behind))
    })
}

impl QueryFragment<Pg> for Ask {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.keep {
            pass.unsafe_to_cache_prepared();
        }
        let mut nonces = self.nonces.iter();
        for piece in &self.pieces {
            pass.push_sql(piece);
            if let Some(nonce) = nonces.next() {
                pass.push_bind_param::<Text, String>(nonce)?;
            }
        }
        Ok(())
    }
}

impl QueryId for Ask {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Ask {
    type SqlType = Untyped;
}

#[cfg(test)]
mod tests {
    use diesel::debug_query;

    use super::*;

    #[test]
    fn statements_are_parted_outside_of_quotes_and_comments() {
        let sql = "ROLLBACK; SELECT ';', \";\" -- it's; not\n; RESET ALL;SELECT 1;";
        let parts = [
            "ROLLBACK",
            "SELECT ';', \";\" -- it's; not",
            "RESET ALL",
            "SELECT 1",
        ];
        assert_eq!(statements(sql), parts);
    }

    #[test]
    fn a_nonce_is_a_parameter_and_nothing_else_is() {
        let nonce = "0123456789abcdef0123456789abcdef";
        let ask = Ask::new(&format!(
            "SELECT 'it''s', '{nonce}'::text, '{nonce}a', 'a' -- it's"
        ));
        let shown = debug_query::<Pg, _>(&ask).to_string();
        assert_eq!(
            shown,
            format!("SELECT 'it''s', $1::text, '{nonce}a', 'a' -- it's -- binds: [{nonce:?}]")
        );
    }
}
