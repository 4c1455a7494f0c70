//! What an administrator runs for the logins.

use secrecy::SecretString;
use tenancy_core::TenantId;

use super::TenantLogins;
use crate::Error;
use crate::ident::Identifier;
use crate::install::Roles;
use crate::install::steps::{self, AS_OWNER, LOCK};
use crate::plan::{Needs, Plan, Step};
use crate::role::{TenantRole, connect_here};
use crate::seal::TenantKind;

impl TenantLogins {
    /// The steps for a database that holds an [`Install`](crate::install::Install) for the same
    /// roles (a key is not needed for logins): the group, with nothing but CONNECT and USAGE of
    /// the schema `public`, and what every login has by PUBLIC taken away. For a superuser, or a
    /// role that owns the database and has `CREATEROLE`.
    ///
    /// # Errors
    /// [`Error::Logins`] when a role of the installation is the group, or has a name that the wall
    /// would take for a tenant's login.
    pub fn install(&self, roles: &Roles) -> Result<Plan, Error> {
        let named = [roles.central(), roles.table_owner()];
        for role in roles.serving().chain(named) {
            if self.covers(role.as_str()) {
                return Err(Error::Logins {
                    reason: "a role of the installation starts with the prefix, so the wall would take it for a tenant",
                });
            }
            if role == self.group() {
                return Err(Error::Logins {
                    reason: "the group is a role of the installation that logs in",
                });
            }
        }
        let seen = self.roles(roles);
        let connect = Step::new(
            "logins connect",
            Needs::Database,
            format!("{LOCK} {}", connect_here(self.group())),
        );
        Ok(Plan {
            steps: vec![
                self.group_step(),
                steps::owner(),
                steps::login_functions(self.prefix()),
                record(self.group()),
                connect,
                steps::database(&seen),
                steps::neighbours(&seen),
                steps::language(&seen),
                steps::hand_back(),
            ],
        })
    }

    /// The steps that make a tenant's login: LOGIN and INHERIT, no other attribute, a member of the
    /// group and of nothing else, without ADMIN and (from 16 on) without SET. The text holds a
    /// SCRAM verifier, never the password. A role of this name that is there and isn't marked for
    /// this tenant stops it (`TN010`).
    ///
    /// # Errors
    /// As [`login`](Self::login); [`Error::Password`] when the password is empty or holds a NUL
    /// byte.
    pub fn create_login(
        &self,
        kind: TenantKind,
        tenant: &TenantId,
        password: &SecretString,
    ) -> Result<Plan, Error> {
        let role = self.role(kind, tenant)?;
        let join = self.join(role.name());
        let mut plan = role.create(password)?;
        plan.steps.push(join);
        Ok(plan)
    }

    /// Another password, for new connections: those that are open stay open.
    ///
    /// # Errors
    /// As [`create_login`](Self::create_login).
    pub fn set_password(
        &self,
        kind: TenantKind,
        tenant: &TenantId,
        password: &SecretString,
    ) -> Result<Plan, Error> {
        self.role(kind, tenant)?.set_password(password)
    }

    /// The steps that take a login away. Empty the tenant's shelf first: what is still connected
    /// gets errors, and no row, once its login is gone. One that is not there counts as dropped.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub fn drop_login(&self, kind: TenantKind, tenant: &TenantId) -> Result<Plan, Error> {
        Ok(self.role(kind, tenant)?.drop_plan())
    }

    fn role(&self, kind: TenantKind, tenant: &TenantId) -> Result<TenantRole, Error> {
        let role = TenantRole::new(tenant, self.login(kind, tenant)?)?.inheriting();
        Ok(match self.connection_limit {
            Some(connections) => role.connection_limit(connections),
            None => role,
        })
    }

    fn group_step(&self) -> Step {
        let sql = steps::create_role(
            self.group().as_str(),
            "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
        );
        Step::new("login group", Needs::CreateRole, format!("{LOCK} {sql}")).holds(format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {} AND NOT rolcanlogin AND NOT rolsuper \
             AND NOT rolcreatedb AND NOT rolcreaterole AND NOT rolreplication AND NOT rolbypassrls)",
            self.group().literal()
        ))
    }

    /// Before 16 whether a member may become the group is not to be chosen; it gains nothing by it.
    fn join(&self, login: &Identifier) -> Step {
        let (group, login) = (self.group().literal(), login.literal());
        Step::new(
            "login in group",
            Needs::CreateRole,
            format!(
                "{LOCK} DO $do$ BEGIN EXECUTE format('GRANT %I TO %I', {group}, {login}) || \
                 CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET FALSE' ELSE '' END; \
                 END $do$;"
            ),
        )
        .holds(format!("SELECT pg_catalog.pg_has_role({login}, {group}, 'USAGE')"))
    }
}

/// Its members are among those whose DDL the event trigger stops.
fn record(group: &Identifier) -> Step {
    let role = group.literal();
    Step::new(
        "record group",
        Needs::TenancyOwner,
        format!(
            "{LOCK} {AS_OWNER} INSERT INTO tenancy.runtime_role (role_name) VALUES ({role}) ON CONFLICT DO NOTHING;"
        ),
    )
    .holds(format!(
        "SELECT EXISTS (SELECT FROM tenancy.runtime_role WHERE role_name = {role})"
    ))
}
