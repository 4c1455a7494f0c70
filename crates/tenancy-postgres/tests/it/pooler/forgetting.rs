//! `DISCARD SEQUENCES` makes the server forget that a tenant was here; the rule of one tenant for one
//! transaction holds all the same.

use tenancy_postgres::seal::{Binding, Challenge};
use tenancy_testkit::postgres::majors;
use tokio_postgres::Client;

use super::last_row;
use crate::support::{World, leave, on_every_major, refused, text};

/// Enters a, reads the first of its rows by a cursor, makes the server forget, and gives the code of the
/// refusal of b, or the row that the cursor gives next in b's scope.
async fn forget(world: &World, client: &Client, simple: bool) -> Result<String, String> {
    let proof = world.prove(client, "a", Binding::Transaction).await;
    client
        .batch_execute(&format!(
            "BEGIN; {}; DECLARE loot CURSOR FOR SELECT title FROM notes ORDER BY id; FETCH loot",
            proof.enter_sql()
        ))
        .await
        .unwrap();
    client.batch_execute("DISCARD SEQUENCES").await.unwrap();
    let challenge = if simple {
        Challenge::parse(&text(client, "SELECT tenancy.leave()").await.unwrap()).unwrap()
    } else {
        leave(client).await
    };
    let proof = world.prove_for(&challenge, "b", Binding::Transaction);
    let outcome = match client.batch_execute(&proof.enter_sql()).await {
        Ok(()) => Ok(text(client, "FETCH ALL FROM loot").await.unwrap()),
        Err(error) => Err(error.code().unwrap().code().to_owned()),
    };
    client.batch_execute("ROLLBACK").await.unwrap();
    outcome
}

#[tokio::test]
async fn a_forgotten_tenant_is_a_tenant_still() {
    on_every_major(async |world| {
        let second = "INSERT INTO notes VALUES ('a', 2, 'a2')";
        world.admin.batch_execute(second).await.unwrap();
        let client = world.runtime().await;
        for simple in [true, false] {
            assert_eq!(forget(&world, &client, simple).await, Err("TN004".to_owned()));
        }
        // Also where it is forgotten in the message that began the transaction.
        let proof = world.prove(&client, "a", Binding::Transaction).await;
        let sql = format!("BEGIN; {}; DISCARD SEQUENCES", proof.enter_sql());
        client.batch_execute(&sql).await.unwrap();
        let proof = world.prove(&client, "a", Binding::Transaction).await;
        assert_eq!(refused(&client, &proof.enter_sql()).await, "TN004", "not even the same one");
        client.batch_execute("ROLLBACK").await.unwrap();

        // Without the rule, b's scope reads a's rows.
        let source: String = world
            .admin
            .query_one("SELECT prosrc FROM pg_proc WHERE oid = 'tenancy.leave'::regproc", &[])
            .await
            .unwrap()
            .get(0);
        let condition = "pg_catalog.now() OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp()";
        assert!(source.contains(condition));
        world
            .admin
            .batch_execute(&format!(
                "CREATE OR REPLACE FUNCTION tenancy.leave() RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $t${}$t$",
                source.replace(condition, "true")
            ))
            .await
            .unwrap();
        assert_eq!(forget(&world, &client, true).await, Ok("a2".to_owned()));
    })
    .await;
}

/// What a pool does on a connection that has left nothing yet is not taken for forgetting.
#[tokio::test]
async fn the_first_leave_of_a_session_forgets_nothing() {
    for major in majors() {
        let world = World::new(major).await;
        for before in ["", "DISCARD ALL"] {
            // Behind a pooler: with BEGIN, in one message.
            let client = world.runtime().await;
            client.batch_execute(before).await.unwrap();
            let row = last_row(&client, "BEGIN; SELECT tenancy.leave()")
                .await
                .unwrap();
            let challenge = Challenge::parse(row[0].as_deref().unwrap()).unwrap();
            let proof = world.prove_for(&challenge, "b", Binding::Transaction);
            client.batch_execute(&proof.enter_sql()).await.unwrap();
            client.batch_execute("COMMIT").await.unwrap();

            // Elsewhere: alone, by either protocol, then a transaction.
            for simple in [true, false] {
                client.batch_execute("DISCARD ALL").await.unwrap();
                let challenge = if simple {
                    Challenge::parse(&text(&client, "SELECT tenancy.leave()").await.unwrap())
                        .unwrap()
                } else {
                    leave(&client).await
                };
                let proof = world.prove_for(&challenge, "b", Binding::Transaction);
                let sql = format!("BEGIN; {}; SELECT count(*) FROM notes", proof.enter_sql());
                assert_eq!(text(&client, &sql).await.unwrap(), "2");
                client.batch_execute("COMMIT").await.unwrap();
            }
        }
    }
}
