//! What a real service would not have: handlers that break on purpose, or look where they should
//! not, for the suite that runs against every example.

use std::sync::{Arc, Mutex, PoisonError};

use tenancy::{Context, TenantScope};
use tokio::sync::watch;

use crate::{Notes, Problem};

/// The state of the handlers that misbehave.
#[derive(Debug, Clone)]
pub struct Faults {
    gate: Arc<watch::Sender<bool>>,
    kept: Arc<Mutex<Option<TenantScope>>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            gate: Arc::new(watch::Sender::new(false)),
            kept: Arc::default(),
        }
    }
}

impl Faults {
    /// Holds one of the tenant's connections until [`release`](Self::release) is called: a slow
    /// tenant.
    ///
    /// # Errors
    /// [`Problem`] where there is no scope.
    pub async fn wait(&self, notes: &Notes, scope: &TenantScope) -> Result<String, Problem> {
        let db = notes.database().acquire(scope).await?;
        // The sender is `self`, so the channel can't be closed while this waits.
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
        drop(db);
        whoami(scope)
    }

    /// Lets everybody go who waits.
    pub fn release(&self) {
        self.gate.send_replace(true);
    }

    /// Keeps the request's scope beyond the request.
    pub fn keep(&self, scope: TenantScope) {
        *self.kept() = Some(scope);
    }

    /// Reads notes with the scope that was kept: `scope ended`, or what it should not get.
    pub async fn use_kept(&self, notes: &Notes) -> String {
        let Some(scope) = self.kept().take() else {
            return "nothing was kept\n".to_owned();
        };
        match notes.list(&scope).await {
            Ok(found) => format!("{} notes\n", found.len()),
            Err(Problem::Tenancy(tenancy::sqlx::Error::Scope(tenancy::Error::ScopeEnded))) => {
                "scope ended\n".to_owned()
            }
            Err(problem) => format!("{problem}\n"),
        }
    }

    /// What is ambient where nothing should be: on an open route.
    pub fn ambient() -> &'static str {
        match Context::current() {
            Context::None => "none\n",
            Context::Tenant(_) => "a tenant's scope\n",
            Context::Central(_) => "a central scope\n",
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<TenantScope>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tenant, if the ambient scope is the request's own.
///
/// # Errors
/// [`Problem::AnotherScope`] where it is another, [`Problem::Tenancy`] where there is none.
pub fn whoami(scope: &TenantScope) -> Result<String, Problem> {
    if TenantScope::current()?.is_same_scope(scope) {
        Ok(format!("{}\n", scope.tenant_id()))
    } else {
        Err(Problem::AnotherScope)
    }
}
