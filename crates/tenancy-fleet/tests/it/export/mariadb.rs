//! What MariaDB has of its own.

use std::os::unix::fs::PermissionsExt as _;

use tenancy_fleet::export::{ExportError, Exported, WrittenAs};

use super::{export_error, new_folder, onboard, table, text};
use crate::provision::ground::Ground;
use crate::registry::id;
use crate::registry::side::Side;

async fn exported(ground: &Ground) -> (tempfile::TempDir, Exported) {
    let (parent, folder) = new_folder();
    let export = ground.fleet.export(&id("acme"), &folder).await.unwrap();
    (parent, Exported::verify(export.folder).await.unwrap())
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Reads every table's file back with LOAD DATA, and compares the two.
async fn comes_back(side: &mut Side, export: &Exported) {
    // Where the server, another user, can read it.
    let open = tempfile::tempdir().unwrap();
    std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    side.run("SET SESSION sql_mode = ''; SET SESSION time_zone = '+00:00'")
        .await;
    for one in &export.manifest.tables {
        let source = quoted(&one.name);
        let copy = open.path().join(&one.written.file);
        std::fs::copy(export.folder.join(&one.written.file), &copy).unwrap();
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).unwrap();
        side.run("DROP TABLE IF EXISTS back_again").await;
        side.run(&format!("CREATE TABLE back_again LIKE {source}"))
            .await;
        let (mut into, mut set) = (Vec::new(), Vec::new());
        for column in &one.columns {
            let name = quoted(&column.name);
            match column.written_as {
                WrittenAs::Generated => {}
                WrittenAs::Hex => {
                    into.push(format!("@v{}", into.len()));
                    set.push(format!("{name} = UNHEX(@v{})", into.len() - 1));
                }
                WrittenAs::Number => {
                    into.push(format!("@v{}", into.len()));
                    set.push(format!("{name} = CAST(@v{} AS UNSIGNED)", into.len() - 1));
                }
                _ => into.push(name),
            }
        }
        let set = if set.is_empty() {
            String::new()
        } else {
            format!("SET {}", set.join(", "))
        };
        // It counts lines, whatever is in quotes.
        let head = 1 + one
            .columns
            .iter()
            .map(|column| column.name.matches('\n').count())
            .sum::<usize>();
        side.run(&format!(
            "LOAD DATA INFILE '{}' INTO TABLE back_again CHARACTER SET utf8mb4 \
             FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE {head} LINES ({}) {set}",
            copy.display(),
            into.join(", "),
        ))
        .await;
        let count = side.number("SELECT count(*) FROM back_again").await;
        assert_eq!(u64::try_from(count).unwrap(), one.rows);
        // EXCEPT ALL, over the bytes of each value: but HEX of a number is that of its whole part.
        let bytes: Vec<_> = one
            .columns
            .iter()
            .map(|column| {
                let name = quoted(&column.name);
                match column.kind.as_str() {
                    "float" => format!("CAST({name} AS DOUBLE)"),
                    "double" => name,
                    kind if kind.starts_with("bit") => format!("{name} + 0"),
                    kind if kind.starts_with("decimal") => format!("HEX(CAST({name} AS CHAR))"),
                    _ => format!("HEX({name})"),
                }
            })
            .collect();
        let bytes = bytes.join(", ");
        for (left, right) in [
            (source.as_str(), "back_again"),
            ("back_again", source.as_str()),
        ] {
            let sql = format!(
                "SELECT count(*) FROM (SELECT {bytes} FROM {left} EXCEPT ALL SELECT {bytes} FROM {right}) AS d"
            );
            assert_eq!(side.number(&sql).await, 0, "{}", one.name);
        }
        side.run("DROP TABLE back_again").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_comes_back() {
    let Some(ground) = Ground::mariadb().await else {
        return;
    };
    onboard(&ground, &id("acme")).await;
    let mut side = ground.inside(&id("acme")).await;
    side.run(
        "SET SESSION sql_mode = ''; SET SESSION time_zone = '+00:00'; \
         CREATE TABLE types (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, t text, v varchar(20), l varchar(9) CHARACTER SET latin1, \
         c char(5), b blob, vb varbinary(20), bi binary(4), bt bit(17), j json, i tinyint, u bigint unsigned, \
         n decimal(40, 10), f float, d double, da date, ti time(6), dt datetime(6), ts timestamp(6) NULL, y year, \
         e enum('a', '', 'x,\"y'), s set('p', 'q'), g geometry, uu uuid, ip inet6, h int INVISIBLE, \
         ge int GENERATED ALWAYS AS (i + 1) STORED)",
    )
    .await;
    for row in [
        "NULL, '', '', '', '', '', '', '', 0, '{}', 0, 0, 0, 0, 0, '0000-00-00', '00:00', '0000-00-00', '1970-01-01 00:00:01', 0, 'a', '', POINT(0, 0), '00000000-0000-0000-0000-000000000000', '::'",
        "NULL, 'a\"b\\\\,\\n\\r\\tc', 'NULL', 'é\u{ff}', ' x', X'00ff0a0d22', X'225c00', X'01', b'10101010101010101', '[\"\\\\n\"]', -128, 18446744073709551615, 123456789012345678901234567890.1234567891, 0.1, 0.1, '9999-12-31', '-838:59:59.999999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999999', 2155, 'x,\"y', 'p,q', ST_GeomFromText('LINESTRING(0 0, 1e-300 0.1)', 4326), 'ffffffff-ffff-ffff-ffff-ffffffffffff', '2001:db8::1'",
        "NULL, '\\\\N', '\\\\', '\"', '\"', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 3.4028235e38, 2.2250738585072014e-308, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
        "NULL, '😀', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1.17549e-38, 1.7976931348623157e308, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
    ] {
        side.run(&format!(
            "INSERT INTO types (id, t, v, l, c, b, vb, bi, bt, j, i, u, n, f, d, da, ti, dt, ts, y, e, s, g, uu, ip) VALUES ({row})"
        ))
        .await;
    }
    side.run("UPDATE types SET h = 7 WHERE id = 2; DELETE FROM types WHERE id = 4")
        .await;
    side.run(
        "CREATE TABLE one (v text); INSERT INTO one VALUES (NULL), (''), ('NULL'), ('\"'), ('\\n'), ('a\"'), ('\",\"'); \
         CREATE SEQUENCE counter START 5; CREATE VIEW seen AS SELECT 1; CREATE TABLE plain (id int) ENGINE = Aria",
    )
    .await;
    let (_parent, export) = exported(&ground).await;
    assert_eq!(table(&export, "types").rows, 3);
    assert_eq!(table(&export, "types").auto_increment, Some(5));
    assert!(table(&export, "types").snapshot && !table(&export, "plain").snapshot);
    assert_eq!(text(&export, "one").lines().nth(1), Some("NULL"));
    assert_eq!(text(&export, "one").lines().nth(2), Some("\"\""));
    assert_eq!(export.manifest.sequences[0].value, 5);
    assert_eq!(export.manifest.left_out[0].name, "seen");
    comes_back(&mut side, &export).await;

    side.run("CREATE TABLE versions (id int) WITH SYSTEM VERSIONING")
        .await;
    let (_parent, folder) = new_folder();
    let refused = export_error(ground.fleet.export(&id("acme"), &folder).await);
    assert!(
        matches!(refused, ExportError::NotCarried { .. }),
        "{refused}"
    );
    assert!(!folder.exists());
    drop(side);
    ground.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_only_names() {
    let Some(ground) = Ground::mariadb().await else {
        return;
    };
    onboard(&ground, &id("acme")).await;
    let mut side = ground.inside(&id("acme")).await;
    let names = [
        "../../etc/passwd",
        "a\"b'c`d",
        "line\nbreak",
        "Notes",
        "notes",
        "manifest.json",
        "$x$; DROP TABLE x; -- ?",
        "%s\\",
        "ü",
    ];
    for name in names {
        let quoted = quoted(name);
        side.run(&format!(
            "CREATE TABLE {quoted} ({quoted} text, `a,\"b` text); INSERT INTO {quoted} VALUES ('x', NULL)"
        ))
        .await;
    }
    let (parent, export) = exported(&ground).await;
    let mut found: Vec<_> = export
        .manifest
        .tables
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    found.sort_unstable();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    comes_back(&mut side, &export).await;
    drop(side);
    ground.clear().await;
}

/// Money moves between two tables; in one moment there is always as much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_one_moment() {
    let Some(ground) = Ground::mariadb().await else {
        return;
    };
    onboard(&ground, &id("acme")).await;
    let mut side = ground.inside(&id("acme")).await;
    side.run(
        "CREATE TABLE a (id int, amount int); CREATE TABLE z (id int, amount int); CREATE TABLE m (filler text); \
         INSERT INTO m SELECT REPEAT('x', 1000) FROM seq_1_to_3000; \
         INSERT INTO a SELECT seq, 100 FROM seq_1_to_50; INSERT INTO z SELECT * FROM a",
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
            let rows = super::csv::parse(&text(&export, name));
            let amount =
                |row: &Vec<Option<String>>| row[1].as_ref().unwrap().parse::<i64>().unwrap();
            rows[1..].iter().map(amount).sum()
        };
        assert_eq!(sum("a") + sum("z"), 10_000);
    }
    over.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(moving.await.unwrap() > 6);
    ground.clear().await;
}
