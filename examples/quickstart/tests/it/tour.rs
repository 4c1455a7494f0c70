//! The tour on SQLite.

use std::fs;

use crate::program::{end_of, program, run};

#[test]
fn every_promise_holds_and_nothing_stays_behind() {
    let temp = tempfile::tempdir().expect("a folder");
    let run = end_of(program(&[]).env("TMPDIR", temp.path()));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("\nSummary\n"), "{run:?}");
    assert!(run.out.contains(" promises held.\n"), "{run:?}");
    assert!(!run.out.contains('✗'), "{run:?}");
    assert_eq!(run.err, "");
    let left: Vec<_> = fs::read_dir(temp.path()).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_promised_is_shown() {
    let run = run(&[]);
    for shown in [
        "acme reads its 3 notes",
        "globex reads its 3 notes",
        "acme deletes it, and globex still has its own",
        "globex deletes it, and acme still has its own",
        "no tenant scope is open here",
        "acme's token at globex's host",
        "initech: suspended, with its own valid token, the same",
        "this tenant scope has ended",
        "ATTACH of globex's file",
    ] {
        assert!(run.out.contains(shown), "{shown} is missing: {}", run.out);
    }
}

#[test]
fn a_pipe_gets_no_colour() {
    assert!(!run(&[]).out.contains('\x1b'));
}

#[test]
fn a_reader_who_leaves_does_not_make_it_panic() {
    let mut child = program(&[])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_wrong_command_line_is_2() {
    for arguments in [
        &["--nonsense"][..],
        &["--url", "mysql://root:geheim@127.0.0.1/"],
        &["serve", "--port", "x"],
    ] {
        let run = run(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.err.starts_with("error: "), "{run:?}");
        assert!(!run.err.contains("geheim"), "{run:?}");
    }
}
