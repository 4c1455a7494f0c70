//! Row-level with a login for each tenant.

mod attacks;
mod canonical;
mod identity;
mod naive;
mod plans;
mod verify;
mod wall;

use secrecy::SecretString;
use tenancy_core::TenantId;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::Install;
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::wall::Wall;
use tenancy_testkit::postgres::{Major, majors};
use tokio_postgres::Client;

use crate::support::{World, run};

/// The tables and the tenants of each, `a` first.
pub(crate) const TABLES: [(&str, TenantKind, [&str; 2]); 3] = [
    ("notes", TenantKind::Text, ["acme", "beta"]),
    (
        "papers",
        TenantKind::Uuid,
        [
            "6f1c2f0e-0000-4000-8000-00000000000a",
            "6f1c2f0e-0000-4000-8000-00000000000b",
        ],
    ),
    ("tickets", TenantKind::Bigint, ["1000", "2000"]),
];

/// A database whose walls read the login.
pub(crate) struct Town {
    pub(crate) world: World,
    pub(crate) logins: TenantLogins,
}

pub(crate) async fn in_every_town(test: impl AsyncFn(Town)) {
    for major in majors() {
        println!("PostgreSQL {major}");
        test(Town::new(major).await).await;
    }
}

pub(crate) fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

pub(crate) fn password() -> SecretString {
    "only 'for' a \\ test".to_owned().into()
}

impl Town {
    /// Roles are the cluster's, so each town has a prefix of its own.
    pub(crate) async fn bare(major: Major) -> Self {
        Self::of(World::bare(major).await)
    }

    pub(crate) fn of(world: World) -> Self {
        let name = world.database.name();
        let logins = TenantLogins::new(
            Identifier::new(&format!("{name}_tenants")).unwrap(),
            &format!("x{}_", name.trim_start_matches("t_")),
        )
        .unwrap();
        Self { world, logins }
    }

    pub(crate) async fn new(major: Major) -> Self {
        let town = Self::bare(major).await;
        let (admin, roles) = (&town.world.admin, &town.world.roles);
        run(admin, Install::without_key(roles.clone()).plan()).await;
        run(admin, town.logins.install(roles).unwrap()).await;
        for (table, kind, tenants) in TABLES {
            let kind_name = kind.sql_type();
            let owner = roles.table_owner().quoted();
            admin
                .batch_execute(&format!(
                    "CREATE TABLE {table} (tenant_id {kind_name} NOT NULL, id bigint NOT NULL, title text, \
                     PRIMARY KEY (tenant_id, id)); ALTER TABLE {table} OWNER TO {owner};"
                ))
                .await
                .unwrap();
            run(admin, town.wall(table, kind).plan(roles)).await;
            for id in tenants {
                let create = town.logins.create_login(kind, &tenant(id), &password());
                run(admin, create.unwrap()).await;
                admin
                    .batch_execute(&format!(
                        "INSERT INTO {table} VALUES ('{id}', 1, 'row one of {id}'), ('{id}', 2, 'row two of {id}')"
                    ))
                    .await
                    .unwrap();
            }
        }
        town
    }

    pub(crate) fn wall(&self, table: &str, kind: TenantKind) -> Wall {
        Wall::new(table.parse().unwrap(), "tenant_id".parse().unwrap(), kind)
            .unwrap()
            .for_logins(&self.logins)
    }

    pub(crate) fn login(&self, kind: TenantKind, id: &str) -> String {
        let login = self.logins.login(kind, &tenant(id)).unwrap();
        login.as_str().to_owned()
    }

    pub(crate) async fn connect(&self, kind: TenantKind, id: &str) -> Client {
        self.enter(&self.login(kind, id)).await.unwrap()
    }

    /// A connection of this login, with the password of the tests.
    pub(crate) async fn enter(&self, login: &str) -> Result<Client, tokio_postgres::Error> {
        use secrecy::ExposeSecret as _;
        let mut config: tokio_postgres::Config = self.world.database.runtime_url().parse()?;
        config.user(login).password(password().expose_secret());
        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Roles by hand, as an administrator may make them, in the group.
    pub(crate) async fn stranger(&self, id: &str) -> Client {
        use secrecy::ExposeSecret as _;
        let name = Identifier::new(&format!("{}{id}", self.logins.prefix())).unwrap();
        let secret = password().expose_secret().replace('\'', "''");
        let sql = format!(
            "CREATE ROLE {0} LOGIN PASSWORD '{secret}'; GRANT {1} TO {0}",
            name.quoted(),
            self.logins.group().quoted()
        );
        self.world.admin.batch_execute(&sql).await.unwrap();
        self.enter(name.as_str()).await.unwrap()
    }
}
