//! Many clients, few server connections, and an oracle.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tenancy_core::TenantId;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::pooler::{BeginAnswer, begin_sql};
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::{Binding, TenantKind};
use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use super::{borrowed, last_row, on_every_major};
use crate::support::column;

const CLIENTS: u64 = 100;
const TRANSACTIONS: u64 = 5;
const TENANTS: [&str; 5] = [
    "a",
    "b",
    "acme",
    "a-much-longer-name-of-a-tenant-0123456789",
    "z9",
];

/// How a transaction ends.
#[derive(Clone, Copy)]
enum End {
    Commit,
    Rollback,
    /// An error in the middle, then ROLLBACK.
    Error,
    /// The client is gone in the middle of it.
    Gone,
}

const ENDS: [End; 5] = [
    End::Commit,
    End::Commit,
    End::Rollback,
    End::Error,
    End::Gone,
];

/// What every client has, and what was committed by all of them.
struct Play {
    url: String,
    login: Identifier,
    key: SealingKey,
    committed: Mutex<BTreeSet<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_transactions_on_two_server_connections_see_their_own_tenant_only() {
    on_every_major(async |world| {
        world
            .admin
            .batch_execute("DELETE FROM notes")
            .await
            .unwrap();
        let pooler = PgBouncer::start(PgBouncerConfig {
            pool_size: 2,
            ..PgBouncerConfig::careful(&world.database)
        })
        .await
        .unwrap();
        let play = Arc::new(Play {
            url: pooler.url_for(world.database.pooled_role(), world.database.password()),
            login: world.roles.pooled().unwrap().clone(),
            key: world.key.clone(),
            committed: Mutex::default(),
        });
        let mut playing = JoinSet::new();
        for number in 0..CLIENTS {
            let play = Arc::clone(&play);
            playing.spawn(async move { play.client(number).await });
        }
        while let Some(done) = playing.join_next().await {
            done.unwrap();
        }
        let found = column(&world.admin, "SELECT concat(tenant_id, ' ', id) FROM notes").await;
        let found: BTreeSet<String> = found.unwrap().into_iter().flatten().collect();
        assert_eq!(found, *play.committed.lock().unwrap());
    })
    .await;
}

impl Play {
    async fn client(&self, number: u64) {
        let mut client = self.connect().await;
        let mut random = number;
        for turn in 0..TRANSACTIONS {
            // A generator of Knuth's: the same play each time, in another order.
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let dice = usize::try_from(random >> 40).unwrap();
            let tenant = TENANTS[dice % 5];
            let id = number * TRANSACTIONS + turn;
            self.transaction(&client, tenant, id, dice / 25 % 2 == 0)
                .await;
            match ENDS[dice / 5 % 5] {
                End::Commit => {
                    client.batch_execute("COMMIT").await.unwrap();
                    self.committed
                        .lock()
                        .unwrap()
                        .insert(format!("{tenant} {id}"));
                }
                End::Rollback => client.batch_execute("ROLLBACK").await.unwrap(),
                End::Error => {
                    client.simple_query("SELECT 1/0").await.unwrap_err();
                    client.batch_execute("ROLLBACK").await.unwrap();
                }
                End::Gone => client = self.connect().await,
            }
        }
    }

    async fn connect(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// All but its end: what it reads is its tenant's, by either protocol.
    async fn transaction(&self, client: &Client, tenant: &str, id: u64, simple: bool) {
        let nonce = Nonce::random().unwrap();
        let row = last_row(client, &begin_sql(&nonce)).await.unwrap();
        let challenge = BeginAnswer::parse(&borrowed(&row), &nonce, &self.login).unwrap();
        let proof = self
            .key
            .prove(
                &TenantId::new(tenant).unwrap(),
                TenantKind::Text,
                Binding::Transaction,
                &challenge,
            )
            .unwrap();
        let insert = format!("INSERT INTO notes (id) VALUES ({id})");
        let read = "SELECT DISTINCT tenant_id FROM notes";
        let seen: Vec<String> = if simple {
            client
                .batch_execute(&format!("{}; {insert}", proof.enter_sql()))
                .await
                .unwrap();
            column(client, read)
                .await
                .unwrap()
                .into_iter()
                .flatten()
                .collect()
        } else {
            // Queued together, as an adapter does.
            let enter = proof.enter_sql();
            let (entered, inserted, read) = tokio::join!(
                client.query_typed(&enter, &[]),
                client.query_typed(&insert, &[]),
                client.query_typed(read, &[]),
            );
            assert!(proof.is_answered_by(entered.unwrap()[0].get(0)));
            inserted.unwrap();
            read.unwrap().iter().map(|row| row.get(0)).collect()
        };
        assert_eq!(seen, [tenant]);
    }
}
