//! The example's program, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::Connection;

/// A program that is running; ended with this value.
#[derive(Debug)]
pub struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// Starts the program at this path, and waits until it listens.
    pub fn start(path: &str) -> Self {
        let mut child = Command::new(path)
            .arg("--until-eof")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let address = lines
            .find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned))
            .expect("the program says where it listens")
            .parse()
            .unwrap();
        // What else it says is read, so that it can say it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Waits until no scope is open.
    ///
    /// # Panics
    /// Where one stays open.
    pub async fn all_closed(&self) {
        let mut connection = self.connect().await;
        let mut open = String::new();
        for _ in 0..1_000 {
            open = connection.get_open("/open-scopes").await.text();
            if open == "0\n" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("scopes stay open: {open}");
    }

    /// Waits until this many scopes are open.
    ///
    /// # Panics
    /// Where they don't come.
    pub async fn opened(&self, count: usize) {
        let mut connection = self.connect().await;
        let mut open = String::new();
        for _ in 0..1_000 {
            open = connection.get_open("/open-scopes").await.text();
            if open == format!("{count}\n") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} scopes were to be open, and this many are: {open}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The end of its input ends it, and it tidies up; it is not waited for for ever.
        drop(self.child.stdin.take());
        for _ in 0..500 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
