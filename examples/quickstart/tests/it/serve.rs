//! `serve`: it prints what to try, answers, and stops when it is asked to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::program::program;

/// A service that is running; ended with the test.
struct Serving {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Everything up to "Ctrl-C stops it".
    announced: String,
    address: String,
}

impl Serving {
    fn start(temp: &std::path::Path) -> Self {
        let mut child = program(&["serve"])
            .env("TMPDIR", temp)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut announced = String::new();
        while !announced.contains("Ctrl-C stops it\n") {
            assert!(
                lines.read_line(&mut announced).expect("a line") > 0,
                "{announced}"
            );
        }
        let address = announced
            .split("serving on http://")
            .nth(1)
            .expect("an address");
        let address = address.lines().next().expect("a line").to_owned();
        Self {
            child,
            lines,
            announced,
            address,
        }
    }

    fn ask(&self, host: &str, token: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the service listens");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let kill = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(kill.expect("kill").success());
        let mut rest = String::new();
        self.lines
            .read_to_string(&mut rest)
            .expect("the last lines");
        (self.child.wait().expect("an end").code(), rest)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_serves_both_tenants_and_stops_cleanly() {
    for signal in ["-INT", "-TERM"] {
        let temp = tempfile::tempdir().expect("a folder");
        let serving = Serving::start(temp.path());
        let acme = serving.ask("acme.notes.localhost", "acme-demo-token", "/notes");
        assert!(
            acme.starts_with("HTTP/1.1 200") && acme.contains("rocket skates"),
            "{acme}"
        );
        let globex = serving.ask("globex.notes.localhost", "globex-demo-token", "/whoami");
        assert!(globex.ends_with("globex\n"), "{globex}");
        let foreign = serving.ask("globex.notes.localhost", "acme-demo-token", "/notes");
        assert!(foreign.starts_with("HTTP/1.1 404"), "{foreign}");

        // A connection that is kept open does not hold up the end.
        let _idle = TcpStream::connect(&serving.address).expect("the service listens");
        let (code, rest) = serving.end(signal);
        assert_eq!(code, Some(0), "{signal}: {rest}");
        assert!(rest.contains("stopping"), "{rest}");
        let left: Vec<_> = std::fs::read_dir(temp.path())
            .expect("the folder")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Every line that it prints is run as it is, where there is a curl.
#[test]
fn its_curl_lines_work() {
    let temp = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(temp.path());
    let lines: Vec<&str> = serving
        .announced
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .collect();
    assert_eq!(lines.len(), 8, "{}", serving.announced);
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let answer = |line: &str| {
        let output = Command::new("sh").args(["-c", line]).output().expect("sh");
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(answer(lines[0]).contains("rocket skates"));
    assert!(answer(lines[1]).contains("Weather machine"));
    assert!(answer(lines[2]).contains("written with curl"));
    let timeless = |answer: String| -> String {
        answer
            .lines()
            .filter(|line| !line.starts_with("date:"))
            .collect()
    };
    assert_eq!(timeless(answer(lines[3])), timeless(answer(lines[4])));
    let injected = answer(lines[5]);
    assert!(
        injected.contains("rocket skates") && !injected.contains("Weather"),
        "{injected}"
    );
    assert!(answer(lines[6]).contains("no tenant scope is open here"));
    assert_eq!(answer(lines[7]), "[]");
    assert!(answer(lines[7]).contains("has ended"));
}
