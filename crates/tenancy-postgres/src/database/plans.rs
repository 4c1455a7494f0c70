//! Making a tenant's database, opening it to the tenant's login, and dropping it.

use std::fmt::Write as _;

use super::TenantDatabase;
use crate::ident::Identifier;
use crate::install::steps::LOCK;
use crate::mark;
use crate::plan::{Needs, Plan, Step};
use crate::sqlstate::NOT_MARKED;

/// Takes from PUBLIC what it has of the database `name` by default, CONNECT above all, and lets
/// `keep` connect: for the base database and `postgres`, so that a tenant's login reads no
/// catalogs there. For that database's owner or a superuser, from any database.
pub fn close(name: &Identifier, keep: &[Identifier]) -> Plan {
    let database = name.quoted();
    let mut sql = format!("{LOCK} REVOKE ALL ON DATABASE {database} FROM PUBLIC;");
    for role in keep {
        let _ = write!(
            sql,
            " GRANT CONNECT ON DATABASE {database} TO {};",
            role.quoted()
        );
    }
    Plan {
        steps: vec![Step::new("close database", Needs::Database, sql).holds(closed_sql(name))],
    }
}

impl TenantDatabase {
    /// Makes the database, owned by `owner`: from a connection to any other database, as a
    /// superuser, or with CREATEDB as a member of `owner`. The tenant's login must be there
    /// ([`TenantRole::create`](crate::role::TenantRole::create)).
    ///
    /// It is made closed to all connections, and opened only with its mark, without PUBLIC. So a
    /// plan that broke off leaves a database that nobody enters, and may run again. A database of
    /// this name that is there already, and is neither marked for this tenant nor such a half-made
    /// one of `owner`'s, stops it with `TN010`.
    ///
    /// The first step can't run in a transaction, nor twice: ask its
    /// [`done_sql`](Step::done_sql) first.
    pub fn create(&self, owner: &Identifier) -> Plan {
        let name = self.name.literal();
        let database = self.name.quoted();
        let mark = mark::of(&self.tenant);
        let make = Step::new(
            "tenant database",
            Needs::CreateDatabase,
            format!(
                "CREATE DATABASE {database} OWNER {} TEMPLATE {} ALLOW_CONNECTIONS false CONNECTION LIMIT 0",
                owner.quoted(),
                self.template.quoted(),
            ),
        )
        .done_when(format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = {name})"
        ));
        // Sessions in other databases don't share the lock. They wait for each other at the comment, and
        // whoever waited looks again.
        let sql = format!(
            "{LOCK} {login_is_ours} DO $do$ DECLARE found record; BEGIN \
             SELECT d.*, COALESCE(shobj_description(d.oid, 'pg_database'), '') AS mark INTO found \
             FROM pg_database AS d WHERE d.datname = {name}; \
             IF found.oid IS NULL OR pg_get_userbyid(found.datdba) <> {owner} OR found.mark <> '{mark}' \
             AND NOT (found.mark = '' AND NOT found.datallowconn AND found.datconnlimit = 0) THEN \
             RAISE EXCEPTION 'a database of this name is there and is not marked as this tenant''s, or belongs to another role' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Choose another name, or mark the database with COMMENT ON DATABASE if it is the tenant''s own.'; \
             END IF; \
             EXECUTE format('COMMENT ON DATABASE %I IS %L', {name}, '{mark}'); \
             IF found.mark = '' AND EXISTS (SELECT FROM pg_database WHERE oid = found.oid AND (datallowconn OR datconnlimit <> 0)) THEN \
             RAISE EXCEPTION 'another session has opened this database in the meantime' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Run the plan again: it tells whose the database is now.'; \
             END IF; END $do$; \
             REVOKE ALL ON DATABASE {database} FROM PUBLIC, {login}; \
             GRANT CONNECT ON DATABASE {database} TO {login}; \
             ALTER DATABASE {database} ALLOW_CONNECTIONS true CONNECTION LIMIT -1;",
            login_is_ours = mark::refuse_foreign_login(self.login(), &self.tenant),
            owner = owner.literal(),
            login = self.login().quoted(),
        );
        let mark =
            Step::new("tenant database's mark", Needs::Database, sql).holds(closed_sql(&self.name));
        Plan {
            steps: vec![make, mark],
        }
    }

    /// What is to run *inside* the new database, as a superuser or as `owner`; may run twice, and
    /// refuses to run in any other database: the schema, without PUBLIC, and reading and writing
    /// for the login of what `owner` has made and will make. No TRUNCATE, no DDL, no TEMPORARY.
    pub fn open(&self, owner: &Identifier) -> Plan {
        let schema = self.schema.quoted();
        let login = self.login().quoted();
        let rows = "SELECT, INSERT, UPDATE, DELETE";
        let sql = format!(
            "{LOCK} DO $do$ BEGIN \
             IF current_database() <> {name} OR COALESCE((SELECT shobj_description(oid, 'pg_database') FROM pg_database \
             WHERE datname = current_database()), '') <> '{mark}' THEN \
             RAISE EXCEPTION 'this is not the tenant''s database' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Run these steps on a connection to it.'; END IF; \
             IF to_regnamespace(quote_ident({schema_text})) IS NULL THEN \
             EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', {schema_text}, {owner_text}); END IF; \
             IF to_regnamespace('public') IS NOT NULL THEN REVOKE ALL ON SCHEMA public FROM PUBLIC; END IF; \
             END $do$; \
             REVOKE ALL ON SCHEMA {schema} FROM {login}; \
             GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}; \
             GRANT USAGE ON SCHEMA {schema} TO {login}; \
             SET LOCAL ROLE {owner}; \
             GRANT {rows} ON ALL TABLES IN SCHEMA {schema} TO {login}; \
             GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {login}; \
             GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {schema} TO {login}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rows} ON TABLES TO {login}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {login}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT EXECUTE ON ROUTINES TO {login};",
            name = self.name.literal(),
            mark = mark::of(&self.tenant),
            schema_text = self.schema.literal(),
            owner_text = owner.literal(),
            owner = owner.quoted(),
        );
        let step = Step::new("tenant database's inside", Needs::TableOwner, sql).holds(format!(
            "SELECT pg_catalog.has_schema_privilege({}, n.oid, 'USAGE') AND NOT pg_catalog.has_schema_privilege({0}, n.oid, 'CREATE') \
             FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {}",
            self.login().literal(),
            self.schema.literal(),
        ));
        Plan { steps: vec![step] }
    }

    /// Drops the database **with all that is in it**, for ever, and ends its connections. One
    /// that is not there counts as dropped; one that isn't marked for this tenant is refused with
    /// `TN010`, and stays. Who is no superuser needs `pg_signal_backend` to end connections, or has
    /// to wait until there are none. Then drop the login
    /// ([`TenantRole::drop_plan`](crate::role::TenantRole::drop_plan)).
    pub fn drop_plan(&self) -> Plan {
        let name = self.name.literal();
        let database = self.name.quoted();
        let mark = mark::of(&self.tenant);
        let guard = format!(
            "{LOCK} DO $do$ BEGIN IF EXISTS (SELECT FROM pg_database WHERE datname = {name}) THEN \
             IF NOT EXISTS (SELECT FROM pg_database WHERE datname = {name} AND shobj_description(oid, 'pg_database') = '{mark}') THEN \
             RAISE EXCEPTION 'the database is not marked as this tenant''s, and is not dropped' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Look at whose it is; mark it with COMMENT ON DATABASE if it is the tenant''s own.'; END IF; \
             EXECUTE format('ALTER DATABASE %I ALLOW_CONNECTIONS false', {name}); END IF; END $do$;"
        );
        let drop = Step::new(
            "drop tenant database",
            Needs::Database,
            format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
        )
        .holds(format!(
            "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = {name})"
        ));
        Plan {
            steps: vec![
                Step::new("tenant database's last look", Needs::Database, guard),
                drop,
            ],
        }
    }
}

/// Whether PUBLIC has nothing of the database.
fn closed_sql(name: &Identifier) -> String {
    format!(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_database AS d, \
         pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS a \
         WHERE d.datname = {} AND a.grantee = 0)",
        name.literal()
    )
}
