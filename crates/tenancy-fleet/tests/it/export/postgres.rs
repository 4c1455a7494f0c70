//! What PostgreSQL has of its own.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;
use tenancy_fleet::export::{ExportError, Exported, WrittenAs};
use tenancy_testkit::postgres::majors;

use super::{export_error, new_folder, onboard, table, text};
use crate::provision::ground::{Ground, Kind};
use crate::registry::id;
use crate::registry::side::Side;

macro_rules! on_postgres {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn databases() {
                for major in majors() {
                    super::$test(Ground::postgres_databases(major).await).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn schemas() {
                for major in majors() {
                    super::$test(Ground::postgres_schemas(major).await).await;
                }
            }
        }
    )+};
}

on_postgres!(
    every_type_comes_back,
    names_are_only_names,
    partitions_are_tables_and_views_are_not,
    rows_that_a_policy_hides_end_it,
    a_table_of_somebody_elses_ends_it,
    it_is_one_moment,
    settings_of_the_server_change_nothing,
);

/// The place, as the owner of tables.
async fn owner(ground: &Ground) -> Side {
    let mut side = ground.inside(&id("acme")).await;
    let role = ground.postgres_database().owner_role();
    side.run(&format!("SET ROLE {role}")).await;
    if !matches!(ground.kind, Kind::Schemas) {
        side.run("SET search_path = public").await;
    }
    side
}

async fn exported(ground: &Ground) -> (tempfile::TempDir, Exported) {
    let (parent, folder) = new_folder();
    let export = ground.fleet.export(&id("acme"), &folder).await.unwrap();
    (parent, Exported::verify(export.folder).await.unwrap())
}

/// Reads every table's file back into an empty one of the same form, and compares the two.
async fn comes_back(side: &mut Side, export: &Exported) {
    for one in &export.manifest.tables {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let source = format!(
            "{}.{}",
            quoted(one.schema.as_deref().unwrap()),
            quoted(&one.name)
        );
        side.run("DROP TABLE IF EXISTS pg_temp.back").await;
        side.run(&format!("CREATE TEMPORARY TABLE back (LIKE {source})"))
            .await;
        let copied: Vec<_> = one
            .columns
            .iter()
            .filter(|column| column.written_as == WrittenAs::Text)
            .map(|column| quoted(&column.name))
            .collect();
        let list = if copied.is_empty() {
            String::new()
        } else {
            format!("({})", copied.join(", "))
        };
        let sql = format!("COPY pg_temp.back {list} FROM STDIN (FORMAT csv, HEADER match)");
        let Side::Postgres(connection) = side else {
            unreachable!("PostgreSQL");
        };
        let bytes = std::fs::read(export.folder.join(&one.written.file)).unwrap();
        let mut into = connection.copy_in_raw(&sql).await.unwrap();
        into.send(bytes).await.unwrap();
        assert_eq!(into.finish().await.unwrap(), one.rows, "{}", one.name);
        // In both directions, and with their number: EXCEPT ALL counts.
        let columns = if copied.is_empty() {
            "1".to_owned()
        } else {
            let texts = copied.iter().fold(String::new(), |mut all, name| {
                let _ = write!(all, "{name}::text COLLATE \"C\", ");
                all
            });
            texts.trim_end_matches(", ").to_owned()
        };
        for (left, right) in [
            (source.as_str(), "pg_temp.back"),
            ("pg_temp.back", source.as_str()),
        ] {
            let sql = format!(
                "SELECT count(*) FROM (SELECT {columns} FROM ONLY {left} EXCEPT ALL SELECT {columns} FROM ONLY {right}) AS d"
            );
            assert_eq!(side.number(&sql).await, 0, "{}", one.name);
        }
    }
}

async fn every_type_comes_back(ground: Ground) {
    onboard(&ground, &id("acme")).await;
    let mut side = owner(&ground).await;
    side.run(
        "CREATE TYPE mood AS ENUM ('sad', 'so, \"so\"', ''); \
         CREATE TYPE pair AS (a int, b text); \
         CREATE DOMAIN small AS text CHECK (length(value) < 9); \
         CREATE TABLE types ( \
           id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text, v varchar(9), c char(5), b bytea, \
           j json, jb jsonb, i2 int2, i8 int8, n numeric, m numeric(20, 5), f4 float4, f8 float8, o bool, \
           d date, ti time(6), tz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid, a text[], \
           aa int[][], r int4range, p point, x xml, ip inet, ma macaddr, bi bit(5), vb varbit, q mood, \
           co pair, dm small, ts_v tsvector, mo money, g int GENERATED ALWAYS AS (i2 + 1) STORED)",
    )
    .await;
    let values = [
        "DEFAULT, '', '', '', '', '\"\"', '\"\"', 0, 0, 'NaN', 0, '-0', 'NaN', false, '-infinity', '00:00', '00:00+14', 'infinity', '-infinity', '0', '00000000-0000-0000-0000-000000000000', '{}', '{}', 'empty', '(0,0)', '', '::', '00:00:00:00:00:00', B'00000', '', '', ROW(NULL, ''), '', '', 0",
        "DEFAULT, E'a\"b\\\\.\\nc,\\r\\n\\t', 'NULL', ' x ', E'\\\\x00ff0a0d22', '{\"a\" :  1.0}', '{\"a\": [null, \"\\\\u0041\"]}', -32768, -9223372036854775808, 1e-200, 123456789012345.12345, 3.4028235e38, 0.1, true, '0044-03-15 BC', '23:59:59.999999', '23:59:59.999999-15:59', '294276-12-31 23:59:59.999999', '1999-12-31 23:59:59.999999+05:45', '-178000000 years', 'ffffffff-ffff-ffff-ffff-ffffffffffff', ARRAY['a,b', NULL, 'NULL', '\"', '', '\\\\'], '{{1,NULL},{3,4}}', '[1,10)', '(1e-300,0.1)', '<a b=\"c\">d</a>', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101', B'1', 'so, \"so\"', ROW(1, 'a,\"b'), E'\\\\.', 'a:1 b:2', 12.34",
        "DEFAULT, E'\\\\.', E'\\u00fc\\u202e', NULL, NULL, NULL, NULL, NULL, NULL, 'Infinity', NULL, 1.17549435e-38, 5e-324, NULL, NULL, NULL, NULL, '4713-01-01 BC', NULL, '1 mon -1 day +00:00:00.000001', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    ];
    for row in values {
        side.run(&format!("INSERT INTO types VALUES ({row})")).await;
    }
    side.run(
        "CREATE TABLE one (v text); INSERT INTO one VALUES (NULL), (''), ('\\.'), ('NULL'), (E'\\n'), ('\"'); \
         CREATE TABLE none (); INSERT INTO none SELECT FROM generate_series(1, 3); \
         CREATE TABLE computed (a int, g int GENERATED ALWAYS AS (a) STORED); ALTER TABLE computed DROP COLUMN a CASCADE; \
         CREATE SEQUENCE counter START 7; SELECT setval('counter', 41, true); \
         CREATE SEQUENCE fresh START 9",
    )
    .await;
    let (_parent, export) = exported(&ground).await;
    assert_eq!(table(&export, "types").rows, 3);
    assert_eq!(table(&export, "one").rows, 6);
    assert_eq!(table(&export, "none").rows, 3);
    assert_eq!(table(&export, "types").primary_key, ["id"]);
    let columns = &table(&export, "types").columns;
    assert_eq!(columns.last().unwrap().written_as, WrittenAs::Generated);
    assert_eq!(columns[10].kind, "numeric(20,5)");
    // What has no value and what has an empty one are two.
    let one = text(&export, "one");
    assert!(one.starts_with("v\n\n\"\"\n"), "{one:?}");
    comes_back(&mut side, &export).await;
    let sequences: Vec<_> = export
        .manifest
        .sequences
        .iter()
        .map(|one| (one.name.as_str(), one.value, one.is_called))
        .collect();
    assert_eq!(
        sequences,
        [
            ("counter", 41, true),
            ("fresh", 9, false),
            ("types_id_seq", 3, true)
        ]
    );
    drop(side);
    ground.clear().await;
}

async fn names_are_only_names(ground: Ground) {
    onboard(&ground, &id("acme")).await;
    let mut side = owner(&ground).await;
    let names = [
        "../../etc/passwd".to_owned(),
        "/root".to_owned(),
        "a\"b'c`d".to_owned(),
        "line\nbreak".to_owned(),
        "Notes".to_owned(),
        "NOTES".to_owned(),
        "notes".to_owned(),
        ".incomplete".to_owned(),
        "manifest.json".to_owned(),
        "$tenancy$; DROP TABLE x; --".to_owned(),
        "%s%n\\".to_owned(),
        "CON".to_owned(),
        "x".repeat(63),
        "ü".repeat(31),
        " ".to_owned(),
    ];
    for name in &names {
        let quoted = name.replace('"', "\"\"");
        side.run(&format!(
            "CREATE TABLE \"{quoted}\" (\"{quoted}\" text, \"a,\"\"b\" text); INSERT INTO \"{quoted}\" VALUES ('x', NULL)"
        ))
        .await;
    }
    let (parent, export) = exported(&ground).await;
    let mut found: Vec<_> = export
        .manifest
        .tables
        .iter()
        .map(|one| one.name.clone())
        .collect();
    found.sort();
    let mut expected = names.to_vec();
    expected.sort();
    assert_eq!(found, expected);
    let entries = std::fs::read_dir(parent.path()).unwrap().count();
    assert_eq!(entries, 1, "something was written beside the folder");
    assert_eq!(
        std::fs::read_dir(&export.folder).unwrap().count(),
        names.len() + 1
    );
    comes_back(&mut side, &export).await;
    drop(side);
    ground.clear().await;
}

async fn partitions_are_tables_and_views_are_not(ground: Ground) {
    onboard(&ground, &id("acme")).await;
    let mut side = owner(&ground).await;
    side.run(
        "CREATE TABLE parted (id int, v text) PARTITION BY RANGE (id); \
         CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (10); \
         CREATE TABLE parted_b PARTITION OF parted DEFAULT; \
         INSERT INTO parted VALUES (1, 'a'), (11, 'b'), (12, 'c'); \
         CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent); \
         INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3); \
         CREATE UNLOGGED TABLE quick (id int); INSERT INTO quick VALUES (5); \
         CREATE VIEW seen AS SELECT 1/0 AS never; \
         CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM parent",
    )
    .await;
    let (_parent, export) = exported(&ground).await;
    let rows = |name: &str| table(&export, name).rows;
    assert_eq!((rows("parted_a"), rows("parted_b")), (1, 2));
    assert_eq!((rows("parent"), rows("child"), rows("quick")), (1, 2, 1));
    assert_eq!(export.rows(), 7);
    let left: Vec<_> = export
        .manifest
        .left_out
        .iter()
        .map(|one| (one.kind.as_str(), one.name.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            ("materialized view", "kept"),
            ("partitioned table", "parted"),
            ("view", "seen")
        ]
    );
    comes_back(&mut side, &export).await;
    drop(side);
    ground.clear().await;
}

/// The owner itself is bound by a policy that is forced: without a word, it would export nothing.
async fn rows_that_a_policy_hides_end_it(ground: Ground) {
    onboard(&ground, &id("acme")).await;
    let mut side = owner(&ground).await;
    side.run(
        "CREATE TABLE hidden (id int); INSERT INTO hidden VALUES (1), (2); \
         ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY; \
         CREATE POLICY odd ON hidden USING (id % 2 = 1)",
    )
    .await;
    let (_parent, folder) = new_folder();
    let refused = export_error(ground.fleet.export(&id("acme"), &folder).await);
    let ExportError::Table { table, .. } = &refused else {
        panic!("{refused}");
    };
    assert!(table.ends_with(".hidden"), "{table}");
    assert!(!folder.exists());
    side.run("ALTER TABLE hidden NO FORCE ROW LEVEL SECURITY")
        .await;
    let (_parent, export) = exported(&ground).await;
    assert_eq!(table_rows(&export, "hidden"), 2);
    drop(side);
    ground.clear().await;
}

fn table_rows(export: &Exported, name: &str) -> u64 {
    table(export, name).rows
}

async fn a_table_of_somebody_elses_ends_it(ground: Ground) {
    onboard(&ground, &id("acme")).await;
    let mut side = ground.inside(&id("acme")).await;
    if !matches!(ground.kind, Kind::Schemas) {
        side.run("SET search_path = public").await;
    }
    side.run("CREATE TABLE theirs (id int)").await;
    let (_parent, folder) = new_folder();
    let refused = export_error(ground.fleet.export(&id("acme"), &folder).await);
    assert!(matches!(refused, ExportError::Table { .. }), "{refused}");
    assert!(!folder.exists());
    side.run("DROP TABLE theirs").await;
    if matches!(ground.kind, Kind::Databases) {
        // Nor can it carry what lies in no table.
        side.run("SELECT lo_create(4711)").await;
        let refused = export_error(ground.fleet.export(&id("acme"), &folder).await);
        assert!(
            matches!(refused, ExportError::NotCarried { .. }),
            "{refused}"
        );
    }
    drop(side);
    ground.clear().await;
}

/// Money moves between two tables; in one moment there is always as much.
async fn it_is_one_moment(ground: Ground) {
    onboard(&ground, &id("acme")).await;
    let mut side = owner(&ground).await;
    side.run(
        "CREATE TABLE a (id int, amount int); CREATE TABLE z (id int, amount int); \
         CREATE TABLE m (filler text); INSERT INTO m SELECT repeat('x', 1000) FROM generate_series(1, 3000); \
         INSERT INTO a SELECT n, 100 FROM generate_series(1, 50) AS n; INSERT INTO z SELECT * FROM a",
    )
    .await;
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let moving = tokio::spawn({
        let over = over.clone();
        async move {
            let mut moves = 0;
            while !over.load(std::sync::atomic::Ordering::SeqCst) {
                let id = 1 + moves % 50;
                side.run(&format!(
                    "BEGIN; UPDATE a SET amount = amount - 1 WHERE id = {id}; UPDATE z SET amount = amount + 1 WHERE id = {id}; COMMIT"
                ))
                .await;
                moves += 1;
            }
            moves
        }
    });
    for _ in 0..6 {
        let (_parent, export) = exported(&ground).await;
        let sum = |name: &str| -> i64 {
            let text = text(&export, name);
            let amounts = text
                .lines()
                .skip(1)
                .map(|line| line.split_once(',').unwrap().1);
            amounts.map(|amount| amount.parse::<i64>().unwrap()).sum()
        };
        assert_eq!(sum("a") + sum("z"), 10_000);
    }
    over.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(moving.await.unwrap() > 6);
    ground.clear().await;
}

async fn settings_of_the_server_change_nothing(ground: Ground) {
    onboard(&ground, &id("acme")).await;
    let mut side = owner(&ground).await;
    side.run(
        "CREATE TABLE t (d date, i interval, f float8, b bytea, z timestamptz); \
         INSERT INTO t VALUES ('2026-02-01', '1 year 2 mons 3 days 04:05:06', 0.1::float4, '\\x00', '2026-02-01 00:00+00')",
    )
    .await;
    let database = sqlx::query_scalar::<_, String>(AssertSqlSafe("SELECT current_database()"));
    let Side::Postgres(connection) = &mut side else {
        unreachable!("PostgreSQL");
    };
    let database = database.fetch_one(connection).await.unwrap();
    let mut admin = ground.admin().await;
    for setting in [
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'iso_8601'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "timezone = 'Asia/Kathmandu'",
        "default_transaction_isolation = 'serializable'",
        "row_security = on",
    ] {
        admin
            .run(&format!("ALTER DATABASE \"{database}\" SET {setting}"))
            .await;
    }
    let export = exported(&ground).await;
    admin
        .run(&format!("ALTER DATABASE \"{database}\" RESET ALL"))
        .await;
    assert_eq!(
        text(&export.1, "t"),
        "d,i,f,b,z\n2026-02-01,1 year 2 mons 3 days 04:05:06,0.10000000149011612,\\x00,2026-02-01 00:00:00+00\n"
    );
    drop(side);
    ground.clear().await;
}
