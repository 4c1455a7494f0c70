//! A base database with the schemas of two tenants, each with a login, and one login for both.

use tenancy_core::TenantId;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::role::TenantRole;
use tenancy_postgres::schema::{SchemaAccess, TenantSchema, prepare, routed_startup_options};
use tenancy_testkit::postgres::{Major, majors};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{World, run};
use crate::tenants::{PASSWORD, id};

pub(crate) struct Town {
    pub(crate) world: World,
    pub(crate) a: House,
    pub(crate) b: House,
}

/// One tenant: its schema and its login.
pub(crate) struct House {
    pub(crate) schema: TenantSchema,
    pub(crate) login: TenantRole,
}

/// Runs `test` on every major of this run, each in a town of its own.
pub(crate) async fn in_every_town(test: impl AsyncFn(&Town)) {
    for major in majors() {
        println!("PostgreSQL {major}");
        let town = Town::new(major).await;
        test(&town).await;
        town.clear().await;
    }
}

impl Town {
    async fn new(major: Major) -> Self {
        let world = World::bare(major).await;
        let keep = [
            world.owner(),
            Identifier::new(world.database.central_role()).unwrap(),
        ];
        run(&world.admin, prepare(&keep)).await;
        let a = House::new(&world, "a").await;
        let b = House::new(&world, "b").await;
        for house in [&a, &b] {
            house.furnish(&world, house.access()).await;
            house.furnish(&world, world.routed()).await;
            let (schema, tenant) = (house.schema.name().quoted(), house.tenant());
            world
                .admin
                .batch_execute(&format!(
                    "SET ROLE {owner}; \
                     CREATE TABLE {schema}.notes (id bigint PRIMARY KEY, title text); \
                     INSERT INTO {schema}.notes VALUES (1, '{tenant}1'), (2, '{tenant}2'); \
                     CREATE SEQUENCE {schema}.numbers; \
                     CREATE FUNCTION {schema}.whose() RETURNS text LANGUAGE sql AS $$ SELECT '{tenant}' $$; \
                     CREATE VIEW {schema}.titles AS SELECT title FROM {schema}.notes; \
                     RESET ROLE",
                    owner = world.owner().quoted(),
                ))
                .await
                .unwrap();
        }
        Self { world, a, b }
    }

    /// Logins are the server's: the database's end leaves them.
    async fn clear(self) {
        for house in [&self.a, &self.b] {
            run(&self.world.admin, house.login.drop_plan()).await;
        }
    }

    pub(crate) fn admin(&self) -> &Client {
        &self.world.admin
    }

    /// As the tenant's own login, with the path that the pool pins.
    pub(crate) async fn at(&self, house: &House) -> Client {
        let options = house.schema.startup_options();
        self.connect(house.login.name().as_str(), PASSWORD, &options)
            .await
    }

    /// As the login that all share, bound to nothing.
    pub(crate) async fn shared(&self) -> Client {
        self.connect(
            self.world.database.runtime_role(),
            self.world.database.password(),
            &routed_startup_options(),
        )
        .await
    }

    pub(crate) async fn connect(
        &self,
        user: &str,
        password: &str,
        options: &[(&'static str, String)],
    ) -> Client {
        let database = self.world.database.name();
        self.world
            .open(user, password, database, options)
            .await
            .unwrap()
    }
}

impl World {
    pub(crate) fn owner(&self) -> Identifier {
        self.roles.table_owner().clone()
    }

    pub(crate) fn routed(&self) -> SchemaAccess {
        SchemaAccess::Routed {
            runtime: self.roles.runtime().clone(),
        }
    }
}

impl House {
    async fn new(world: &World, tenant: &str) -> Self {
        Self {
            schema: TenantSchema::new(&id(tenant), tenant.parse().unwrap()).unwrap(),
            login: world.login(tenant).await,
        }
    }

    async fn furnish(&self, world: &World, access: SchemaAccess) {
        run(&world.admin, self.schema.create(&world.owner(), &access)).await;
    }

    pub(crate) fn access(&self) -> SchemaAccess {
        SchemaAccess::Login {
            login: self.login.name().clone(),
        }
    }

    pub(crate) fn tenant(&self) -> &TenantId {
        self.schema.tenant()
    }
}

/// The last row that a message is answered with.
pub(crate) async fn last_row(client: &Client, sql: &str) -> Vec<Option<String>> {
    let mut last = Vec::new();
    for message in client.simple_query(sql).await.unwrap() {
        if let SimpleQueryMessage::Row(row) = message {
            last = (0..row.len())
                .map(|at| row.get(at).map(str::to_owned))
                .collect();
        }
    }
    last
}

pub(crate) fn borrowed(row: &[Option<String>]) -> Vec<Option<&str>> {
    row.iter().map(Option::as_deref).collect()
}
