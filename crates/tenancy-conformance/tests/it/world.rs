//! A fresh database with everything installed, for one run of the suite.

use tenancy_conformance::Stage;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::Roles;
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::postgres::{Database, Major, Server};

pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) database: Database,
}

pub(crate) fn roles(database: &Database) -> Roles {
    let name = |name: &str| Identifier::new(name).unwrap();
    Roles::new(
        name(database.runtime_role()),
        name(database.central_role()),
        name(database.owner_role()),
    )
    .unwrap()
}

impl World {
    pub(crate) async fn new(major: Major, kind: TenantKind) -> Self {
        let database = Server::shared(major)
            .await
            .unwrap()
            .database()
            .await
            .unwrap();
        Self::on(database, kind, Database::runtime_url).await
    }

    pub(crate) async fn on(
        database: Database,
        kind: TenantKind,
        runtime_url: impl FnOnce(&Database) -> String,
    ) -> Self {
        let runtime_url = runtime_url(&database);
        let stage = Stage::install(&database.admin_url(), &runtime_url, &roles(&database), kind)
            .await
            .unwrap();
        Self { stage, database }
    }
}
