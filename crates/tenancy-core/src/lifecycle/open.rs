//! A scope that is open, and closes on every path.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::listener::tell;
use super::revert::Closing;
use super::{CleanupErrors, Ending, Event};
use crate::scope::{Access, Ambient, Phase};
use crate::tenancy::Lifecycle;
use crate::{Error, NotSaved, Tenant, TenantScope};

/// An open scope that is not tied to a closure: what an integration holds while it serves a
/// request and its response body.
///
/// Applications use [`Tenancy::run`](crate::Tenancy::run), or an integration's extractor. Closing
/// is [`close`](Self::close); dropping it closes it too, as [`Ending::Dropped`], and reverts go on
/// by themselves.
pub struct OpenScope {
    /// Taken by `close`, or by `Drop`.
    closing: Option<Closing>,
    scope: TenantScope,
}

impl OpenScope {
    pub(crate) async fn open(
        tenant: Arc<Tenant>,
        lifecycle: &Lifecycle,
        access: Access,
    ) -> Result<Self, Error> {
        if let Some(Ambient::Tenant(_)) = Ambient::current() {
            return Err(Error::NestedTenant);
        }
        let scope = TenantScope::new(tenant, lifecycle.realm.clone(), access);
        let mut open = Self {
            closing: Some(Closing {
                scope: scope.ticket(),
                completed: Vec::new(),
                listeners: Arc::clone(&lifecycle.listeners),
                detached: Arc::clone(&lifecycle.detached),
                ending: Ending::Dropped,
                cleanup: CleanupErrors::default(),
            }),
            scope,
        };
        tell(
            &lifecycle.listeners,
            open.scope.tenant_id(),
            &Event::Initializing,
        );
        for bootstrapper in lifecycle.bootstrappers.iter() {
            let initialize = open.scope.scope(bootstrapper.initialize(&open.scope));
            match AssertUnwindSafe(initialize).catch_unwind().await {
                Ok(Ok(completed)) => {
                    if let Some(closing) = &mut open.closing {
                        closing.completed.push(completed);
                    }
                }
                Ok(Err(source)) => {
                    let name = bootstrapper.name();
                    let cleanup = open.close(Ending::Failed).await;
                    return Err(Error::Bootstrap {
                        name,
                        source,
                        cleanup,
                    });
                }
                Err(panic) => {
                    open.close(Ending::Panicked).await;
                    std::panic::resume_unwind(panic);
                }
            }
        }
        open.scope.advance(Phase::Initialized);
        tell(
            &lifecycle.listeners,
            open.scope.tenant_id(),
            &Event::Initialized,
        );
        Ok(open)
    }

    /// The scope that is open.
    pub fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// Gives the scope a transaction of its request's, which a pool's `request_transaction` begins at
    /// the first use: for an integration that will [end](Self::end_transaction) it.
    #[must_use]
    pub fn with_transaction(self) -> Self {
        self.scope.shared_state().transaction.switch_on();
        self
    }

    /// Whether there is a transaction of the request's that has not ended, begun or not.
    pub fn has_transaction(&self) -> bool {
        self.scope.shared_state().transaction.is_open()
    }

    /// Ends the request's transaction, before the answer goes out: with `save` it is committed, else
    /// rolled back. Without one, or where it was not begun, nothing is done. It can't be begun from
    /// here on. When the scope ends it is rolled back, if it has not ended before.
    ///
    /// The future does not borrow the scope. Dropped before its end, the transaction is rolled back,
    /// or committed if that was under way.
    ///
    /// # Errors
    /// [`NotSaved`] where `save` was asked for: the answer must not be a success.
    pub fn end_transaction(
        &self,
        save: bool,
    ) -> impl Future<Output = Result<(), NotSaved>> + Send + use<> {
        let state = self.scope.shared_state();
        async move { state.transaction.end(save).await }
    }

    /// Ends the scope: from here on its tickets open nothing. Reverts run, and what they could not
    /// revert is returned. Dropping the future that this returns stops none of it.
    pub async fn close(mut self, ending: Ending) -> CleanupErrors {
        match self.closing.take() {
            Some(closing) => Closing { ending, ..closing }.start().await,
            None => CleanupErrors::default(),
        }
    }
}

impl Drop for OpenScope {
    fn drop(&mut self) {
        if let Some(closing) = self.closing.take() {
            let ending = if std::thread::panicking() {
                Ending::Panicked
            } else {
                Ending::Dropped
            };
            // It has begun when `start` returns; the future would only wait for it.
            drop(Closing { ending, ..closing }.start());
        }
    }
}

impl fmt::Debug for OpenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenScope").field(&self.scope).finish()
    }
}
