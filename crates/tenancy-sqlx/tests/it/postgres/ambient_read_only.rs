//! SQLx's own pool in a read-only scope: its checkouts read, and those of open scopes write.

use sqlx::postgres::PgPool;
use tenancy_core::{Availability, MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_sqlx::Error;

use super::ambient::{assert_no_scope, own, titles};
use super::stage::{ACME, GLOBEX, Stage, each};

fn tenancy(availability: Availability) -> Tenancy {
    let tenants = [ACME, GLOBEX]
        .map(|id| Tenant::new(TenantId::new(id).unwrap()).with_availability(availability));
    Tenancy::builder(MemoryStore::new(tenants))
        .without_requests()
        .build()
}

#[track_caller]
fn assert_read_only<T: std::fmt::Debug>(answer: sqlx::Result<T>) {
    let error = answer.unwrap_err();
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("25006"), "{error}");
}

async fn insert(pool: &PgPool, id: i64) -> sqlx::Result<()> {
    let sql = "INSERT INTO notes (id, title) VALUES ($1, 'more')";
    sqlx::query(sql).bind(id).execute(pool).await.map(drop)
}

#[tokio::test]
async fn its_checkouts_read_and_those_of_open_scopes_write() {
    each(async |stage: Stage| {
        let closed = tenancy(Availability::ReadOnly { until: None });
        let open = tenancy(Availability::Open);
        // One connection, which all of them get, and one that is made for each.
        for (connections, round) in [(1, 0), (3, 1)] {
            let pool = stage.ambient_pool(connections).await;
            let mut id = 1_000 * (round + 1);
            for reading in [ACME, GLOBEX] {
                let read = async |_: &TenantScope| -> Result<(), Error> {
                    assert!(titles(&pool).await.unwrap().starts_with(&own(reading)));
                    assert_read_only(insert(&pool, 1).await);
                    let mut held = pool.acquire().await.unwrap();
                    let raised = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; \
                                  INSERT INTO notes (id, title) VALUES (2, 'x')";
                    assert_read_only(sqlx::raw_sql(raised).execute(&mut *held).await);
                    drop(held);
                    let mut held = pool.acquire().await.unwrap();
                    let ended = "COMMIT; INSERT INTO notes (id, title) VALUES (2, 'x')";
                    assert_no_scope(sqlx::raw_sql(ended).execute(&mut *held).await);
                    drop(held);
                    let mut transaction = pool.begin().await.unwrap();
                    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM notes")
                        .fetch_one(&mut *transaction)
                        .await
                        .unwrap();
                    assert!(count >= 3);
                    transaction.commit().await.unwrap();
                    Ok(())
                };
                closed.run(reading, read).await.unwrap();
                for writing in [ACME, GLOBEX] {
                    id += 1;
                    let write = async |_: &TenantScope| -> Result<(), Error> {
                        insert(&pool, id).await.unwrap();
                        Ok(())
                    };
                    open.run(writing, write).await.unwrap();
                }
            }
            pool.close().await;
        }
        for tenant in [ACME, GLOBEX] {
            assert_eq!(stage.titles(tenant).await.len(), 3 + 4);
        }
    })
    .await;
}
