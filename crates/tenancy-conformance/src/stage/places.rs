//! A schema or a database for each of the stage's tenants, and their logins.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::Placement;
use tenancy_postgres::database::TenantDatabase;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::Roles;
use tenancy_postgres::role::TenantRole;
use tenancy_postgres::schema::{self, SchemaAccess, TenantSchema};

use super::install::{carry_out, judge, password, prefix};
use super::{Stage, StageError};
use crate::fixture::Tables;
use crate::place::Place;
use crate::side::Login;

/// Names that differ by their case alone, and need their quotes: whoever folds one or forgets the
/// quotes is with the other tenant, or nowhere.
const SCHEMAS: [&str; 2] = ["Acme \"one\", inc", "acme \"one\", inc"];
const LOGINS: [&str; 2] = ["Acme", "acme"];

impl Stage {
    pub(super) async fn make_schemas(&mut self, roles: &Roles) -> Result<(), StageError> {
        let keep = [roles.table_owner().clone(), roles.central().clone()];
        self.carry_out(schema::prepare(&keep)).await?;
        let prefix = prefix()?;
        for (at, name) in SCHEMAS.into_iter().enumerate() {
            let mut placement = Placement::schema(name);
            let mut access = SchemaAccess::Routed {
                runtime: roles.runtime().clone(),
            };
            if self.tier.has_logins() {
                let login: Identifier = format!("{prefix}{}", LOGINS[at]).parse()?;
                self.make_login(at, &login, None).await?;
                placement = placement.with_credential(login.as_str());
                access = SchemaAccess::Login { login };
            }
            let schema = TenantSchema::new(&self.sides[at].id, name.parse()?)?;
            self.carry_out(schema.create(roles.table_owner(), &access))
                .await?;
            let side = &mut self.sides[at];
            side.placement = placement;
            side.place = Place::new(self.judge.clone(), name);
            self.make_tables(at, roles, access.login()).await?;
        }
        Ok(())
    }

    pub(super) async fn make_databases(&mut self, roles: &Roles) -> Result<(), StageError> {
        let prefix = prefix()?;
        for (at, name) in LOGINS.into_iter().enumerate() {
            let login: Identifier = format!("{prefix}{name}").parse()?;
            let name: Identifier = format!("{prefix}{name} db").parse()?;
            self.make_login(at, &login, Some(name.as_str())).await?;
            let database = TenantDatabase::new(&self.sides[at].id, name.clone(), login.clone())?;
            self.leavings.database(name.as_str());
            self.carry_out(database.create(roles.table_owner())).await?;
            let mut admin = self.admin.clone();
            admin.dbname(name.as_str());
            let own_judge = Arc::new(judge(&admin).await?);
            carry_out(&own_judge, database.open(roles.table_owner())).await?;
            let side = &mut self.sides[at];
            side.placement = Placement::database(name.as_str()).with_credential(login.as_str());
            side.place = Place::new(own_judge, database.schema().as_str());
            self.make_tables(at, roles, &login).await?;
        }
        Ok(())
    }

    /// A login of the tenant's own, into `database` where that is another than the URLs'.
    async fn make_login(
        &mut self,
        at: usize,
        login: &Identifier,
        database: Option<&str>,
    ) -> Result<(), StageError> {
        let password = password()?;
        let role = TenantRole::new(&self.sides[at].id, login.clone())?;
        self.leavings.role(login.as_str());
        self.carry_out(role.create(&password)?).await?;
        self.let_in(at, login, password, database);
        Ok(())
    }

    /// Notes down what a side logs in with.
    pub(super) fn let_in(
        &mut self,
        at: usize,
        login: &Identifier,
        password: SecretString,
        database: Option<&str>,
    ) {
        let mut config = self.runtime.clone();
        config
            .user(login.as_str())
            .password(password.expose_secret());
        if let Some(database) = database {
            config.dbname(database);
        }
        self.sides[at].login = Some(Login {
            role: login.as_str().to_owned(),
            password,
            config,
        });
    }

    /// The fixture's tables in one tenant's own place.
    async fn make_tables(
        &self,
        at: usize,
        roles: &Roles,
        reader: &Identifier,
    ) -> Result<(), StageError> {
        let side = &self.sides[at];
        let tables = Tables {
            schema: &side.place.schema,
            kind: self.kind,
            owner: roles.table_owner(),
            readers: &reader.quoted(),
            tenant: Some(side),
        };
        side.place
            .simple(&tables.sql())
            .await
            .map(drop)
            .map_err(|error| StageError::Fixture {
                what: "a tenant's tables",
                message: error.message,
            })
    }
}
