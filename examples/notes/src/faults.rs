//! What a real service would not have: handlers that break on purpose, or look where they should
//! not, for the suite that runs against every example.

mod transactions;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tenancy::{Availability, Context, TenantScope};
use tokio::sync::watch;

use crate::{Draft, Notes, Problem, Service};

/// When it may be over, as `acme`'s members are told.
const ANNOUNCED: Duration = Duration::from_secs(90);

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
        self.released().await;
        drop(db);
        whoami(scope)
    }

    /// How many wait.
    pub fn waiting(&self) -> String {
        format!("{}\n", self.gate.receiver_count())
    }

    /// Lets everybody go who waits.
    pub fn release(&self) {
        self.gate.send_replace(true);
    }

    /// Writes a note, whatever the request's method promises.
    ///
    /// # Errors
    /// [`Problem`] where there is no scope, or the tenant may only be read.
    pub async fn write(notes: &Notes, scope: &TenantScope) -> Result<&'static str, Problem> {
        let title = "written on the way".to_owned();
        notes.add(scope, Draft { title }).await?;
        Ok("written\n")
    }

    /// `acme` goes into maintenance.
    ///
    /// # Errors
    /// [`Problem`] where there is no such tenant.
    pub fn maintenance(service: &Service) -> Result<&'static str, Problem> {
        let until = Some(SystemTime::now() + ANNOUNCED);
        service.switch(Availability::Maintenance { until })?;
        Ok("maintenance\n")
    }

    /// `acme` may only be read.
    ///
    /// # Errors
    /// As [`maintenance`](Self::maintenance).
    pub fn read_only(service: &Service) -> Result<&'static str, Problem> {
        let until = Some(SystemTime::now() + ANNOUNCED);
        service.switch(Availability::ReadOnly { until })?;
        Ok("read-only\n")
    }

    /// `acme` is open again.
    ///
    /// # Errors
    /// As [`maintenance`](Self::maintenance).
    pub fn available(service: &Service) -> Result<&'static str, Problem> {
        service.switch(Availability::Open)?;
        Ok("available\n")
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

    async fn released(&self) {
        // The sender is `self`, so the channel can't be closed while this waits.
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
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
