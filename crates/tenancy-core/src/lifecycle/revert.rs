//! Runs reverts where nobody can drop them.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::bootstrapper::Completed;
use super::listener::tell;
use super::{CleanupError, CleanupErrors, Ending, Event, Listener};
use crate::TenantScope;
use crate::scope::Phase;

/// Counts the closings that are still under way.
#[derive(Debug)]
pub(crate) struct Detached(watch::Sender<usize>);

impl Detached {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) async fn settled(&self) {
        // The sender is `self`, so the channel can't be closed while this waits.
        let _ = self.0.subscribe().wait_for(|pending| *pending == 0).await;
    }
}

/// All that is left to do for one scope.
pub(super) struct Closing {
    pub(super) scope: TenantScope,
    pub(super) completed: Vec<Completed>,
    pub(super) listeners: Arc<[Arc<dyn Listener>]>,
    pub(super) detached: Arc<Detached>,
    pub(super) ending: Ending,
    pub(super) cleanup: CleanupErrors,
}

impl Closing {
    /// Closes the scope in a task of its own, and waits for it. Dropped, the task goes on.
    pub(super) fn start(self) -> impl Future<Output = CleanupErrors> + Send {
        self.scope.advance(Phase::Ending);
        let state = self.scope.shared_state();
        let abandoned = AssertUnwindSafe(|| state.transaction.abandon());
        if std::panic::catch_unwind(abandoned).is_err() {
            tracing::error!("a request's transaction has panicked while it was dropped");
        }
        tell(
            &self.listeners,
            self.scope.tenant_id(),
            &Event::Ending(self.ending),
        );
        let unfinished = if self.completed.is_empty() {
            Err(self.finish())
        } else {
            self.detached.0.send_modify(|pending| *pending += 1);
            Ok(Unfinished(Some(self)).spawn())
        };
        async move {
            match unfinished {
                Err(cleanup) => cleanup,
                // A task that was cut off with its runtime has handed the rest to a thread, which
                // reports to the listeners.
                Ok(Some(task)) => task.await.unwrap_or_default(),
                Ok(None) => CleanupErrors::default(),
            }
        }
    }

    async fn revert_all(&mut self) {
        while let Some(Completed { name, revert }) = self.completed.pop() {
            let scope = self.scope.for_revert();
            let ambient = self.scope.ticket();
            let reverted = AssertUnwindSafe(ambient.scope(async move { revert(scope).await }))
                .catch_unwind()
                .await;
            let error = match reverted {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error,
                Err(_) => "the revert panicked".into(),
            };
            tracing::error!(bootstrapper = name, error = %error, "a scope's revert failed");
            self.cleanup.push(CleanupError::new(name, error));
        }
    }

    fn finish(self) -> CleanupErrors {
        self.scope.advance(Phase::Ended);
        tell(
            &self.listeners,
            self.scope.tenant_id(),
            &Event::Ended {
                ending: self.ending,
                cleanup: &self.cleanup,
            },
        );
        self.cleanup
    }
}

/// A closing that must not get lost: dropped before its end, it goes on on a thread of its own.
struct Unfinished(Option<Closing>);

impl Unfinished {
    fn spawn(self) -> Option<tokio::task::JoinHandle<CleanupErrors>> {
        // Without a runtime, dropping `self` sends it to a thread.
        let runtime = Handle::try_current().ok()?;
        Some(runtime.spawn(tracing::Instrument::in_current_span(self.run())))
    }

    async fn run(mut self) -> CleanupErrors {
        if let Some(closing) = self.0.as_mut() {
            closing.revert_all().await;
        }
        self.0.take().map(Self::finish).unwrap_or_default()
    }

    fn finish(closing: Closing) -> CleanupErrors {
        let detached = Arc::clone(&closing.detached);
        let cleanup = closing.finish();
        detached.0.send_modify(|pending| *pending -= 1);
        cleanup
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(closing) = self.0.take() else { return };
        let detached = Arc::clone(&closing.detached);
        let rest = Self(Some(closing));
        let started = std::thread::Builder::new()
            .name("tenancy-revert".into())
            .spawn(move || {
                match tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                {
                    Ok(runtime) => {
                        runtime.block_on(rest.run());
                    }
                    Err(error) => give_up(rest, &error),
                }
            });
        if let Err(error) = started {
            tracing::error!(%error, "no thread to revert a scope on; its reverts are lost");
            detached.0.send_modify(|pending| *pending -= 1);
        }
    }
}

fn give_up(mut rest: Unfinished, error: &std::io::Error) {
    tracing::error!(%error, "no runtime to revert a scope on; its reverts are lost");
    if let Some(closing) = rest.0.take() {
        Unfinished::finish(closing);
    }
}
