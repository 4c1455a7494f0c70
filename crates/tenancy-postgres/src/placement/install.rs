//! The table of the registry, and the one way a row leaves it.

use tenancy_core::TenantId;

use crate::ident::{Identifier, text_literal};
use crate::install::steps::{self, AS_OWNER, LOCK};
use crate::plan::{Needs, Plan, Step};

/// Makes the registry in the base database, for `registrar`: the role that places tenants (the
/// central role, or one of provisioning's own), which may read it, add rows and release them.
/// Nobody else may, the roles that serve tenants least of all. May run twice, beside the sealed
/// scope's installation or without it.
pub fn install(registrar: &Identifier) -> Plan {
    let registrar_name = registrar.quoted();
    let table = format!(
        "{LOCK} {AS_OWNER} \
         CREATE TABLE IF NOT EXISTS tenancy.placement (\
         tenant_id text COLLATE \"C\" PRIMARY KEY CHECK (tenant_id ~ '^[a-z0-9]([a-z0-9_-]{{0,61}}[a-z0-9])?$'), \
         strategy text COLLATE \"C\" NOT NULL CHECK (strategy IN ('row-level', 'schema-per-tenant', 'database-per-tenant')), \
         server text COLLATE \"C\" CHECK (server <> ''), \
         database_name text COLLATE \"C\" CHECK (database_name <> ''), \
         schema_name text COLLATE \"C\" CHECK (schema_name <> ''), \
         credential text COLLATE \"C\" CHECK (credential <> ''), \
         created_at timestamptz NOT NULL DEFAULT now(), \
         released_at timestamptz, \
         CONSTRAINT placement_is_coherent CHECK (\
         strategy = 'row-level' AND database_name IS NULL AND schema_name IS NULL \
         OR strategy = 'schema-per-tenant' AND schema_name IS NOT NULL \
         OR strategy = 'database-per-tenant' AND database_name IS NOT NULL), \
         CONSTRAINT placement_is_not_the_base CHECK (\
         strategy = 'row-level' OR server IS NOT NULL OR database_name IS NULL OR database_name <> current_database())); \
         CREATE UNIQUE INDEX IF NOT EXISTS placement_schema ON tenancy.placement (server, database_name, schema_name) \
         NULLS NOT DISTINCT WHERE strategy <> 'row-level'; \
         CREATE UNIQUE INDEX IF NOT EXISTS placement_database ON tenancy.placement (server, database_name) \
         NULLS NOT DISTINCT WHERE strategy = 'database-per-tenant'; \
         REVOKE ALL ON TABLE tenancy.placement FROM PUBLIC, {registrar_name}; \
         GRANT SELECT, INSERT (tenant_id, strategy, server, database_name, schema_name, credential), UPDATE (released_at) \
         ON TABLE tenancy.placement TO {registrar_name}; \
         GRANT USAGE ON SCHEMA tenancy TO {registrar_name};"
    );
    let table = Step::new("placement", Needs::TenancyOwner, table).holds(format!(
        "SELECT NOT pg_catalog.has_table_privilege({0}, 'tenancy.placement', 'DELETE') \
         AND pg_catalog.has_table_privilege({0}, 'tenancy.placement', 'SELECT') \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS a \
         WHERE c.oid = 'tenancy.placement'::pg_catalog.regclass AND a.grantee = 0)",
        registrar.literal()
    ));
    Plan {
        steps: vec![steps::owner(), steps::schema(), table, steps::hand_back()],
    }
}

/// Deletes the record of a released placement, so that the tenant's id and its place may be used
/// again: by name, by a superuser or a member of `tenancy_owner`, when nothing of the tenant is
/// left there. One that is not released stays.
pub fn forget(tenant: &TenantId) -> Plan {
    let name = text_literal(tenant.as_str());
    let sql = format!(
        "{LOCK} {AS_OWNER} DELETE FROM tenancy.placement WHERE tenant_id = {name} AND released_at IS NOT NULL;"
    );
    let step = Step::new("forget placement", Needs::TenancyOwner, sql).holds(format!(
        "SELECT NOT EXISTS (SELECT FROM tenancy.placement WHERE tenant_id = {name})"
    ));
    Plan { steps: vec![step] }
}
