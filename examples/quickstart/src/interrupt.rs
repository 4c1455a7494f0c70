//! Ctrl-C, and a polite request to end: both let the program clean up behind itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// Listens from the moment it is made, so that nothing is missed.
#[derive(Debug)]
pub(crate) struct Interrupt {
    ctrl_c: Signal,
    terminate: Signal,
}

impl Interrupt {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self, Error> {
        let both = || {
            io::Result::Ok(Self {
                ctrl_c: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        };
        both().map_err(|source| Error::System {
            doing: "listening for Ctrl-C",
            source,
        })
    }

    /// Waits for it.
    pub(crate) async fn come(&mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Runs `work` until it is done, or until it is interrupted.
    pub(crate) async fn or<T>(
        &mut self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.come() => Err(Error::Interrupted),
        }
    }
}
