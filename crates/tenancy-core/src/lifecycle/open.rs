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
use crate::{Error, Tenant, TenantScope};

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
        tenant: Tenant,
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
