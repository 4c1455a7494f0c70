//! The data file: a user's own, and every way of getting it wrong.

use std::fs;

use crate::program::{Run, run};

/// A file that is as it must be, over five lines.
const GOOD: &str = r#"{ "tenants": [
  { "id": "north", "token": "north-token", "notes": [ { "id": 7, "title": "Größe 7" } ] },
  { "id": "south", "token": "south-token", "notes": [ { "id": 7, "title": "size 7" }, { "id": 9, "title": "size 9" } ] },
  { "id": "west", "status": "suspended", "token": "west-token", "notes": [] }
] }"#;

fn run_with(content: impl AsRef<[u8]>) -> Run {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("notes.json");
    fs::write(&file, content).expect("a file");
    run(&["--data", file.to_str().expect("UTF-8")])
}

/// `GOOD` with one thing changed is refused, at the place that `to` marks with `¦`, with this path
/// and these words.
fn refused(from: &str, to: &str, path: &str, words: &str) {
    assert!(GOOD.contains(from), "{from}");
    let marked = GOOD.replacen(from, to, 1);
    let (before, behind) = marked.split_once('¦').expect("a mark");
    let line = before.matches('\n').count() + 1;
    let column = before.lines().last().map_or(0, |line| line.chars().count()) + 1;
    let run = run_with(format!("{before}{behind}"));
    assert_eq!(run.code, Some(2), "{to}: {run:?}");
    let place = format!("notes.json:{line}:{column}: {path}");
    assert!(run.err.contains(&place), "{to}: {place}: {}", run.err);
    assert!(run.err.contains(words), "{to}: {words}: {}", run.err);
    // Nothing was provisioned, nothing served.
    assert_eq!(run.out, "", "{to}");
}

#[test]
fn a_file_of_ones_own_is_played() {
    let run = run_with(GOOD);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("south reads its 2 notes"), "{run:?}");
    assert!(run.out.contains("Größe 7"), "{run:?}");
}

#[test]
fn what_is_no_json_is_refused_where_it_stops() {
    refused(
        "\"id\": 9",
        "\"id\" ¦9",
        "tenants[1].notes[1].id: ",
        "expected `:`",
    );
    refused(
        "\"size 9\" }",
        "\"size 9\" ¦]",
        "tenants[1].notes[1]",
        "expected `,` or `}`",
    );
    refused("9\" } ]", "9\" }, ¦]", "tenants[1].notes", "trailing comma");
    refused("\n] }", "\n]¦", "", "EOF while parsing an object");
    for nothing in ["", "null", "7", "\u{feff}{}"] {
        let run = run_with(nothing);
        assert_eq!(run.code, Some(2), "{nothing:?}: {run:?}");
        assert!(
            run.err.contains("notes.json:1:1: "),
            "{nothing:?}: {}",
            run.err
        );
    }
    let deep = run_with("[".repeat(500_000));
    assert_eq!(deep.code, Some(2), "{}", deep.err);
}

#[test]
fn what_is_unknown_or_missing_is_refused_by_its_path() {
    refused(
        "\"tenants\"",
        "¦\"tenant\"",
        "tenant: ",
        "unknown field `tenant`",
    );
    refused(
        "\"status\"",
        "¦\"colour\"",
        "tenants[2].colour: ",
        "unknown field `colour`",
    );
    refused(
        "\"suspended\"",
        "¦\"asleep\"",
        "tenants[2].status: ",
        "unknown variant `asleep`",
    );
    let whole =
        "{ \"id\": \"west\", \"status\": \"suspended\", \"token\": \"west-token\", \"notes\": [] }";
    refused(
        whole,
        "¦{ \"id\": \"west\", \"notes\": [] }",
        "tenants[2]: ",
        "missing field `token`",
    );
    refused(whole, "¦7", "tenants[2]: ", "invalid type: integer `7`");
}

#[test]
fn what_breaks_a_rule_is_refused_by_its_path() {
    let id = |to: &str, words| refused("\"south\"", to, "tenants[1].id: ", words);
    id("¦\"South\"", "upper case is refused");
    id("¦\"so_th\"", "can't be a subdomain");
    id("¦\"xn--south\"", "can't be a subdomain");
    id("¦\"../north\"", "not allowed");
    id("¦\"\"", "a tenant id is empty");
    id("¦\"north\"", "north is tenants[0] already");

    let token = |to: &str, words| refused("\"south-token\"", to, "tenants[1].token: ", words);
    token("¦\"north-token\"", "tenants[0]");
    token("¦\"short\"", "8 to 128");
    token("¦\"with a space\"", "8 to 128 characters of");

    let note = |to: &str, words| refused("9,", to, "tenants[1].notes[1].id: ", words);
    note("¦7,", "7 is notes[0]");
    note("¦0,", "a note's id is 1 to");
    note("¦1000000,", "a note's id is 1 to");
    note("¦\"9\",", "expected i64");
    note("¦99999999999999999999,", "expected i64");

    let title = |to: &str, words| refused("\"size 9\"", to, "tenants[1].notes[1].title: ", words);
    title("¦\"\"", "1 to 200 characters");
    title("¦\"  \"", "1 to 200 characters");
    title("¦\"\\u001b[2J\"", "control characters");
    title(&format!("¦\"{}\"", "ü".repeat(201)), "this one has 201");
}

#[test]
fn two_tenants_are_needed_that_can_be_told_apart() {
    let notes = "[ { \"id\": 7, \"title\": \"Größe 7\" } ]";
    refused(
        notes,
        "¦[]",
        "tenants[0].notes: ",
        "north needs a note whose title south has not",
    );
    refused(
        notes,
        "¦[ { \"id\": 1, \"title\": \"size 9\" } ]",
        "tenants[0].notes: ",
        "north needs a note",
    );
    let lonely = GOOD.replace("\"south\"", "\"south\", \"status\": \"suspended\"");
    let run = run_with(lonely);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(
        run.err
            .contains("notes.json:1:14: tenants: there are 3 tenants, 1 of them active"),
        "{run:?}"
    );
}

#[test]
fn what_can_not_be_read_is_refused() {
    let missing = run(&["--data", "/nowhere/notes.json"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(
        missing
            .err
            .contains("/nowhere/notes.json: it can't be read"),
        "{missing:?}"
    );

    let binary = run_with(b"{ \"tenants\":\n \xff\xfe [] }");
    assert_eq!(binary.code, Some(2), "{binary:?}");
    assert!(
        binary.err.contains("notes.json:2:2: this is not UTF-8"),
        "{binary:?}"
    );

    let large = run_with(" ".repeat(2 << 20));
    assert_eq!(large.code, Some(2), "{large:?}");
    assert!(large.err.contains("larger than"), "{large:?}");
}
