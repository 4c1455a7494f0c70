//! Scopes that stay open as long as a test wants.

use std::fmt;

use tenancy_core::{Error, Tenancy, TenantScope};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A tenant's scope that stays open until it is told to end.
pub struct OpenScope {
    /// The scope.
    pub scope: TenantScope,
    end: oneshot::Sender<()>,
    open: JoinHandle<Result<(), Error>>,
}

impl OpenScope {
    /// Opens one.
    ///
    /// # Panics
    /// Where the tenant is refused.
    pub async fn of(tenancy: &Tenancy, tenant: &str) -> Self {
        let (give, take) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let (tenancy, tenant) = (tenancy.clone(), tenant.to_owned());
        let open = tokio::spawn(async move {
            tenancy
                .run(
                    tenant.as_str(),
                    async |scope: &TenantScope| -> Result<(), Error> {
                        let _given = give.send(scope.ticket());
                        let _over = ended.await;
                        Ok(())
                    },
                )
                .await
        });
        Self {
            scope: take.await.unwrap(),
            end,
            open,
        }
    }

    /// Ends it, and hands out the ticket that is left.
    ///
    /// # Panics
    /// Where it ended with an error.
    pub async fn end(self) -> TenantScope {
        drop(self.end);
        self.open.await.unwrap().unwrap();
        self.scope
    }
}

impl fmt::Debug for OpenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenScope").finish_non_exhaustive()
    }
}
