//! How long a scope lasts, and that one transaction sees one tenant.

use tenancy_postgres::seal::{Binding, Challenge};
use tokio_postgres::SimpleQueryMessage;

use crate::support::{on_every_major, refused, text};

const COUNT: &str = "SELECT count(*) FROM notes";

#[tokio::test]
async fn one_tenant_for_one_transaction() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        // A cursor of a's rows would be read in b's scope.
        for binding in [Binding::Transaction, Binding::Session] {
            for spoil in [
                "",
                "SELECT tenancy.enter(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL)",
            ] {
                let proof = world.prove(&client, "a", binding).await;
                client
                    .batch_execute(&format!(
                        "BEGIN; {}; DECLARE c CURSOR FOR SELECT title FROM notes",
                        proof.enter_sql()
                    ))
                    .await
                    .unwrap();
                if !spoil.is_empty() {
                    client.batch_execute("SAVEPOINT s").await.unwrap();
                    assert_eq!(refused(&client, spoil).await, "TN002");
                    client.batch_execute("ROLLBACK TO s").await.unwrap();
                }
                let proof = world.prove(&client, "b", binding).await;
                assert_eq!(
                    refused(&client, &proof.enter_sql()).await,
                    "TN004",
                    "{binding:?} {spoil}"
                );
                client.batch_execute("ROLLBACK").await.unwrap();
                assert_eq!(refused(&client, COUNT).await, "TN001");
            }
        }
        // A scope of the session, left in a later transaction.
        world.enter(&client, "a").await;
        client
            .batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT title FROM notes")
            .await
            .unwrap();
        let proof = world.prove(&client, "b", Binding::Session).await;
        assert_eq!(refused(&client, &proof.enter_sql()).await, "TN004");
        client.batch_execute("ROLLBACK").await.unwrap();
        // The same tenant again is no second one.
        let proof = world.prove(&client, "a", Binding::Transaction).await;
        client
            .batch_execute(&format!("BEGIN; {}", proof.enter_sql()))
            .await
            .unwrap();
        let proof = world.prove(&client, "a", Binding::Transaction).await;
        client.batch_execute(&proof.enter_sql()).await.unwrap();
        assert_eq!(text(&client, COUNT).await.unwrap(), "1");
        client.batch_execute("COMMIT").await.unwrap();
        // Nor is a second one in the next transaction.
        let proof = world.prove(&client, "b", Binding::Transaction).await;
        client
            .batch_execute(&format!("BEGIN; {}", proof.enter_sql()))
            .await
            .unwrap();
        client.batch_execute("COMMIT").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn commit_and_begin_in_one_message_is_one_moment() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        let proof = world.prove(&client, "a", Binding::Transaction).await;
        // now() stands still over it, so a's scope is there still; a second tenant is not let in.
        let sql = format!(
            "BEGIN; {}; COMMIT; BEGIN; SELECT tenancy.current_tenant(); SELECT tenancy.leave()",
            proof.enter_sql()
        );
        let mut answers = Vec::new();
        for message in client.simple_query(&sql).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = message {
                answers.push(row.get(0).unwrap().to_owned());
            }
        }
        assert_eq!(answers[1], "a");
        let challenge = Challenge::parse(&answers[2]).unwrap();
        let proof = world.prove_for(&challenge, "b", Binding::Transaction);
        assert_eq!(refused(&client, &proof.enter_sql()).await, "TN004");
    })
    .await;
}

#[tokio::test]
async fn a_transaction_bound_scope_ends_with_its_transaction() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        for end in ["COMMIT", "ROLLBACK"] {
            let proof = world.prove(&client, "a", Binding::Transaction).await;
            let sql = format!("BEGIN; {}; {COUNT}", proof.enter_sql());
            assert_eq!(text(&client, &sql).await.unwrap(), "1");
            client.batch_execute("SAVEPOINT s").await.unwrap();
            client.batch_execute("ROLLBACK TO s").await.unwrap();
            assert_eq!(text(&client, COUNT).await.unwrap(), "1");
            client.batch_execute(end).await.unwrap();
            assert_eq!(refused(&client, COUNT).await, "TN001");
        }
    })
    .await;
}
