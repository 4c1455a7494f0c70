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
    abandoned: Abandoned,
}

/// What a framework does with a handler whose client goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It is dropped at once.
    Dropped,
    /// It comes to its end.
    Finished,
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
        Self {
            child,
            address,
            abandoned: Abandoned::Dropped,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what its framework does with a handler whose client goes away: not
    /// [`Dropped`](Abandoned::Dropped), perhaps.
    #[must_use]
    pub fn with_abandoned(mut self, abandoned: Abandoned) -> Self {
        self.abandoned = abandoned;
        self
    }

    pub fn abandoned(&self) -> Abandoned {
        self.abandoned
    }

    pub async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Waits until no scope is open.
    ///
    /// # Panics
    /// Where one stays open.
    pub async fn all_closed(&self) {
        self.opened(0).await;
    }

    /// Waits until this many scopes are open.
    ///
    /// # Panics
    /// Where they don't come.
    pub async fn opened(&self, count: usize) {
        self.says("/open-scopes", count).await;
    }

    /// Waits until this many handlers wait to be released.
    ///
    /// # Panics
    /// Where they don't come.
    pub async fn waiting(&self, count: usize) {
        self.says("/faults/waiting", count).await;
    }

    async fn says(&self, path: &str, count: usize) {
        let mut connection = self.connect().await;
        let mut said = String::new();
        for _ in 0..1_000 {
            said = connection.get_open(path).await.text();
            if said == format!("{count}\n") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} was to say {count}, and says {said}");
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
