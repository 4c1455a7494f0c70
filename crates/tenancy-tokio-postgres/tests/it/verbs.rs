//! What the pool hands out, and what can be done with it.

use futures_util::{TryStreamExt as _, pin_mut};
use tenancy_core::{Error as ScopeError, InCurrentScope as _, TenantScope};
use tenancy_tokio_postgres::{BulkInsert, Error, Isolation, PoolError, TransactionClient};
use tokio_postgres::types::Type;

use super::stage::{ACME, GLOBEX, Stage, each};

#[tokio::test]
async fn a_checkout_sees_its_tenant_only_in_every_form_of_query() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        for tenant in [ACME, GLOBEX] {
            let ticket = stage.scope(tenant).await;
            let mut client = pool.acquire(&ticket.scope).await.unwrap();
            let sql = "SELECT n.title FROM notes n JOIN tags t ON t.note = n.id ORDER BY n.id";
            let rows = client.query(sql, &[]).await.unwrap();
            let titles: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(titles, stage.titles(tenant).await);
            let statement = client.prepare("SELECT count(*) FROM tags").await.unwrap();
            let row = client.query_one(&statement, &[]).await.unwrap();
            assert_eq!(row.get::<_, i64>(0), 3);
            let copy = client
                .copy_out("COPY (SELECT title FROM notes ORDER BY id) TO STDOUT")
                .await
                .unwrap();
            pin_mut!(copy);
            let mut lines = String::new();
            while let Some(piece) = copy.try_next().await.unwrap() {
                lines.push_str(std::str::from_utf8(&piece).unwrap());
            }
            assert_eq!(lines, stage.titles(tenant).await.join("\n") + "\n");
            // The driver's own transaction, with its savepoints.
            let mut tx = client.transaction().await.unwrap();
            let point = tx.savepoint("point").await.unwrap();
            point.execute("DELETE FROM tags", &[]).await.unwrap();
            point.rollback().await.unwrap();
            assert_eq!(tx.query("SELECT FROM tags", &[]).await.unwrap().len(), 3);
            tx.commit().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn transactions_commit_roll_back_and_nest() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let add = "INSERT INTO notes (id, title) VALUES ($1, 'new')";
        drop({
            let tx = pool.begin(&acme.scope).await.unwrap();
            tx.execute(add, &[&10_i64]).await.unwrap();
            tx
        });
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        tx.execute(add, &[&11_i64]).await.unwrap();
        let point = tx.savepoint("a \"point\"").await.unwrap();
        point.execute(add, &[&12_i64]).await.unwrap();
        assert!(point.execute(add, &[&12_i64]).await.is_err());
        drop(point);
        let point = tx.savepoint("b").await.unwrap();
        point.execute(add, &[&13_i64]).await.unwrap();
        point.release().await.unwrap();
        let point = tx.savepoint("c").await.unwrap();
        point.execute(add, &[&14_i64]).await.unwrap();
        point.rollback().await.unwrap();
        tx.commit().await.unwrap();
        let ids = stage
            .admin
            .query(
                "SELECT id FROM notes WHERE id >= 10 AND tenant_id = 'acme' ORDER BY id",
                &[],
            )
            .await
            .unwrap();
        let ids: Vec<i64> = ids.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, [11, 13]);
        assert_eq!(stage.titles(GLOBEX).await.len(), 3);

        let tx = pool
            .begin_isolated(&acme.scope, Isolation::Serializable)
            .await
            .unwrap();
        let level = tx
            .query_one("SELECT current_setting('transaction_isolation')", &[])
            .await;
        assert_eq!(level.unwrap().get::<_, String>(0), "serializable");
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_closure_commits_on_ok_and_rolls_back_on_err() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let kept = pool
            .transaction(&acme.scope, async |tx| -> Result<u64, Error> {
                Ok(tx.execute("UPDATE notes SET title = 'kept'", &[]).await?)
            })
            .await;
        assert_eq!(kept.unwrap(), 3);
        let failed = pool
            .transaction(&acme.scope, async |tx: &mut TransactionClient| {
                tx.execute("UPDATE notes SET title = 'lost'", &[]).await?;
                tx.execute("SELECT 1 / 0", &[]).await?;
                Ok::<_, Error>(())
            })
            .await;
        assert!(matches!(failed, Err(Error::Statement(_))), "{failed:?}");
        let over = pool
            .transaction(&acme.scope, async |tx| -> Result<(), Error> {
                tx.batch_execute("COMMIT; BEGIN").await?;
                Ok(())
            })
            .await;
        assert!(
            matches!(over, Err(Error::Pool(PoolError::TransactionOver))),
            "{over:?}"
        );
        let passed_over = pool
            .transaction(&acme.scope, async |tx| -> Result<(), Error> {
                let _passed_over = tx.batch_execute("SELECT 1 / 0").await;
                Ok(())
            })
            .await;
        assert!(
            matches!(passed_over, Err(Error::Pool(PoolError::TransactionFailed))),
            "{passed_over:?}"
        );
        assert_eq!(stage.titles(ACME).await, ["kept"; 3]);
        assert_eq!(stage.titles(GLOBEX).await[0], "globex 1");
    })
    .await;
}

#[tokio::test]
async fn a_bulk_insert_stands_in_for_copy_from() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let globex = stage.scope(GLOBEX).await;
        let client = pool.acquire(&globex.scope).await.unwrap();
        let refused = client
            .copy_in::<_, bytes::Bytes>("COPY notes (id, title) FROM STDIN")
            .await;
        let refused = Error::from(refused.err().unwrap());
        assert!(matches!(refused, Error::CopyFrom(_)), "{refused:?}");
        // It has left the driver out of step, which the scrub sees.
        drop(client);
        let client = pool.acquire(&globex.scope).await.unwrap();
        let inserted = BulkInsert::into("notes")
            .column("id", Type::INT8_ARRAY, (10_i64..1010).collect::<Vec<_>>())
            .column("title", Type::TEXT_ARRAY, vec!["bulk"; 1000])
            .execute(&client)
            .await
            .unwrap();
        assert_eq!(inserted, 1000);
        let uneven = BulkInsert::into("notes")
            .column("id", Type::INT8_ARRAY, vec![1_i64, 2])
            .column("title", Type::TEXT_ARRAY, vec!["one"])
            .execute(&client)
            .await;
        assert!(
            matches!(uneven, Err(Error::Pool(PoolError::BulkShape))),
            "{uneven:?}"
        );
        drop(client);
        assert_eq!(stage.titles(GLOBEX).await.len(), 1003);
        assert_eq!(stage.titles(ACME).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_stream_outlives_its_handler_and_its_scope() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let sql = "SELECT title FROM notes WHERE id >= $1 ORDER BY id";
        let rows = pool
            .stream(acme.scope.ticket(), sql, &[&2_i64])
            .await
            .unwrap();
        let ended = acme.end().await;
        let rows: Vec<_> = rows.try_collect().await.unwrap();
        let titles: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(titles, ["acme 2", "acme 3"]);
        let late = pool.stream(ended, sql, &[&2_i64]).await;
        assert!(late.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_ambient_scope_is_enough() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let none = pool.acquire_current().await.unwrap_err();
        let Error::Pool(PoolError::Scope(none)) = none else {
            panic!("{none:?}")
        };
        assert!(matches!(*none, ScopeError::NoScope));
        let deep = pool.clone();
        let title = stage
            .tenancy
            .run(GLOBEX, async |_: &TenantScope| -> Result<String, Error> {
                let found = tokio::spawn(
                    async move {
                        let client = deep.acquire_current().await?;
                        let row = client
                            .query_one("SELECT min(title) FROM notes", &[])
                            .await?;
                        Ok::<String, Error>(row.get(0))
                    }
                    .in_current_scope(),
                );
                found.await.unwrap()
            })
            .await;
        assert_eq!(title.unwrap(), "globex 1");
    })
    .await;
}
