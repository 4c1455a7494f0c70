//! The wall, its column, its keys and indexes.

use Severity::{Hole as H, Warning as W};
use tenancy_postgres::verify::{Code, Severity};

use super::Hole;

pub(super) const HOLES: &[Hole] = &[
    // The wall.
    (
        "row security off",
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        Code::RowSecurityOff,
        H,
    ),
    (
        "not forced",
        "ALTER TABLE notes NO FORCE ROW LEVEL SECURITY",
        Code::NotForced,
        H,
    ),
    (
        "no wall",
        "DROP POLICY tenancy_wall ON notes",
        Code::WallMissing,
        H,
    ),
    (
        "all gone",
        "DROP POLICY tenancy_wall ON notes; DROP POLICY tenancy_grant ON notes; ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        Code::Unwalled,
        H,
    ),
    (
        "permissive wall",
        "DROP POLICY tenancy_wall ON notes; CREATE POLICY tenancy_wall ON notes USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))",
        Code::WallMissing,
        H,
    ),
    (
        "wall for a role",
        "ALTER POLICY tenancy_wall ON notes TO {runtime}",
        Code::WallNamesRole,
        H,
    ),
    (
        "wall for a role and everyone else",
        "ALTER POLICY tenancy_wall ON notes TO {runtime}, {owner}",
        Code::WallNamesRole,
        H,
    ),
    (
        "wall for reads",
        "DROP POLICY tenancy_wall ON notes; CREATE POLICY tenancy_wall ON notes AS RESTRICTIVE FOR SELECT USING (tenant_id = (SELECT tenancy.current_tenant()))",
        Code::WallCommand,
        H,
    ),
    (
        "true",
        "ALTER POLICY tenancy_wall ON notes USING (true)",
        Code::WallExpression,
        H,
    ),
    (
        "true for writes",
        "ALTER POLICY tenancy_wall ON notes WITH CHECK (true)",
        Code::WallExpression,
        H,
    ),
    (
        "or",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id = (SELECT tenancy.current_tenant()) OR tenant_id = 'shared')",
        Code::WallExpression,
        H,
    ),
    (
        "or central",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id = (SELECT tenancy.current_tenant()) OR current_user = '{central}')",
        Code::WallExpression,
        H,
    ),
    (
        "not equal",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id <> (SELECT tenancy.current_tenant()))",
        Code::WallExpression,
        H,
    ),
    (
        "a setting",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id = current_setting('app.tenant_id')) WITH CHECK (tenant_id = current_setting('app.tenant_id'))",
        Code::WallExpression,
        H,
    ),
    (
        "another column",
        "ALTER TABLE notes ADD other text NOT NULL DEFAULT 'x'; ALTER POLICY tenancy_wall ON notes USING (title = (SELECT tenancy.current_tenant()))",
        Code::WallExpression,
        H,
    ),
    (
        "an operator that is called =",
        "CREATE SCHEMA ops; CREATE FUNCTION ops.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR ops.= (LEFTARG = text, RIGHTARG = text, FUNCTION = ops.yes); ALTER POLICY tenancy_wall ON notes USING (tenant_id OPERATOR(ops.=) (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id OPERATOR(ops.=) (SELECT tenancy.current_tenant()))",
        Code::WallExpression,
        H,
    ),
    (
        "no permissive policy",
        "DROP POLICY tenancy_grant ON notes",
        Code::NoPermissivePolicy,
        W,
    ),
    (
        "a stray permissive policy",
        "CREATE POLICY everyone ON notes USING (true)",
        Code::StrayPolicy,
        W,
    ),
    // The column.
    (
        "nullable",
        "ALTER TABLE notes DROP CONSTRAINT notes_pkey; ALTER TABLE notes ALTER tenant_id DROP NOT NULL",
        Code::TenantColumn,
        H,
    ),
    (
        "a nondeterministic collation",
        "CREATE COLLATION loose (provider = icu, locale = 'und-u-ka-shifted', deterministic = false); CREATE TABLE loosely (tenant_id text COLLATE loose NOT NULL DEFAULT tenancy.current_tenant(), id int); ALTER TABLE loosely ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY tenancy_grant ON loosely USING (true) WITH CHECK (true); CREATE POLICY tenancy_wall ON loosely AS RESTRICTIVE USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant())); GRANT SELECT ON loosely TO {runtime}",
        Code::TenantColumn,
        H,
    ),
    (
        "a varchar that cuts",
        "CREATE TABLE cut (tenant_id varchar(8) NOT NULL); ALTER TABLE cut ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY tenancy_grant ON cut USING (true) WITH CHECK (true); CREATE POLICY tenancy_wall ON cut AS RESTRICTIVE USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant())); GRANT SELECT ON cut TO {runtime}",
        Code::WallExpression,
        H,
    ),
    (
        "a default of one tenant",
        "ALTER TABLE notes ALTER tenant_id SET DEFAULT 'a'",
        Code::TenantDefault,
        W,
    ),
    (
        "no default",
        "ALTER TABLE notes ALTER tenant_id DROP DEFAULT",
        Code::TenantDefault,
        W,
    ),
    // Keys and indexes.
    (
        "a global unique key",
        "CREATE UNIQUE INDEX ON notes (title)",
        Code::UniqueKey,
        H,
    ),
    (
        "a unique key that only includes the tenant",
        "CREATE UNIQUE INDEX ON notes (title) INCLUDE (tenant_id)",
        Code::UniqueKey,
        H,
    ),
    (
        "a unique expression over the tenant",
        "CREATE UNIQUE INDEX ON notes (title, (tenant_id || ''))",
        Code::UniqueKey,
        H,
    ),
    (
        "an exclusion over all tenants",
        "CREATE EXTENSION btree_gist; ALTER TABLE notes ADD EXCLUDE USING gist (title WITH =)",
        Code::UniqueKey,
        H,
    ),
    (
        "an exclusion that tells tenants apart the wrong way",
        "CREATE EXTENSION btree_gist; ALTER TABLE notes ADD EXCLUDE USING gist (title WITH =, tenant_id WITH <>)",
        Code::UniqueKey,
        H,
    ),
    (
        "an index that does not lead with the tenant",
        "CREATE INDEX ON notes (title)",
        Code::Index,
        W,
    ),
    (
        "a foreign key without the tenant",
        "DELETE FROM notes; ALTER TABLE notes ADD UNIQUE (id), ADD parent bigint REFERENCES notes (id)",
        Code::ForeignKey,
        H,
    ),
    (
        "a foreign key to an unwalled table",
        "CREATE TABLE plain (id bigint PRIMARY KEY); ALTER TABLE notes ADD FOREIGN KEY (id) REFERENCES plain NOT VALID",
        Code::ForeignKey,
        H,
    ),
    (
        "a foreign key that crosses tenants",
        "ALTER TABLE notes ADD parent text; ALTER TABLE notes ADD FOREIGN KEY (parent, id) REFERENCES notes (tenant_id, id)",
        Code::ForeignKey,
        H,
    ),
];
