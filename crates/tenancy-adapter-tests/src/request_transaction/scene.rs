//! Two tenants with the same keys, requests of theirs, and a judge who sees all.

use std::time::Duration;

use tenancy_conformance::{Row, Session, Tier};
use tenancy_core::{
    Availability, NoRequestTransaction, OpenScope, RequestTransaction, RequestView, Strategy,
    Tenancy, TenantScope, TransactionalDatabase,
};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres_pool::TenantPoolBuilder;
use tenancy_testkit::postgres::majors;
use tokio_postgres::{Client, Config, NoTls};

use crate::{Adapted, World, until};

/// Longer than any of this may take.
const LONG: Duration = Duration::from_secs(20);

/// The ids of the notes that both tenants start with.
const SEEDS: [i64; 2] = [1, 2];

pub(super) struct Scene<A> {
    pub(super) world: World<'static>,
    pub(super) pool: A,
    /// Where both tenants are open.
    pub(super) tenancy: Tenancy,
    /// Of each tenant's place: a connection past every wall.
    judges: [Client; 2],
}

/// Plays a test with row security, on a pool of so many connections.
pub(super) async fn each<A: Adapted>(connections: u32, test: impl AsyncFn(Scene<A>)) {
    each_in(&[Tier::RowLevelSealed], connections, test).await;
}

pub(super) async fn each_in<A: Adapted>(
    tiers: &[Tier],
    connections: u32,
    test: impl AsyncFn(Scene<A>),
) {
    for major in majors() {
        for tier in tiers {
            let world = World::new(*tier, major, TenantKind::Text).await;
            test(Scene::of(world, connections).await).await;
        }
    }
}

impl<A: Adapted> Scene<A> {
    async fn of(world: World<'static>, connections: u32) -> Self {
        let settings = settings::<A>(&world, connections).acquire_timeout(LONG);
        let pool = A::connect(&world, settings).await;
        let judges = [judge(&world, 0).await, judge(&world, 1).await];
        let scene = Self {
            tenancy: world.serving(Availability::Open),
            pool: pool.unwrap_or_else(|error| panic!("{error}")),
            judges,
            world,
        };
        for at in [0, 1] {
            for id in SEEDS {
                let sql = format!(
                    "INSERT INTO {} (tenant_id, id, title) VALUES ('{tenant}', {id}, '{tenant}')",
                    scene.table(at),
                    tenant = scene.tenant(at),
                );
                scene.judges[at].batch_execute(&sql).await.unwrap();
            }
        }
        scene
    }

    /// Another pool, on the same database.
    pub(super) async fn another_pool(&self, connections: u32, patience: Duration) -> A {
        let settings = settings::<A>(&self.world, connections).acquire_timeout(patience);
        let pool = A::connect(&self.world, settings).await;
        pool.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn tenant(&self, at: usize) -> &str {
        self.world.tenants()[at].as_str()
    }

    /// A request of the first or the second tenant's, as an integration opens it.
    pub(super) async fn request(&self, at: usize) -> OpenScope {
        self.request_of(&self.tenancy, at).await.with_transaction()
    }

    /// The same of another [`Tenancy`], and without a transaction.
    pub(super) async fn request_of(&self, tenancy: &Tenancy, at: usize) -> OpenScope {
        let asked = Asked(self.tenant(at));
        tenancy.open_request(&asked).await.unwrap()
    }

    /// One statement in a request's transaction.
    pub(super) async fn say(&self, scope: &TenantScope, sql: &str) -> Vec<Row> {
        let mut tx = self.pool.request_transaction(scope).await.unwrap();
        A::session(&mut tx).simple(sql).await.unwrap()
    }

    /// What an application writes, whose own title is its tenant's id.
    pub(super) fn insert(&self, at: usize, id: i64) -> String {
        format!(
            "INSERT INTO {} (id, title) VALUES ({id}, '{}')",
            self.notes(),
            self.tenant(at)
        )
    }

    /// Inserts a note in a request's transaction.
    pub(super) async fn add(&self, at: usize, open: &OpenScope, id: i64) {
        self.say(open.scope(), &self.insert(at, id)).await;
    }

    /// The notes that a session sees, each with its own title.
    pub(super) async fn seen(&self, session: &mut dyn Session) -> Vec<String> {
        let sql = format!(
            "SELECT id || ' ' || title FROM {} ORDER BY id",
            self.notes()
        );
        let rows = session.simple(&sql).await.unwrap();
        rows.into_iter().flatten().flatten().collect()
    }

    /// The notes that the request's transaction sees.
    pub(super) async fn seen_by(&self, open: &OpenScope) -> Vec<String> {
        let mut tx = self.pool.request_transaction(open.scope()).await.unwrap();
        self.seen(&mut *A::session(&mut tx)).await
    }

    /// The seeds and these, as [`seen`](Self::seen) shows a tenant's own.
    pub(super) fn own(&self, at: usize, added: &[i64]) -> Vec<String> {
        let ids = SEEDS.iter().chain(added);
        ids.map(|id| format!("{id} {}", self.tenant(at))).collect()
    }

    /// Has the judge see that these were added to the tenant's notes, and nothing else.
    pub(super) async fn has(&self, at: usize, added: &[i64]) {
        let sql = format!(
            "SELECT id || ' ' || title FROM {} WHERE tenant_id = '{}' ORDER BY id",
            self.table(at),
            self.tenant(at),
        );
        let rows = self.judges[at].query(&sql, &[]).await.unwrap();
        let kept: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(kept, self.own(at, added));
        let sql = format!("SELECT count(*) FROM {}", self.table(at));
        let all: i64 = self.judges[at].query_one(&sql, &[]).await.unwrap().get(0);
        if self.strategy() != Strategy::RowLevel {
            assert_eq!(usize::try_from(all).unwrap(), kept.len());
        }
    }

    /// The second tenant gets what the first has left, sees its own rows, and writes one of them.
    pub(super) async fn the_next_tenant_is_served(&self, before: &[i64], id: i64) {
        let next = self.request(1).await;
        assert_eq!(self.seen_by(&next).await, self.own(1, before));
        self.add(1, &next, id).await;
        next.end_transaction(true).await.unwrap();
        self.has(1, &[before, &[id]].concat()).await;
        drop(next);
        self.all_back().await;
    }

    /// Waits until nothing is checked out.
    pub(super) async fn all_back(&self) {
        back(&self.pool).await;
    }

    /// The judge of the database that the stage is in.
    pub(super) fn judge(&self) -> &Client {
        &self.judges[0]
    }

    /// As the tenants write it: the tables are their own, but on shared ground.
    fn notes(&self) -> &'static str {
        if self.strategy() == Strategy::RowLevel {
            "conformance.notes"
        } else {
            "notes"
        }
    }

    /// As the judge writes it.
    fn table(&self, at: usize) -> String {
        let placement = self.world.stage().tenants()[at].placement();
        let schema = match self.strategy() {
            Strategy::SchemaPerTenant => placement.schema_name().unwrap(),
            Strategy::DatabasePerTenant => "public",
            _ => "conformance",
        };
        format!("\"{}\".notes", schema.replace('"', "\"\""))
    }

    fn strategy(&self) -> Strategy {
        self.world.stage().tier().strategy()
    }
}

/// Waits until nothing of a pool is checked out.
pub(super) async fn back<A: Adapted>(pool: &A) {
    until("capacity to come back", async || pool.status().in_use == 0).await;
}

/// Why core refused a request's transaction.
pub(super) fn refused<A: Adapted>(
    answer: Result<RequestTransaction<'_, A::Pool>, A::Error>,
) -> NoRequestTransaction {
    let error = answer.unwrap_err();
    match A::of_the_scope(&error) {
        Some(tenancy_core::Error::RequestTransaction(why)) => *why,
        other => panic!("{other:?} {error:?}"),
    }
}

/// The one value of the one row.
pub(super) fn value(rows: Vec<Row>) -> String {
    rows.into_iter().flatten().flatten().next().unwrap()
}

/// A handle on the transaction, as what the suite speaks with.
pub(super) fn session<'h, A: Adapted>(
    tx: &'h mut RequestTransaction<'_, A::Pool>,
) -> Box<dyn Session + 'h> {
    let handle: &mut <A::Pool as TransactionalDatabase>::Handle = tx;
    A::session(handle)
}

fn settings<A: Adapted>(world: &World<'_>, connections: u32) -> TenantPoolBuilder<A::Driver> {
    world
        .settle(A::builder(world.url()))
        .max_connections(connections)
        .max_per_tenant(u32::MAX)
}

async fn judge(world: &World<'_>, at: usize) -> Client {
    let mut config: Config = world.database().admin_url().parse().unwrap();
    if let Some(name) = world.stage().tenants()[at].placement().database_name() {
        config.dbname(name);
    }
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A request that names its tenant, and promises to change nothing, so that a read-only one lets it in.
struct Asked<'a>(&'a str);

impl RequestView for Asked<'_> {
    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        let named = (name == "x-tenant").then_some(self.0.as_bytes());
        named.into_iter().collect()
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn only_reads(&self) -> bool {
        true
    }
}
