//! Behind a real `PgBouncer` in transaction mode: what a careless one lets through, and that nothing
//! gets through where `tenancy` serves.

mod attacks;
mod forgetting;
mod interleaved;
mod login;
mod pins;
mod seen;

use tenancy_postgres::pooler::{BeginAnswer, begin_sql};
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::{Binding, Challenge};
use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig, is_left_out};
use tenancy_testkit::postgres::majors;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::support::World;

/// Runs `test` on every major of this run, each in a fresh installation with a pooled login.
async fn on_every_major(test: impl AsyncFn(&World)) {
    if is_left_out() {
        println!("left out: PgBouncer");
        return;
    }
    for major in majors() {
        println!("PostgreSQL {major}");
        test(&World::pooled(major).await).await;
    }
}

/// One server connection, so that the next transaction meets what the last one left.
async fn one(config: PgBouncerConfig) -> PgBouncer {
    let config = PgBouncerConfig {
        pool_size: 1,
        ..config
    };
    PgBouncer::start(config).await.unwrap()
}

async fn client(world: &World, pooler: &PgBouncer, role: &str) -> Client {
    let url = pooler.url_for(role, world.database.password());
    world.database.connect(&url).await.unwrap()
}

async fn pooled(world: &World, pooler: &PgBouncer) -> Client {
    client(world, pooler, world.database.pooled_role()).await
}

/// The columns of the last row.
async fn last_row(client: &Client, sql: &str) -> Result<Vec<Option<String>>, Error> {
    let mut last = Vec::new();
    for message in client.simple_query(sql).await? {
        if let SimpleQueryMessage::Row(row) = message {
            last = (0..row.len())
                .map(|at| row.get(at).map(str::to_owned))
                .collect();
        }
    }
    Ok(last)
}

fn borrowed(row: &[Option<String>]) -> Vec<Option<&str>> {
    row.iter().map(Option::as_deref).collect()
}

/// The first trip of a scoped transaction.
async fn begin(world: &World, client: &Client) -> Result<Challenge, tenancy_postgres::Error> {
    let nonce = Nonce::random().unwrap();
    let row = last_row(client, &begin_sql(&nonce)).await.unwrap();
    BeginAnswer::parse(&borrowed(&row), &nonce, world.roles.pooled().unwrap())
}

/// Both trips.
async fn enter(world: &World, client: &Client, tenant: &str) {
    let challenge = begin(world, client).await.unwrap();
    let proof = world.prove_for(&challenge, tenant, Binding::Transaction);
    let answer = last_row(client, &proof.enter_sql()).await.unwrap();
    assert!(proof.is_answered_by(answer[0].as_deref().unwrap()));
}

/// A scoped transaction in which `sql` runs. It looks at nothing that an earlier one left.
async fn carelessly(
    world: &World,
    client: &Client,
    tenant: &str,
    sql: &str,
) -> Result<Vec<Option<String>>, Error> {
    let row = last_row(client, "BEGIN; SELECT tenancy.leave()").await?;
    let challenge = Challenge::parse(row[0].as_deref().unwrap()).unwrap();
    let proof = world.prove_for(&challenge, tenant, Binding::Transaction);
    let outcome = async {
        client.simple_query(&proof.enter_sql()).await?;
        last_row(client, sql).await
    }
    .await;
    let end = if outcome.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    client.simple_query(end).await?;
    outcome
}
