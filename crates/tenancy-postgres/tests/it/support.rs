//! A database with everything installed, and what tests ask of it.

use tenancy_core::TenantId;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::plan::Plan;
use tenancy_postgres::seal::{Binding, Challenge, LEAVE, Proof, TenantKind};
use tenancy_postgres::wall::Wall;
use tenancy_testkit::postgres::{Database, Major, Server, majors};
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// A database with the installation, and its key.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) admin: Client,
    pub(crate) roles: Roles,
    pub(crate) key: SealingKey,
}

/// A key that every test may know.
pub(crate) fn key(id: u8) -> SealingKey {
    SealingKey::new(KeyId::new(id.into()).unwrap(), [id; 32])
}

/// Runs `test` on every major of this run, each in a fresh installation.
pub(crate) async fn on_every_major(test: impl AsyncFn(World)) {
    for major in majors() {
        println!("PostgreSQL {major}");
        test(World::new(major).await).await;
    }
}

impl World {
    pub(crate) async fn bare(major: Major) -> Self {
        Self::on(Server::shared(major).await.unwrap()).await
    }

    /// On a server of the test's own, with nothing installed.
    pub(crate) async fn on(server: &Server) -> Self {
        let database = server.database().await.unwrap();
        let admin = database.admin().await.unwrap();
        let roles = Roles::new(
            Identifier::new(database.runtime_role()).unwrap(),
            Identifier::new(database.central_role()).unwrap(),
            Identifier::new(database.owner_role()).unwrap(),
        )
        .unwrap();
        Self {
            database,
            admin,
            roles,
            key: key(1),
        }
    }

    /// Installed, with the tables `notes` (text), `papers` (uuid) and `tickets` (bigint).
    pub(crate) async fn new(major: Major) -> Self {
        Self::bare(major).await.installed().await
    }

    /// The same with a login for connection poolers.
    pub(crate) async fn pooled(major: Major) -> Self {
        let mut world = Self::bare(major).await;
        let pooled = Identifier::new(world.database.pooled_role()).unwrap();
        world.roles = world.roles.with_pooled(pooled).unwrap();
        world.installed().await
    }

    pub(crate) async fn installed(self) -> Self {
        let world = self;
        run(
            &world.admin,
            Install::new(world.roles.clone(), world.key.clone()).plan(),
        )
        .await;
        let owner = world.roles.table_owner().quoted();
        let tables = [
            ("notes", TenantKind::Text),
            ("papers", TenantKind::Uuid),
            ("tickets", TenantKind::Bigint),
        ];
        for (table, kind) in tables {
            let kind_name = kind.sql_type();
            world
                .admin
                .batch_execute(&format!(
                    "CREATE TABLE {table} (tenant_id {kind_name} NOT NULL, id bigint NOT NULL, title text, \
                     PRIMARY KEY (tenant_id, id)); ALTER TABLE {table} OWNER TO {owner};"
                ))
                .await
                .unwrap();
            let wall =
                Wall::new(table.parse().unwrap(), "tenant_id".parse().unwrap(), kind).unwrap();
            run(&world.admin, wall.plan(&world.roles)).await;
        }
        world
            .admin
            .batch_execute(
                "INSERT INTO notes VALUES ('a', 1, 'a1'), ('b', 1, 'b1'), ('b', 2, 'b2')",
            )
            .await
            .unwrap();
        world
    }

    pub(crate) async fn runtime(&self) -> Client {
        self.database
            .connect(&self.database.runtime_url())
            .await
            .unwrap()
    }

    pub(crate) async fn prove(&self, client: &Client, tenant: &str, binding: Binding) -> Proof {
        let challenge = leave(client).await;
        self.prove_for(&challenge, tenant, binding)
    }

    pub(crate) fn prove_for(&self, challenge: &Challenge, tenant: &str, binding: Binding) -> Proof {
        let tenant = TenantId::new(tenant).unwrap();
        self.key
            .prove(&tenant, TenantKind::Text, binding, challenge)
            .unwrap()
    }

    /// A session-bound scope.
    pub(crate) async fn enter(&self, client: &Client, tenant: &str) {
        let proof = self.prove(client, tenant, Binding::Session).await;
        client.batch_execute(&proof.enter_sql()).await.unwrap();
    }
}

/// Runs every step of a plan; none may fail.
pub(crate) async fn run(client: &Client, plan: Plan) {
    for step in plan {
        if let Some(done) = step.done_sql()
            && client.query_one(done, &[]).await.unwrap().get(0)
        {
            continue;
        }
        if let Err(error) = client.batch_execute(step.sql()).await {
            panic!("step {:?}: {error:?}", step.name());
        }
        if let Some(holds) = step.holds_sql() {
            assert!(
                client
                    .query_one(holds, &[])
                    .await
                    .unwrap()
                    .get::<_, bool>(0),
                "{}",
                step.name()
            );
        }
    }
}

pub(crate) async fn leave(client: &Client) -> Challenge {
    let row = client.query_one(LEAVE, &[]).await.unwrap();
    Challenge::parse(row.get(0)).unwrap()
}

/// The first column of the rows of the last statement, as text.
pub(crate) async fn column(client: &Client, sql: &str) -> Result<Vec<Option<String>>, Error> {
    let mut rows = Vec::new();
    for message in client.simple_query(sql).await? {
        match message {
            SimpleQueryMessage::Row(row) => rows.push(row.get(0).map(str::to_owned)),
            SimpleQueryMessage::RowDescription(_) => rows.clear(),
            _ => {}
        }
    }
    Ok(rows)
}

/// One text.
pub(crate) async fn text(client: &Client, sql: &str) -> Result<String, Error> {
    let rows = column(client, sql).await?;
    Ok(rows.into_iter().next().flatten().unwrap_or_default())
}

/// The code of the error that `sql` must end in.
pub(crate) async fn refused(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(answer) => panic!("was not refused: {sql}\n{answer:?}"),
        Err(error) => error.code().expect("the server answered").code().to_owned(),
    }
}
