//! Making a tenant's schema, granting it to whoever serves the tenant, and dropping it.

use std::fmt::Write as _;

use super::{SchemaAccess, TenantSchema};
use crate::ident::Identifier;
use crate::install::steps::LOCK;
use crate::mark;
use crate::plan::{Needs, Plan, Step};
use crate::role;
use crate::sqlstate::NOT_MARKED;

/// What the base database of schema-per-tenant must be before the first tenant comes: no rights
/// of everybody's in it, so that a tenant's login has what it was given and nothing else.
///
/// For the database's owner or a superuser, in that database. What PUBLIC had of the schema
/// `public` goes too, and is given to `keep`: the owner of the tables, the central role, and
/// whoever else works there.
pub fn prepare(keep: &[Identifier]) -> Plan {
    let mut sql = format!(
        "{LOCK} DO $do$ BEGIN \
         EXECUTE format('REVOKE CREATE, TEMPORARY, CONNECT ON DATABASE %I FROM PUBLIC', current_database()); \
         IF to_regnamespace('public') IS NOT NULL THEN REVOKE ALL ON SCHEMA public FROM PUBLIC; END IF; \
         END $do$;"
    );
    for role in keep {
        sql += &role::connect_here(role);
        let _ = write!(
            sql,
            "DO $do$ BEGIN IF to_regnamespace('public') IS NOT NULL THEN \
             EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', {}); END IF; END $do$;",
            role.literal()
        );
    }
    let step = Step::new("schema-per-tenant database", Needs::Database, sql).holds(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_database AS d, \
         pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS a \
         WHERE d.datname = pg_catalog.current_database() AND a.grantee = 0) \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace AS n, \
         pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a \
         WHERE n.nspname = 'public' AND a.grantee = 0)"
            .to_owned(),
    );
    Plan { steps: vec![step] }
}

impl TenantSchema {
    /// Makes the schema, marks it and grants it; may run twice. For a superuser, or for the
    /// database's owner who is a member of `owner`.
    ///
    /// A schema of this name that is there already and isn't marked for this tenant, or belongs
    /// to another role, stops it with `TN010`: nothing is ever adopted. So does a login that is
    /// marked for another tenant.
    pub fn create(&self, owner: &Identifier, access: &SchemaAccess) -> Plan {
        let name = self.name.literal();
        let mark = mark::of(&self.tenant);
        let sql = format!(
            "{LOCK} {} {} DO $do$ BEGIN \
             IF to_regnamespace(quote_ident({name})) IS NULL THEN \
             EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', {name}, {owner}); \
             EXECUTE format('SET LOCAL ROLE %I', {owner}); \
             EXECUTE format('COMMENT ON SCHEMA %I IS %L', {name}, '{mark}'); \
             ELSIF (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = {name}) <> {owner} THEN \
             RAISE EXCEPTION 'the tenant''s schema belongs to another role than was asked for' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Give it to the owner role with ALTER SCHEMA .. OWNER TO.'; \
             END IF; END $do$;",
            self.refuse_foreign(true),
            self.refuse_login(access),
            owner = owner.literal(),
        );
        let step = Step::new("tenant schema", Needs::Database, sql).holds(format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {name} \
             AND pg_catalog.obj_description(n.oid, 'pg_namespace') = '{mark}')"
        ));
        Plan { steps: vec![step] }.then(self.grant(owner, access))
    }

    /// Grants what serving the tenant needs: reading and writing tables and sequences, and
    /// calling functions, of those that `owner` has made and of those that it will make. No
    /// TRUNCATE, no REFERENCES, no DDL. May run twice.
    pub fn grant(&self, owner: &Identifier, access: &SchemaAccess) -> Plan {
        let schema = self.name.quoted();
        let login = access.login().quoted();
        let rows = "SELECT, INSERT, UPDATE, DELETE";
        let sql = format!(
            "{LOCK} {foreign} {foreign_login} SET LOCAL ROLE {owner}; \
             REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {login}; \
             GRANT USAGE ON SCHEMA {schema} TO {login}; \
             GRANT {rows} ON ALL TABLES IN SCHEMA {schema} TO {login}; \
             GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {login}; \
             GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {schema} TO {login}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rows} ON TABLES TO {login}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {login}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT EXECUTE ON ROUTINES TO {login};",
            foreign = self.refuse_foreign(false),
            foreign_login = self.refuse_login(access),
            owner = owner.quoted(),
        );
        let mut steps = vec![
            Step::new("tenant schema grants", Needs::TableOwner, sql).holds(format!(
                "SELECT pg_catalog.has_schema_privilege({}, n.oid, 'USAGE') FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {}",
                access.login().literal(),
                self.name.literal()
            )),
        ];
        steps.push(self.enter_database(access));
        Plan { steps }
    }

    /// CONNECT, and USAGE on the shared schemas: their owners are others.
    fn enter_database(&self, access: &SchemaAccess) -> Step {
        let login = access.login();
        let mut sql = format!("{LOCK} {}", self.refuse_login(access));
        sql += &role::connect_here(login);
        for shared in &self.shared {
            let _ = write!(
                sql,
                "GRANT USAGE ON SCHEMA {} TO {};",
                shared.quoted(),
                login.quoted()
            );
        }
        Step::new("tenant login's way in", Needs::Database, sql).holds(format!(
            "SELECT pg_catalog.has_database_privilege({}, pg_catalog.current_database(), 'CONNECT')",
            login.literal()
        ))
    }

    /// Drops the schema **with all that is in it**, for ever. One that is not there counts as
    /// dropped; one that isn't marked for this tenant is refused with `TN010`, and so is one that
    /// a view, a key or a default in another schema hangs on: `CASCADE` would reach into there.
    /// For a superuser or a member of the schema's owner.
    pub fn drop_plan(&self) -> Plan {
        let name = self.name.literal();
        let sql = format!(
            "{LOCK} {} DO $do$ BEGIN \
             IF EXISTS ({}) THEN \
             RAISE EXCEPTION 'objects of another schema depend on the tenant''s, and dropping it would drop them' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Drop those views, keys or defaults first.'; END IF; \
             EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', {name}); END $do$;",
            self.refuse_foreign(true),
            include_str!("dependents.sql").replace("{schema}", &name),
        );
        let step = Step::new("drop tenant schema", Needs::Database, sql).holds(format!(
            "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {name})"
        ));
        Plan { steps: vec![step] }
    }

    /// Stops the message when the login is another tenant's, or when all tenants are to share one
    /// that is any tenant's.
    fn refuse_login(&self, access: &SchemaAccess) -> String {
        match access {
            SchemaAccess::Login { login } => mark::refuse_foreign_login(login, &self.tenant),
            SchemaAccess::Routed { runtime } => format!(
                "DO $do$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = {} \
                 AND starts_with(shobj_description(oid, 'pg_authid'), '{}')) THEN \
                 RAISE EXCEPTION 'the login that all tenants are to share is marked as one tenant''s' \
                 USING ERRCODE = '{NOT_MARKED}', HINT = 'Share a login that is no tenant''s.'; \
                 END IF; END $do$;",
                runtime.literal(),
                mark::PREFIX,
            ),
        }
    }

    /// Stops the message when the schema isn't this tenant's, and when it is missing unless
    /// that is allowed.
    fn refuse_foreign(&self, may_be_missing: bool) -> String {
        let name = self.name.literal();
        let missing = if may_be_missing {
            String::new()
        } else {
            format!(" OR to_regnamespace(quote_ident({name})) IS NULL")
        };
        format!(
            "DO $do$ BEGIN IF EXISTS (SELECT FROM pg_namespace WHERE nspname = {name} \
             AND COALESCE(obj_description(oid, 'pg_namespace'), '') <> '{}'){missing} THEN \
             RAISE EXCEPTION 'the schema is missing, or is there and not marked as this tenant''s' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Choose another name, or mark the schema with COMMENT ON SCHEMA if it is the tenant''s own.'; \
             END IF; END $do$;",
            mark::of(&self.tenant),
        )
    }
}
