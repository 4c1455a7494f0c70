//! A key is replaced while scopes are opened.

use tenancy_core::TenantId;
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::rotate::{add_key, retire_key};
use tenancy_postgres::seal::{Binding, TenantKind};

use crate::support::{key, leave, on_every_major, refused, text};

const COUNT: &str = "SELECT count(*) FROM notes";

#[tokio::test]
async fn keys_rotate_while_scopes_are_opened() {
    on_every_major(async |world| {
        let client = world.runtime().await;
        let run = async |plan| crate::support::run(&world.admin, plan).await;
        run(add_key(&key(2))).await;
        run(add_key(&key(2))).await;
        let third = add_key(&key(3)).steps()[0].sql().to_owned();
        assert_eq!(
            refused(&world.admin, &third).await,
            "23502",
            "two live at a time"
        );
        let changed = SealingKey::new(KeyId::new(2).unwrap(), [9; 32]);
        let sql = add_key(&changed).steps()[0].sql().to_owned();
        let code = refused(&world.admin, &sql).await;
        assert!(
            ["23502", "23505"].contains(&code.as_str()),
            "a key does not change under its id: {code}"
        );

        let enter = async |number: u8| {
            let proof = key(number)
                .prove(
                    &TenantId::new("a").unwrap(),
                    TenantKind::Text,
                    Binding::Session,
                    &leave(&client).await,
                )
                .unwrap();
            client
                .batch_execute(&proof.enter_sql())
                .await
                .map_err(|e| e.code().unwrap().code().to_owned())
        };
        assert_eq!((enter(1).await, enter(2).await), (Ok(()), Ok(())));
        run(retire_key(KeyId::new(1).unwrap())).await;
        assert_eq!(
            text(&client, COUNT).await.unwrap(),
            "1",
            "an open scope stays open"
        );
        assert_eq!(
            (enter(1).await, enter(2).await),
            (Err("TN002".to_owned()), Ok(()))
        );
        run(add_key(&key(3))).await;
        assert_eq!(enter(3).await, Ok(()));
    })
    .await;
}
