//! Roles, settings, and the seal itself.

use Severity::{Hole as H, Warning as W};
use tenancy_postgres::verify::{Code, Severity};

use super::Hole;

pub(super) const HOLES: &[Hole] = &[
    // Roles.
    (
        "superuser",
        "ALTER ROLE {runtime} SUPERUSER",
        Code::RoleAttribute,
        H,
    ),
    (
        "bypassrls",
        "ALTER ROLE {runtime} BYPASSRLS",
        Code::RoleAttribute,
        H,
    ),
    (
        "createrole",
        "ALTER ROLE {runtime} CREATEROLE",
        Code::RoleAttribute,
        H,
    ),
    (
        "replication",
        "ALTER ROLE {runtime} REPLICATION",
        Code::RoleAttribute,
        H,
    ),
    (
        "a member of central",
        "GRANT {central} TO {runtime}",
        Code::Membership,
        H,
    ),
    (
        "a member of the owner, by a role between",
        "CREATE ROLE {runtime}_between; GRANT {owner} TO {runtime}_between; GRANT {runtime}_between TO {runtime}",
        Code::Membership,
        H,
    ),
    (
        "a member of a predefined role",
        "GRANT pg_read_server_files TO {runtime}",
        Code::Membership,
        H,
    ),
    (
        "the owner of a table",
        "CREATE TABLE mine (id int); ALTER TABLE mine OWNER TO {runtime}",
        Code::Ownership,
        H,
    ),
    (
        "the owner of a schema",
        "CREATE SCHEMA mine AUTHORIZATION {runtime}",
        Code::Ownership,
        H,
    ),
    (
        "the owner of the database",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO {runtime}', current_database()); END $$",
        Code::Ownership,
        H,
    ),
    (
        "a login for tenancy_owner",
        "ALTER ROLE tenancy_owner LOGIN",
        Code::RoleAttribute,
        H,
    ),
    (
        "a member of tenancy_owner",
        "GRANT tenancy_owner TO {owner}",
        Code::SealMembership,
        W,
    ),
    (
        "a role's setting",
        "ALTER ROLE {runtime} SET search_path = evil",
        Code::RoleSetting,
        H,
    ),
    (
        "a role's setting here",
        "DO $$ BEGIN EXECUTE format('ALTER ROLE {runtime} IN DATABASE %I SET row_security = off', current_database()); END $$",
        Code::RoleSetting,
        H,
    ),
    (
        "activity in sight",
        "ALTER ROLE {runtime} RESET track_activities",
        Code::RoleSetting,
        W,
    ),
    (
        "a database's setting",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil', current_database()); END $$",
        Code::DatabaseSetting,
        W,
    ),
    // The seal.
    (
        "a readable key",
        "GRANT SELECT ON tenancy.seal_key TO {runtime}",
        Code::SealGrant,
        H,
    ),
    (
        "a readable column of the keys",
        "GRANT SELECT (inner_block) ON tenancy.seal_key TO {runtime}",
        Code::SealGrant,
        H,
    ),
    (
        "a scope to set",
        "GRANT UPDATE ON SEQUENCE tenancy.seal_mark TO {runtime}",
        Code::SealGrant,
        H,
    ),
    (
        "a scope to read",
        "GRANT USAGE ON SEQUENCE tenancy.seal_piece_0 TO PUBLIC",
        Code::SealGrant,
        H,
    ),
    (
        "a shared list to write",
        "GRANT INSERT ON tenancy.shared_table TO {runtime}",
        Code::SealGrant,
        H,
    ),
    (
        "a sequence of another",
        "ALTER SEQUENCE tenancy.seal_mark OWNER TO {owner}",
        Code::SealOwner,
        H,
    ),
    (
        "a logged sequence",
        "ALTER SEQUENCE tenancy.seal_mark SET LOGGED",
        Code::SealObject,
        H,
    ),
    (
        "a sequence with a cache",
        "ALTER SEQUENCE tenancy.seal_mark CACHE 10",
        Code::SealObject,
        H,
    ),
    (
        "a trigger on the keys",
        "CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER spy AFTER INSERT ON tenancy.seal_key FOR EACH ROW EXECUTE FUNCTION spy()",
        Code::SealObject,
        H,
    ),
    (
        "a foreign object in the schema",
        "CREATE TABLE tenancy.other (id int)",
        Code::SealObject,
        H,
    ),
    (
        "a foreign function in the schema",
        "CREATE FUNCTION tenancy.current_tenant(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
        Code::SealFunction,
        H,
    ),
    (
        "another body",
        "CREATE OR REPLACE FUNCTION tenancy.current_tenant() RETURNS text LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER AS $$BEGIN RETURN current_setting('x'); END$$",
        Code::SealFunction,
        H,
    ),
    (
        "a reader for the caller",
        "ALTER FUNCTION tenancy.current_tenant() SECURITY INVOKER",
        Code::SealFunction,
        H,
    ),
    (
        "an immutable reader",
        "ALTER FUNCTION tenancy.current_tenant() IMMUTABLE",
        Code::SealFunction,
        H,
    ),
    (
        "a parallel reader",
        "ALTER FUNCTION tenancy.current_tenant() PARALLEL SAFE",
        Code::SealFunction,
        H,
    ),
    (
        "a reader of another",
        "ALTER FUNCTION tenancy.current_tenant() OWNER TO {owner}",
        Code::SealFunction,
        H,
    ),
    (
        "a strict enter",
        "ALTER FUNCTION tenancy.enter(integer, integer, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bytea) STRICT",
        Code::SealFunction,
        H,
    ),
    (
        "a setting on leave",
        "ALTER FUNCTION tenancy.leave() SET search_path = public",
        Code::SealFunction,
        H,
    ),
    (
        "the schema of another",
        "ALTER SCHEMA tenancy OWNER TO {owner}",
        Code::SealOwner,
        H,
    ),
    (
        "no event trigger",
        "DROP EVENT TRIGGER tenancy_no_ddl",
        Code::EventTrigger,
        W,
    ),
    (
        "an event trigger switched off",
        "ALTER EVENT TRIGGER tenancy_no_ddl DISABLE",
        Code::EventTrigger,
        W,
    ),
    (
        "another version",
        "UPDATE tenancy.installed SET version = 99",
        Code::OtherVersion,
        H,
    ),
];
