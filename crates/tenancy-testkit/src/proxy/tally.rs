//! What a proxy has counted, over all of its connections.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Messages that end a server's answer, so that the client may be waiting for nothing else:
/// `ReadyForQuery`, `CopyInResponse`, `CopyBothResponse`.
const ANSWERED: [u8; 3] = *b"ZGW";

#[derive(Debug, Default)]
pub(super) struct Tally {
    trips: AtomicUsize,
    requests: AtomicUsize,
    connections: AtomicUsize,
    sent: Mutex<String>,
    received: Mutex<String>,
}

impl Tally {
    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }

    /// A client's message. `answered` belongs to its connection.
    pub(super) fn client_sent(&self, tag: u8, answered: &AtomicBool) {
        push(&self.sent, tag);
        if tag == b'Q' || tag == b'S' {
            self.requests.fetch_add(1, Ordering::SeqCst);
        }
        // Nobody waits for an answer to Terminate.
        if tag != b'X' && answered.swap(false, Ordering::SeqCst) {
            self.trips.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A server's message that the client is about to have.
    pub(super) fn client_gets(&self, tag: u8, answered: &AtomicBool) {
        push(&self.received, tag);
        if ANSWERED.contains(&tag) {
            answered.store(true, Ordering::SeqCst);
        }
    }

    pub(super) fn trips(&self) -> usize {
        self.trips.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn sent(&self) -> String {
        lock(&self.sent).clone()
    }

    pub(super) fn received(&self) -> String {
        lock(&self.received).clone()
    }

    pub(super) fn reset(&self) {
        for count in [&self.trips, &self.requests, &self.connections] {
            count.store(0, Ordering::SeqCst);
        }
        lock(&self.sent).clear();
        lock(&self.received).clear();
    }
}

fn push(log: &Mutex<String>, tag: u8) {
    lock(log).push(char::from(tag));
}

fn lock(log: &Mutex<String>) -> std::sync::MutexGuard<'_, String> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
