//! Runs Cargo so that it dies with us, and adds up what its test programs report.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};

/// Runs a command in a process group of its own, which is told to end when the pipe on standard input
/// closes: whatever ends us, Ctrl-C or SIGKILL, no compiler or test stays behind.
const WATCHED: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
pid=$!
{ read -r _ <&3; trap '' TERM; kill -TERM 0; } &
watch=$!
wait "$pid"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
"#;

/// The results of all test programs of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

/// Runs Cargo with these arguments and variables; its output goes through to ours.
pub(crate) fn run(
    arguments: &[&str],
    variables: &[(String, String)],
) -> io::Result<(ExitStatus, Tally)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let variables = variables.iter().map(|(name, value)| (name, value));
    follow(
        watched(&cargo).args(arguments).envs(variables),
        &mut io::stdout(),
    )
}

/// A command that ends when its standard input does.
fn watched(program: &OsStr) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", WATCHED, "xtask"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0);
    command
}

fn follow(command: &mut Command, to: &mut impl io::Write) -> io::Result<(ExitStatus, Tally)> {
    let mut child = command.spawn()?;
    // Held to the end: its closing is the order to stop.
    let _pipe = child.stdin.take();
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            to.write_all(&line)?;
            tally.add(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    Ok((child.wait()?, tally))
}

impl Tally {
    /// Adds a line like `test result: ok. 12 passed; 0 failed; 0 ignored; ..`; other lines add nothing.
    fn add(&mut self, line: &str) {
        let Some((_verdict, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split(';') {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.ignored += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{Tally, follow, watched};

    #[test]
    fn result_lines_are_added_up_and_nothing_else_is() {
        let mut tally = Tally::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s\n",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n",
            "  test result: ok. 100 passed; 0 failed\n",
            "test result\n",
            "test some::name ... ok\n",
            "",
        ] {
            tally.add(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 14,
                failed: 3,
                ignored: 1
            }
        );
    }

    #[test]
    fn the_exit_status_and_the_counts_come_through() {
        let result =
            "echo 'test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured'; exit 3";
        let mut output = Vec::new();
        let mut command = watched("/bin/sh".as_ref());
        let (status, tally) = follow(command.args(["-c", result]), &mut output).unwrap();
        assert!(output.starts_with(b"test result: FAILED. 2 passed"));
        assert_eq!(status.code(), Some(3));
        assert_eq!(
            tally,
            Tally {
                passed: 2,
                failed: 1,
                ignored: 0
            }
        );
    }

    #[test]
    fn what_runs_ends_when_we_are_gone() {
        // A shell with a child, as Cargo is with its tests.
        let mut child = watched("/bin/sh".as_ref())
            .args(["-c", "sleep 60; true"])
            .spawn()
            .unwrap();
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), None, "it ran to its end");
        // Both are gone: nobody holds the other end any more.
        let mut rest = String::new();
        child.stdout.unwrap().read_to_string(&mut rest).unwrap();
    }
}
