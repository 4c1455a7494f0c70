//! Starts a server on a port that is free, and waits until it answers.

use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::postgres::supervisor::Supervised;
use crate::random::random_hex;

/// Another process may take the port between our look and the server's start.
const ATTEMPTS: usize = 5;

/// What is to be known of a kind of server to start one.
pub(crate) struct Launch<F = fn(String, String) -> Error> {
    /// How long it has until it answers.
    pub(crate) patience: Duration,
    /// What it logs where its port is taken.
    pub(crate) port_is_taken: &'static str,
    /// The error of one that doesn't come up: the reason, and the end of its log.
    pub(crate) failed: F,
}

impl<F: Fn(String, String) -> Error> Launch<F> {
    /// Starts one with `start`, which is given a port and a password, until it answers to `ask`, which
    /// is given what `start` found out. The password is this server's own, so that another one on the
    /// port doesn't answer for it.
    pub(crate) async fn run<P, A, E, Asked>(
        &self,
        start: impl Fn(u16, String) -> Result<(Supervised, P), Error>,
        ask: impl Fn(P) -> Asked,
    ) -> Result<(Own, P, A), Error>
    where
        P: Clone,
        Asked: Future<Output = Result<A, E>>,
    {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (own, place) = start(free_port()?, random_hex(16)?)?;
            let own = Own(Mutex::new(own));
            let reason = match own.answers(self.patience, || ask(place.clone())).await {
                Ok(answer) => return Ok((own, place, answer)),
                Err(reason) => reason,
            };
            let log = own.log()?;
            if attempts < ATTEMPTS && log.contains(self.port_is_taken) {
                continue;
            }
            return Err((self.failed)(reason.to_owned(), end_of(&log)));
        }
    }
}

/// A server of our own. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Own(Mutex<Supervised>);

impl Own {
    /// Waits until it answers, or has ended.
    pub(crate) async fn answers<A, E, F>(
        &self,
        patience: Duration,
        ask: impl Fn() -> F,
    ) -> Result<A, &'static str>
    where
        F: Future<Output = Result<A, E>>,
    {
        let since = Instant::now();
        while since.elapsed() < patience {
            if let Ok(answer) = ask().await {
                return Ok(answer);
            }
            if self.lock().has_ended() {
                return Err("it ended by itself");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("it did not answer in time")
    }

    pub(crate) fn restart(&self) -> Result<(), Error> {
        self.lock().restart()
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> Result<String, Error> {
        self.lock().log()
    }

    fn lock(&self) -> MutexGuard<'_, Supervised> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server has logged: nothing that we could read of one that was given.
pub(crate) fn log_of(own: Option<&Own>) -> Result<String, Error> {
    own.map_or_else(|| Ok(String::new()), Own::log)
}

/// Looks for a server's programs where looking may block.
pub(crate) async fn looked_for<T: Send + 'static>(
    look: impl FnOnce() -> Result<T, Error> + Send + 'static,
    interrupted: fn(String) -> Error,
) -> Result<T, Error> {
    let found = tokio::task::spawn_blocking(look).await;
    found.map_err(|_| interrupted("looking for it was interrupted".to_owned()))?
}

pub(crate) fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::Listen)
}
