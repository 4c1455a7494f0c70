//! `tenancy run`: a command with a scope in its environment.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use secrecy::SecretString;
use tenancy_core::{CentralScope, EnvelopeKeys, Error, Tenancy, TenantScope};
use tenancy_fleet::registry::Registry;

use crate::registry::on_every_base;
use crate::stage::Stage;

on_every_base!(a_command_works_in_its_scope);

const SIGNING: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
/// Tells this program that it is the command, and which scope it is to open.
const ROLE: &str = "TENANCY_TEST_ROLE";
const BASE: &str = "TENANCY_TEST_BASE";

fn with_key(mut stage: Stage) -> Stage {
    stage.hidden.push(SIGNING.trim_end_matches('=').to_owned());
    stage.set("TENANCY_ENVELOPE_KEY", &format!("k1:{SIGNING}"));
    let url = match stage.variables.get("DATABASE_URL") {
        Some(url) => url.clone(),
        None => format!("sqlite://{}", stage.path("base.db").display()),
    };
    stage.set(BASE, &url);
    stage.ok(&[
        "tenant",
        "create",
        "acme",
        "--create-base",
        "--strategy",
        "row",
    ]);
    stage
}

/// What this program, as the command, says of the scope that it finds.
fn found(stage: &Stage, role: &str, flags: &[&str]) -> String {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let child = [own, "--exact", "running::the_command", "--nocapture"];
    let mut command = stage.command(&[&["run"], flags, &["--"], &child].concat());
    let said = stage.finish(command.env(ROLE, role).output().unwrap());
    let start = said
        .out
        .find("[found ")
        .unwrap_or_else(|| panic!("{said:?}"))
        + 7;
    let end = start + said.out[start..].find(" end]").unwrap();
    said.out[start..end].to_owned()
}

/// The command. Without a role, nothing: it is run with the other tests, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let found = match work(&role).await {
        Ok(text) => text,
        Err(Error::Envelope(error)) => format!("{error:?}"),
        Err(error) => format!("other: {error}"),
    };
    println!("[found {found} end]");
}

async fn work(role: &str) -> Result<String, Error> {
    let url = SecretString::from(std::env::var(BASE).unwrap());
    let registry = Registry::builder(url).connect().await.unwrap();
    let keys = EnvelopeKeys::from_env(EnvelopeKeys::VARIABLE)?;
    let tenancy = Tenancy::builder(registry)
        .without_requests()
        .envelope_keys(keys)
        .build();
    if role == "central" {
        let work =
            async |scope: &CentralScope| -> Result<_, Error> { Ok(scope.reason().to_owned()) };
        return tenancy.run_central_from_env(work).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(match role {
        "late" => 50,
        _ => 0,
    }))
    .await;
    let work =
        async |scope: &TenantScope| -> Result<_, Error> { Ok(scope.tenant_id().to_string()) };
    tenancy.run_from_env(work).await
}

fn a_command_works_in_its_scope(stage: Stage) {
    let stage = with_key(stage);
    assert_eq!(found(&stage, "tenant", &["--tenant", "acme"]), "acme");
    let central = ["--central", "--reason", "nightly 'report' $1"];
    assert_eq!(found(&stage, "central", &central), "nightly 'report' $1");
    assert_eq!(found(&stage, "central", &["--tenant", "acme"]), "WrongMode");
    assert_eq!(found(&stage, "tenant", &central), "WrongMode");
    assert_eq!(
        found(&stage, "late", &["--tenant", "acme", "--expires", "1ms"]),
        "Expired"
    );
    // Unknown and suspended are the same, and nothing is started.
    stage.ok(&["tenant", "create", "half"]);
    stage.ok(&["tenant", "create", "gone", "--strategy", "row"]);
    stage.ok(&["tenant", "suspend", "gone"]);
    let complaints = ["gone", "half", "nobody"].map(|id| {
        let arguments = ["run", "--tenant", id, "--", "touch", "started"];
        assert_eq!(
            stage.refused(&arguments),
            ("tenant.not_available".into(), 1)
        );
        stage.complaint(&arguments)
    });
    assert!(complaints.iter().all(|said| *said == complaints[0]));
    stage.ok(&["tenant", "maintenance", "acme"]);
    let arguments = ["run", "--tenant", "acme", "--", "touch", "started"];
    assert_eq!(stage.refused(&arguments), ("tenant.unavailable".into(), 1));
    assert!(!stage.path("started").exists());
}

#[test]
fn without_a_key_or_a_command_nothing_is_started() {
    let mut stage = with_key(Stage::sqlite());
    let touch = ["run", "--tenant", "acme", "--", "touch", "started"];
    stage.variables.remove("TENANCY_ENVELOPE_KEY");
    assert_eq!(stage.refused(&touch), ("run.no_key".into(), 2));
    stage.set("TENANCY_ENVELOPE_KEY", "k1:AAAA");
    assert_eq!(stage.refused(&touch), ("run.envelope".into(), 2));
    stage.set("OTHER", &format!("k1:{SIGNING}"));
    stage.set("TENANCY_RUN_KEY_ENV", "OTHER");
    for expires in ["0s", "8days"] {
        let arguments = [&["run", "--expires", expires], &touch[1..]].concat();
        assert_eq!(stage.refused(&arguments), ("run.envelope".into(), 2));
    }
    let empty = ["run", "--central", "--reason", "", "--", "touch", "started"];
    assert_eq!(stage.refused(&empty), ("run.no_reason".into(), 2));
    let missing = ["run", "--tenant", "acme", "--", "/no/such/program"];
    assert_eq!(stage.refused(&missing), ("run.start".into(), 2));
    assert!(!stage.path("started").exists());
    stage.ok(&touch);
    assert!(stage.path("started").exists());
}

#[test]
fn the_scope_is_in_the_environment_and_nowhere_else() {
    let stage = with_key(Stage::sqlite());
    let script = r#"tr '\0' '\n' < /proc/$$/cmdline; echo; printf %s "$TENANCY_SCOPE" | cut -c1-7; echo "$1""#;
    let out = stage.ok(&[
        "run", "--tenant", "acme", "--", "sh", "-c", script, "sh", "--json",
    ]);
    assert!(
        out.contains("\nte1.k1.\n") && out.ends_with("--json\n"),
        "{out}"
    );
    let commandline = out.split("\nte1.").next().unwrap();
    assert!(!commandline.contains("te1.k1"), "{out}");
}

#[cfg(unix)]
#[test]
fn exit_codes_and_signals_are_the_commands_own() {
    use std::os::unix::process::ExitStatusExt as _;
    let stage = with_key(Stage::sqlite());
    for code in [0, 1, 2, 77, 255] {
        let script = format!("exit {code}");
        let said = stage.run(&["run", "--tenant", "acme", "--", "sh", "-c", &script]);
        assert_eq!(said.code, code);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
    }
    // A signal to the program is one to the command, which may handle it.
    let script = "trap 'echo told; exit 42' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = stage
        .command(&["run", "--tenant", "acme", "--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let id = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(lines.next().unwrap().unwrap(), "told");
    assert_eq!(child.wait().unwrap().code(), Some(42));
    // One that ends it is seen as such.
    let killed = stage
        .command(&["run", "--tenant", "acme", "--", "sh", "-c", "kill -KILL $$"])
        .status()
        .unwrap();
    assert_eq!(killed.signal(), Some(9));
}
