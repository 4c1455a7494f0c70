//! Tables, views and functions: what the runtime role reaches.

use Severity::{Hole as H, Warning as W};
use tenancy_postgres::verify::{Code, Severity};

use super::Hole;

pub(super) const HOLES: &[Hole] = &[
    // What lies behind what is reached.
    (
        "a definer function of the tables' owner, who can take the wall down",
        "CREATE FUNCTION run(q text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE q; END'; ALTER FUNCTION run(text) OWNER TO {owner}",
        Code::DefinerFunction,
        W,
    ),
    (
        "a definer function of an owner of unwalled tables",
        "CREATE TABLE payments (tenant_id text, amount int); ALTER TABLE payments OWNER TO {owner}; CREATE FUNCTION paid() RETURNS SETOF payments LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM payments'; ALTER FUNCTION paid() OWNER TO {owner}",
        Code::DefinerFunction,
        H,
    ),
    (
        "a definer function behind a definer function",
        "CREATE FUNCTION inside() RETURNS SETOF notes LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM notes'; REVOKE ALL ON FUNCTION inside() FROM PUBLIC; GRANT EXECUTE ON FUNCTION inside() TO {owner}; CREATE FUNCTION outside() RETURNS SETOF notes LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM inside()'; ALTER FUNCTION outside() OWNER TO {owner}",
        Code::DefinerFunction,
        H,
    ),
    (
        "a definer trigger on an inheritance child",
        "CREATE TABLE child () INHERITS (notes); CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END'; REVOKE ALL ON FUNCTION spy() FROM PUBLIC; CREATE TRIGGER spy BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION spy()",
        Code::DefinerFunction,
        H,
    ),
    (
        "a unique key of an inheritance child",
        "CREATE TABLE child () INHERITS (notes); CREATE UNIQUE INDEX ON child (title)",
        Code::UniqueKey,
        H,
    ),
    (
        "a definer trigger behind a cascade",
        "CREATE TABLE kid (tenant_id text, note bigint, FOREIGN KEY (tenant_id, note) REFERENCES notes (tenant_id, id) ON DELETE CASCADE); CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN OLD; END'; REVOKE ALL ON FUNCTION spy() FROM PUBLIC; CREATE TRIGGER spy BEFORE DELETE ON kid FOR EACH ROW EXECUTE FUNCTION spy()",
        Code::DefinerFunction,
        H,
    ),
    (
        "other tenants' statements",
        "CREATE EXTENSION pg_stat_statements",
        Code::Untrusted,
        H,
    ),
    (
        "an aggregate over a definer function out of reach",
        "CREATE FUNCTION step(bigint, int) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM notes'; REVOKE ALL ON FUNCTION step(bigint, int) FROM PUBLIC; CREATE AGGREGATE total(int) (sfunc = step, stype = bigint)",
        Code::DefinerFunction,
        H,
    ),
    (
        "another name of a server's function",
        "CREATE FUNCTION rd(text, bigint, bigint) RETURNS text LANGUAGE internal STRICT AS 'pg_read_file_off_len'",
        Code::Untrusted,
        H,
    ),
    (
        "a parent of the table of keys",
        "CREATE TABLE peek (key_id int NOT NULL, inner_block bytea NOT NULL); ALTER TABLE tenancy.seal_key INHERIT peek",
        Code::SealObject,
        H,
    ),
    // Tables, views and what they lead to.
    (
        "an unwalled table",
        "CREATE TABLE free (id int); GRANT SELECT ON free TO {runtime}",
        Code::Unwalled,
        H,
    ),
    (
        "an unwalled table for everyone",
        "CREATE TABLE free (id int); GRANT SELECT ON free TO PUBLIC",
        Code::Unwalled,
        H,
    ),
    (
        "an unwalled table by a column",
        "CREATE TABLE free (id int, name text); GRANT SELECT (name) ON free TO {runtime}",
        Code::Unwalled,
        H,
    ),
    (
        "a partition with a grant",
        "CREATE TABLE logs (tenant_id text NOT NULL) PARTITION BY LIST (tenant_id); CREATE TABLE logs_a PARTITION OF logs FOR VALUES IN ('a'); GRANT SELECT ON logs_a TO {runtime}",
        Code::Unwalled,
        H,
    ),
    (
        "an inheritance child with a grant",
        "CREATE TABLE child () INHERITS (notes); GRANT SELECT ON child TO {runtime}",
        Code::Unwalled,
        H,
    ),
    (
        "a view of a superuser",
        "CREATE VIEW all_notes AS SELECT * FROM notes; GRANT SELECT ON all_notes TO {runtime}",
        Code::View,
        H,
    ),
    (
        "a view of a BYPASSRLS role",
        "CREATE VIEW all_notes AS SELECT * FROM notes; ALTER VIEW all_notes OWNER TO {central}; GRANT SELECT ON all_notes TO {runtime}",
        Code::View,
        H,
    ),
    (
        "a view behind a view",
        "CREATE VIEW inside AS SELECT * FROM notes; GRANT SELECT ON inside TO {owner}; CREATE VIEW outside AS SELECT * FROM inside; ALTER VIEW outside OWNER TO {owner}; GRANT SELECT ON outside TO {runtime}",
        Code::View,
        H,
    ),
    (
        "a view over an unwalled table",
        "CREATE TABLE hidden (id int); GRANT SELECT ON hidden TO {owner}; CREATE VIEW shown AS SELECT * FROM hidden; ALTER VIEW shown OWNER TO {owner}; GRANT SELECT ON shown TO {runtime}",
        Code::Unwalled,
        H,
    ),
    (
        "a materialized view",
        "CREATE MATERIALIZED VIEW stored AS SELECT * FROM notes; GRANT SELECT ON stored TO {runtime}",
        Code::StoredRows,
        H,
    ),
    (
        "a foreign table",
        "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE passwd (line text) SERVER files OPTIONS (filename '/etc/passwd'); GRANT SELECT ON passwd TO {runtime}",
        Code::StoredRows,
        H,
    ),
    (
        "a rule of a superuser",
        "ALTER TABLE notes OWNER TO CURRENT_USER; CREATE RULE also AS ON INSERT TO notes DO ALSO DELETE FROM papers",
        Code::Rule,
        H,
    ),
    (
        "a shared table that is written",
        "CREATE TABLE countries (code text); INSERT INTO tenancy.shared_table VALUES ('countries', false); GRANT SELECT, INSERT ON countries TO {runtime}",
        Code::SharedWrite,
        H,
    ),
];
