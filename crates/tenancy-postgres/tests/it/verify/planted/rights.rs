//! Rights and functions.

use Severity::{Hole as H, Warning as W};
use tenancy_postgres::verify::{Code, Severity};

use super::Hole;

pub(super) const HOLES: &[Hole] = &[
    // Rights.
    (
        "truncate",
        "GRANT TRUNCATE ON notes TO {runtime}",
        Code::TablePrivilege,
        H,
    ),
    (
        "trigger",
        "GRANT TRIGGER ON notes TO PUBLIC",
        Code::TablePrivilege,
        H,
    ),
    (
        "references of a column",
        "GRANT REFERENCES (id) ON notes TO {runtime}",
        Code::TablePrivilege,
        H,
    ),
    (
        "grant option",
        "GRANT SELECT ON notes TO {runtime} WITH GRANT OPTION",
        Code::TablePrivilege,
        H,
    ),
    (
        "public",
        "GRANT SELECT ON notes TO PUBLIC",
        Code::PublicPrivilege,
        W,
    ),
    (
        "a sequence to set",
        "CREATE SEQUENCE numbers; GRANT UPDATE ON SEQUENCE numbers TO {runtime}",
        Code::Sequence,
        H,
    ),
    (
        "temporary",
        "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$",
        Code::DatabasePrivilege,
        H,
    ),
    (
        "create in the database",
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {runtime}', current_database()); END $$",
        Code::DatabasePrivilege,
        H,
    ),
    (
        "create in public",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        Code::SchemaPrivilege,
        H,
    ),
    (
        "a language",
        "GRANT USAGE ON LANGUAGE plpgsql TO {runtime}",
        Code::LanguagePrivilege,
        W,
    ),
    (
        "a parameter",
        "GRANT SET ON PARAMETER log_statement TO {runtime}",
        Code::ParameterPrivilege,
        H,
    ),
    (
        "files",
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO {runtime}",
        Code::ServerFunction,
        H,
    ),
    (
        "neighbours",
        "GRANT EXECUTE ON FUNCTION pg_terminate_backend(int, bigint) TO PUBLIC",
        Code::NeighbourFunction,
        W,
    ),
    (
        "large objects",
        "GRANT EXECUTE ON FUNCTION lo_create(oid) TO {runtime}",
        Code::NeighbourFunction,
        W,
    ),
    (
        "a large object",
        "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC",
        Code::LargeObject,
        H,
    ),
    (
        "the statistics",
        "GRANT SELECT ON pg_catalog.pg_statistic TO {runtime}",
        Code::SystemGrant,
        H,
    ),
    (
        "the passwords",
        "GRANT SELECT (rolpassword) ON pg_catalog.pg_authid TO {runtime}",
        Code::SystemGrant,
        H,
    ),
    (
        "default privileges",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {runtime}",
        Code::DefaultPrivilege,
        W,
    ),
    // Functions.
    (
        "a definer function of a superuser",
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM notes'",
        Code::DefinerFunction,
        H,
    ),
    (
        "a definer function among the system's",
        "CREATE FUNCTION pg_catalog.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.notes'",
        Code::DefinerFunction,
        H,
    ),
    (
        "a definer function of tenancy_owner",
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'; ALTER FUNCTION peek() OWNER TO tenancy_owner",
        Code::DefinerFunction,
        H,
    ),
    (
        "a definer trigger of a superuser",
        "CREATE FUNCTION peek() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END'; REVOKE ALL ON FUNCTION peek() FROM PUBLIC; CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION peek()",
        Code::DefinerFunction,
        H,
    ),
    (
        "a leakproof function",
        "CREATE FUNCTION tell(text) RETURNS boolean LANGUAGE plpgsql LEAKPROOF AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$",
        Code::Leakproof,
        H,
    ),
    ("dblink", "CREATE EXTENSION dblink", Code::Untrusted, H),
];
