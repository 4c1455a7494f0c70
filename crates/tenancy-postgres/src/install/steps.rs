//! The steps of an installation. Each holds a lock of the database, so that racing installs wait.
//! Roles are the cluster's, which no such lock covers: they change only where they differ, and a
//! race for creating one is caught.

use std::fmt::Write as _;

use super::{Roles, VERSION};
use crate::catalog::{
    EVENT_TRIGGER, FUNCTIONS, Function, FunctionKind, KEY_TABLE, LOGIN_FUNCTIONS,
    NEIGHBOUR_FUNCTIONS, OWNER, PUBLIC_TABLES, SEQUENCES,
};
use crate::ident::Identifier;
use crate::plan::{Needs, Step};

/// Taken by every step: what follows is one transaction at a time in this database.
pub(crate) const LOCK: &str = "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock(8390044108447723887);";

/// What follows is created by, and belongs to, `tenancy_owner`.
pub(crate) const AS_OWNER: &str = "SET LOCAL ROLE tenancy_owner;";

pub(crate) fn roles(roles: &Roles) -> Step {
    let mut sql = owner_sql();
    for role in roles.serving().chain([roles.table_owner()]) {
        sql += &create_role(role.as_str(), &format!("LOGIN NOBYPASSRLS {PLAIN}"));
    }
    sql += &create_role(roles.central().as_str(), &format!("LOGIN {PLAIN}"));
    let names: Vec<String> = roles
        .serving()
        .chain([roles.table_owner()])
        .map(Identifier::as_str)
        .chain([OWNER])
        .map(crate::ident::text_literal)
        .collect();
    Step::new("roles", Needs::CreateRole, sql).holds(format!(
        "SELECT count(*) = {} FROM pg_catalog.pg_roles WHERE rolname IN ({}) AND NOT rolsuper AND NOT rolbypassrls",
        names.len(),
        names.join(", ")
    ))
}

const PLAIN: &str = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION";

/// The owner of the schema `tenancy` alone, where no scope is sealed.
pub(crate) fn owner() -> Step {
    Step::new("owner", Needs::CreateRole, owner_sql())
}

fn owner_sql() -> String {
    let create = create_role(OWNER, &format!("NOLOGIN NOINHERIT NOBYPASSRLS {PLAIN}"));
    // Who is no superuser must be a member to create what the role shall own.
    format!(
        "{LOCK} {create} DO $do$ BEGIN \
         IF NOT pg_has_role(current_user, '{OWNER}', CASE WHEN current_setting('server_version_num')::int >= 160000 \
         THEN 'SET' ELSE 'MEMBER' END) THEN GRANT {OWNER} TO CURRENT_USER; END IF; \
         END $do$;"
    )
}

/// Before 16 only a superuser gives BYPASSRLS, later whoever has it.
pub(crate) fn central(roles: &Roles) -> Step {
    let central = roles.central().literal();
    let bypasses = format!(
        "EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {central} AND rolbypassrls)"
    );
    Step::new(
        "central",
        Needs::Superuser,
        format!(
            "{LOCK} DO $do$ BEGIN IF NOT {bypasses} THEN \
             EXECUTE format('ALTER ROLE %I BYPASSRLS', {central}); END IF; END $do$;"
        ),
    )
    .optional()
    .holds(format!("SELECT {bypasses}"))
}

/// `CREATE ROLE` where there is none. Another session may win the race: then the error is one of
/// two, and the role is there.
pub(crate) fn create_role(name: &str, attributes: &str) -> String {
    let literal = crate::ident::text_literal(name);
    format!(
        "DO $do$ BEGIN \
         IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal}) THEN \
         EXECUTE format('CREATE ROLE %I {attributes}', {literal}); END IF; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; \
         END $do$;"
    )
}

pub(crate) fn schema() -> Step {
    // A schema of this name that belongs to someone else is not ours to fill.
    Step::new(
        "schema",
        Needs::Database,
        format!(
            "{LOCK} CREATE SCHEMA IF NOT EXISTS tenancy AUTHORIZATION {OWNER}; \
             DO $do$ BEGIN \
             IF (SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'tenancy') <> '{OWNER}' THEN \
             RAISE EXCEPTION 'the schema tenancy belongs to another role than {OWNER}' \
             USING HINT = 'Rename that schema, or drop it if it is empty.'; END IF; \
             END $do$; \
             {AS_OWNER} REVOKE ALL ON SCHEMA tenancy FROM PUBLIC; GRANT USAGE ON SCHEMA tenancy TO PUBLIC;"
        ),
    )
}

/// Refuses to go on over what a later version installed.
fn refuse_later() -> String {
    format!(
        "DO $do$ BEGIN \
         IF EXISTS (SELECT FROM tenancy.installed WHERE version > {VERSION}) THEN \
         RAISE EXCEPTION 'a later version of tenancy is installed here' \
         USING HINT = 'Use that version to change the installation.'; END IF; \
         END $do$;"
    )
}

pub(crate) fn tables() -> Step {
    let later = refuse_later();
    let mut sql = format!(
        "{LOCK} {AS_OWNER} \
         CREATE TABLE IF NOT EXISTS tenancy.installed (\
         only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version integer NOT NULL, \
         installed_at timestamptz NOT NULL DEFAULT now()); \
         {later} \
         CREATE TABLE IF NOT EXISTS tenancy.shared_table (\
         relation regclass PRIMARY KEY, writable boolean NOT NULL); \
         CREATE TABLE IF NOT EXISTS tenancy.runtime_role (role_name name PRIMARY KEY); \
         CREATE TABLE IF NOT EXISTS tenancy.{KEY_TABLE} (\
         key_id integer PRIMARY KEY CHECK (key_id > 0), \
         slot smallint NOT NULL UNIQUE CHECK (slot IN (1, 2)), \
         inner_block bytea NOT NULL CHECK (octet_length(inner_block) = 64), \
         outer_block bytea NOT NULL CHECK (octet_length(outer_block) = 64), \
         added_at timestamptz NOT NULL DEFAULT now()); \
         REVOKE ALL ON TABLE tenancy.{KEY_TABLE} FROM PUBLIC;"
    );
    for table in PUBLIC_TABLES {
        let _ = write!(
            sql,
            "REVOKE ALL ON TABLE tenancy.{table} FROM PUBLIC; GRANT SELECT ON TABLE tenancy.{table} TO PUBLIC;"
        );
    }
    Step::new("tables", Needs::TenancyOwner, sql)
}

pub(crate) fn sequences() -> Step {
    let mut sql = format!("{LOCK} {AS_OWNER}");
    for sequence in SEQUENCES {
        let _ = write!(
            sql,
            "CREATE UNLOGGED SEQUENCE IF NOT EXISTS tenancy.{sequence} AS bigint \
             MINVALUE -9223372036854775808 MAXVALUE 9223372036854775807 START 0 NO CYCLE; \
             REVOKE ALL ON SEQUENCE tenancy.{sequence} FROM PUBLIC;"
        );
    }
    Step::new("sequences", Needs::TenancyOwner, sql)
}

pub(crate) fn functions() -> Step {
    let mut sql = format!("{LOCK} {AS_OWNER} {}", refuse_later());
    for function in FUNCTIONS {
        sql += &create_function(function, function.body);
    }
    let _ = write!(
        sql,
        "INSERT INTO tenancy.installed (version) VALUES ({VERSION}) \
         ON CONFLICT (only_row) DO UPDATE SET version = EXCLUDED.version, installed_at = EXCLUDED.installed_at \
         WHERE installed.version <> EXCLUDED.version;"
    );
    Step::new("functions", Needs::TenancyOwner, sql)
        .holds(format!("SELECT version = {VERSION} FROM tenancy.installed"))
}

/// What the walls of logins with this prefix read.
pub(crate) fn login_functions(prefix: &str) -> Step {
    let mut sql = format!("{LOCK} {AS_OWNER} {}", refuse_later());
    for function in LOGIN_FUNCTIONS {
        sql += &create_function(function, &function.body_for(prefix));
    }
    Step::new("login functions", Needs::TenancyOwner, sql)
}

fn create_function(function: &Function, body: &str) -> String {
    let Function {
        name,
        parameters,
        arguments,
        returns,
        kind,
        ..
    } = function;
    let how = match kind {
        FunctionKind::Reader => "STABLE PARALLEL RESTRICTED SECURITY DEFINER",
        FunctionKind::Writer => "VOLATILE PARALLEL UNSAFE SECURITY DEFINER",
        FunctionKind::Login => "IMMUTABLE PARALLEL RESTRICTED SECURITY INVOKER",
        FunctionKind::Trigger | FunctionKind::SessionRight => {
            "VOLATILE PARALLEL UNSAFE SECURITY INVOKER"
        }
    };
    let mut sql = format!(
        "CREATE OR REPLACE FUNCTION tenancy.{name}({parameters}) RETURNS {returns} \
         LANGUAGE plpgsql {how} AS $tenancy${body}$tenancy$; \
         REVOKE ALL ON FUNCTION tenancy.{name}({arguments}) FROM PUBLIC;"
    );
    if kind.is_public() {
        let _ = write!(
            sql,
            "GRANT EXECUTE ON FUNCTION tenancy.{name}({arguments}) TO PUBLIC;"
        );
    }
    sql
}

pub(crate) fn grants(roles: &Roles) -> Step {
    let mut sql = format!("{LOCK} {AS_OWNER}");
    for function in FUNCTIONS {
        let Function {
            name, arguments, ..
        } = function;
        let callers = match function.kind {
            FunctionKind::Writer => roles.serving_list(),
            FunctionKind::SessionRight => roles.runtime().quoted(),
            FunctionKind::Reader | FunctionKind::Login | FunctionKind::Trigger => continue,
        };
        let _ = write!(
            sql,
            "GRANT EXECUTE ON FUNCTION tenancy.{name}({arguments}) TO {callers};"
        );
    }
    for role in roles.serving() {
        let _ = write!(
            sql,
            "INSERT INTO tenancy.runtime_role (role_name) VALUES ({}) ON CONFLICT DO NOTHING;",
            role.literal()
        );
    }
    Step::new("grants", Needs::TenancyOwner, sql).holds(format!(
        "SELECT {}",
        of_each(roles, |role| format!(
            "pg_catalog.has_function_privilege({role}, 'tenancy.leave()', 'EXECUTE')"
        ))
    ))
}

/// A condition on each role that serves tenants, which `of` writes for a role's name as a literal.
fn of_each(roles: &Roles, of: impl Fn(&str) -> String) -> String {
    let conditions: Vec<String> = roles.serving().map(|role| of(&role.literal())).collect();
    conditions.join(" AND ")
}

pub(crate) fn database(roles: &Roles) -> Step {
    let keep = [roles.central(), roles.table_owner()]
        .map(Identifier::quoted)
        .join(", ");
    let serving = roles.serving_list();
    Step::new(
        "database",
        Needs::Database,
        format!(
            "{LOCK} DO $do$ BEGIN \
             EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); \
             EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM ', current_database()) || {serving_text}; \
             END $do$; \
             DO $do$ BEGIN \
             EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO ', current_database()) || {keep_text}; \
             END $do$; \
             DO $do$ BEGIN \
             IF to_regnamespace('public') IS NOT NULL THEN \
             REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
             EXECUTE 'REVOKE CREATE ON SCHEMA public FROM ' || {serving_text}; \
             EXECUTE 'GRANT USAGE, CREATE ON SCHEMA public TO ' || {owner_text}; \
             EXECUTE 'GRANT USAGE ON SCHEMA public TO ' || {all_text}; END IF; \
             END $do$;",
            serving_text = crate::ident::text_literal(&serving),
            keep_text = crate::ident::text_literal(&keep),
            owner_text = crate::ident::text_literal(&roles.table_owner().quoted()),
            all_text = crate::ident::text_literal(&format!("{serving}, {keep}")),
        ),
    )
    .holds(format!(
        "SELECT {}",
        of_each(roles, |role| format!(
            "NOT pg_catalog.has_database_privilege({role}, pg_catalog.current_database(), 'CREATE') \
             AND NOT pg_catalog.has_database_privilege({role}, pg_catalog.current_database(), 'TEMPORARY')"
        ))
    ))
}

pub(crate) fn neighbours(roles: &Roles) -> Step {
    let keep = [roles.central(), roles.table_owner()]
        .map(Identifier::quoted)
        .join(", ");
    let serving = roles.serving_list();
    let mut sql = LOCK.to_owned();
    for function in NEIGHBOUR_FUNCTIONS {
        let _ = write!(
            sql,
            "REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC, {serving}; \
             GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO pg_monitor, {keep};"
        );
    }
    let holds = NEIGHBOUR_FUNCTIONS
        .iter()
        .map(|function| {
            of_each(roles, |role| {
                format!("NOT pg_catalog.has_function_privilege({role}, 'pg_catalog.{function}', 'EXECUTE')")
            })
        })
        .collect::<Vec<_>>()
        .join(" AND ");
    Step::new("neighbours", Needs::Superuser, sql)
        .optional()
        .holds(format!("SELECT {holds}"))
}

pub(crate) fn activity(roles: &Roles) -> Step {
    let is_set = |role: &str| {
        format!(
            "EXISTS (SELECT FROM pg_catalog.pg_db_role_setting AS s JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole \
             WHERE r.rolname = {role} AND s.setdatabase = 0 AND 'track_activities=off' = ANY (s.setconfig))"
        )
    };
    let mut sql = LOCK.to_owned();
    for role in roles.serving() {
        let role = role.literal();
        let _ = write!(
            sql,
            "DO $do$ BEGIN IF NOT {} THEN \
             EXECUTE format('ALTER ROLE %I SET track_activities = off', {role}); END IF; END $do$;",
            is_set(&role)
        );
    }
    Step::new("activity", Needs::Superuser, sql)
        .optional()
        .holds(format!("SELECT {}", of_each(roles, is_set)))
}

pub(crate) fn language(roles: &Roles) -> Step {
    let keep = [roles.central(), roles.table_owner()]
        .map(Identifier::quoted)
        .join(", ");
    Step::new(
        "language",
        Needs::Superuser,
        format!(
            "{LOCK} REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC, {}; \
             GRANT USAGE ON LANGUAGE plpgsql TO {OWNER}, {keep};",
            roles.serving_list()
        ),
    )
    .optional()
    .holds(format!(
        "SELECT {}",
        of_each(roles, |role| format!(
            "NOT pg_catalog.has_language_privilege({role}, 'plpgsql', 'USAGE')"
        ))
    ))
}

pub(crate) fn event_trigger() -> Step {
    Step::new(
        "event trigger",
        Needs::Superuser,
        format!(
            "{LOCK} DO $do$ BEGIN \
             IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = '{EVENT_TRIGGER}') THEN \
             CREATE EVENT TRIGGER {EVENT_TRIGGER} ON ddl_command_start EXECUTE FUNCTION tenancy.no_ddl(); \
             END IF; END $do$; \
             ALTER EVENT TRIGGER {EVENT_TRIGGER} ENABLE ALWAYS;"
        ),
    )
    .optional()
    .holds(format!(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = '{EVENT_TRIGGER}' AND evtenabled = 'A')"
    ))
}

/// An installer who is no superuser gives the membership back.
pub(crate) fn hand_back() -> Step {
    Step::new(
        "hand back",
        Needs::CreateRole,
        format!(
            "{LOCK} DO $do$ BEGIN \
             IF EXISTS (SELECT FROM pg_auth_members WHERE roleid = '{OWNER}'::regrole AND member = current_user::regrole \
             AND grantor = current_user::regrole) THEN \
             REVOKE {OWNER} FROM CURRENT_USER; END IF; \
             END $do$;"
        ),
    )
}
