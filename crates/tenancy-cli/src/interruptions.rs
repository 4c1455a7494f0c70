//! Ctrl-C, and a request to end.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Heard from when it is made on, so that none is missed.
pub(crate) struct Interruptions {
    #[cfg(unix)]
    signals: Option<(Signal, Signal)>,
}

impl Interruptions {
    /// How a program exits that was ended by one.
    pub(crate) const EXIT: i32 = 130;

    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        // Where they can't be heard, they end the program as ever.
        let interrupt = signal(SignalKind::interrupt()).ok();
        Self {
            signals: interrupt.zip(signal(SignalKind::terminate()).ok()),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        Self {}
    }

    /// The next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        match &mut self.signals {
            Some((interrupt, terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
