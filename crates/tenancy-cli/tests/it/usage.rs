//! Help, completions, man pages, and arguments that are none.

use std::fs;

use crate::stage::Stage;

#[test]
fn help_and_version_are_data() {
    let stage = Stage::sqlite();
    let help = stage.ok(&["--help"]);
    for command in [
        "check",
        "tenant",
        "secrets",
        "make",
        "run",
        "completions",
        "man",
    ] {
        assert!(help.contains(&format!("  {command}")), "{help}");
    }
    // Every command explains itself, and none says that a key may be given.
    for command in [
        &["check"][..],
        &["prepare"],
        &["tenant", "create"],
        &["tenant", "deprovision"],
        &["secrets", "rotate-key"],
        &["make", "migration"],
        &["run"],
    ] {
        let help = stage.ok(&[command, &["--help"]].concat());
        assert!(help.contains("Usage: tenancy"), "{help}");
        assert!(!help.contains("--key "), "{help}");
    }
    assert_eq!(
        stage.ok(&["--version"]),
        format!("tenancy {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_usage_is_an_error_in_both_forms() {
    let stage = Stage::sqlite();
    for arguments in [
        &[][..],
        &["nothing"],
        &["tenant"],
        &["tenant", "show"],
        &["tenant", "show", "Acme"],
        &["tenant", "show", "../acme"],
        &["tenant", "show", "a\nb"],
        &["tenant", "list", "--status", "gone"],
        &["tenant", "create", "acme", "--strategy", "x"],
        &["run", "--tenant", "acme"],
        &["run", "--", "true"],
        &["run", "--central", "--", "true"],
        &["run", "--reason", "r", "--", "true"],
        &[
            "run",
            "--tenant",
            "acme",
            "--central",
            "--reason",
            "r",
            "--",
            "true",
        ],
        &["run", "--tenant", "acme", "--expires", "soon", "--", "true"],
        &["make", "migration", "../../etc/x"],
        &["completions", "tcsh-of-old"],
    ] {
        // Without a command clap shows its help, on standard error.
        if arguments.is_empty() || arguments == ["tenant"] {
            assert_eq!(stage.run(arguments).code, 2);
            continue;
        }
        assert_eq!(
            stage.refused(arguments),
            ("usage".into(), 2),
            "{arguments:?}"
        );
    }
}

/// Wherever a secret may come from by mistake, the message does not repeat it.
#[test]
fn secrets_among_the_arguments_are_refused_and_not_repeated() {
    let mut stage = Stage::sqlite();
    stage.hidden.push("hunter2".to_owned());
    let url = "postgres://ada:hunter2@localhost/base";
    let key = "k2:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    stage.hidden.push(key[3..].trim_end_matches('=').to_owned());
    for arguments in [
        &["check", "--base-url", url][..],
        &[
            "check",
            "--base-url",
            "postgres://localhost/base?password=hunter2",
        ],
        &[
            "check",
            "--set",
            "base.url=mysql://ada:hunter2@localhost/base",
        ],
        &[
            "check",
            "--set",
            "tenants.url=mysql://ada:hunter2@localhost/base",
        ],
        &["check", "--key", key],
        &["secrets", "rotate-key", "--keys", key],
        &["check", "--set", &format!("secrets.key={key}")],
        &["check", "--set", &format!("secrets.key_env={key}")],
    ] {
        let refused = stage.refused(arguments);
        assert_eq!(
            refused,
            ("config.secret_argument".into(), 2),
            "{arguments:?}"
        );
        assert!(stage.complaint(arguments).contains("command line"));
    }
    // Where nobody expects one.
    for arguments in [
        &["check", url][..],
        &[url],
        &["tenant", "show", url],
        &["tenant", "show", key],
        &["check", &format!("--keyring={key}")],
    ] {
        assert_eq!(
            stage.refused(arguments),
            ("usage".into(), 2),
            "{arguments:?}"
        );
    }
}

#[test]
fn completions_and_man_pages_are_made_of_the_definitions() {
    let mut stage = Stage::sqlite();
    // Also where the folder's configuration is broken: a shell starts anywhere.
    stage.write("tenancy.toml", "[[[");
    stage.set("TENANCY_CONFIG", "/nowhere");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stage.ok(&["completions", shell]);
        assert!(script.contains("rotate-key"), "{shell}");
        let document = stage.json(&["completions", shell]);
        assert_eq!(document["text"], script);
    }
    assert!(stage.ok(&["man"]).contains(".TH tenancy 1"));
    let listed = stage.ok(&["man", "--dir", "pages"]);
    for page in ["tenancy.1", "tenancy-tenant-create.1", "tenancy-run.1"] {
        assert!(listed.contains(page), "{listed}");
        let text = fs::read_to_string(stage.path("pages").join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    assert_eq!(stage.refused(&["check"]), ("config.read".into(), 2));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let stage = Stage::sqlite();
    let mut child = stage
        .command(&["man"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    // It may have been done before the pipe was closed.
    assert!(matches!(output.status.code(), Some(0 | 141)), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
