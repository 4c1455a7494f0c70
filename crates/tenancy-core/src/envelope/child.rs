//! Envelopes on their way into a child process: in its environment, for it alone.

use std::env::VarError;
use std::future::Future;

use super::verbs::Audience;
use crate::{
    CentralScope, EnvelopeError, EnvelopeKeys, Error, ScopeEnvelope, ScopeFn, Tenancy, TenantScope,
    Undone,
};

/// No [`Tenancy::audience`] can have this name, for a space is in it: a job's envelope is never a
/// child's, and a child's never a job's.
const CHILDREN: &str = "child process";

impl ScopeEnvelope {
    /// The environment variable in which a child process finds its envelope: `TENANCY_SCOPE`.
    pub const VARIABLE: &'static str = "TENANCY_SCOPE";
}

impl EnvelopeKeys {
    /// The environment variable that the command `tenancy run` reads its keys from, unless it was
    /// told another: `TENANCY_ENVELOPE_KEY`.
    pub const VARIABLE: &'static str = "TENANCY_ENVELOPE_KEY";

    /// The keys in the environment variable `name`, each `ID:BASE64`, apart by spaces, line ends or
    /// commas. The first one signs, the others are accepted.
    ///
    /// # Errors
    /// [`EnvelopeError::KeyVariable`] where it is not set, or not UTF-8; [`EnvelopeError::NoKeys`]
    /// where it is empty; [`EnvelopeError::MalformedKey`], [`EnvelopeError::WeakKey`],
    /// [`EnvelopeError::DuplicateKey`].
    pub fn from_env(name: &str) -> Result<Self, EnvelopeError> {
        let text = std::env::var(name).map_err(|_| EnvelopeError::KeyVariable)?;
        let text = zeroize::Zeroizing::new(text);
        let mut words = text
            .split([' ', '\t', ',', '\r', '\n'])
            .filter(|word| !word.is_empty());
        let signing = words.next().ok_or(EnvelopeError::NoKeys)?.parse()?;
        words.try_fold(Self::new(signing), |keys, word| keys.accept(word.parse()?))
    }
}

impl Tenancy {
    /// Envelopes for child processes: sealed here, put into the child's variable
    /// [`ScopeEnvelope::VARIABLE`], and opened there with [`run_from_env`](Self::run_from_env). No
    /// queue's envelope is opened there, and none of these by a queue.
    ///
    /// The variable, never an argument: every user of the machine can read a command line. A child
    /// hands its environment on to its own children, so that each of them can open the scope until
    /// it expires, a few minutes as a rule; where they shall not, start them with
    /// `Command::env_remove(ScopeEnvelope::VARIABLE)`.
    pub fn child_process(&self) -> Audience<'_> {
        Audience::named(self, CHILDREN.to_owned())
    }

    /// Runs `work` in the tenant's scope that this process was started for, as `tenancy run --tenant
    /// ID -- COMMAND` does it. The tenant is looked up now, past the cache, and must be active.
    ///
    /// ```no_run
    /// use tenancy_core::{EnvelopeKeys, Error, MemoryStore, Tenancy, TenantScope};
    ///
    /// # async fn child(store: MemoryStore) -> Result<(), Error> {
    /// let keys = EnvelopeKeys::from_env(EnvelopeKeys::VARIABLE)?;
    /// let tenancy = Tenancy::builder(store).without_requests().envelope_keys(keys).build();
    /// tenancy.run_from_env(async |scope: &TenantScope| -> Result<(), Error> {
    ///     println!("working for {}", scope.tenant_id());
    ///     Ok(())
    /// }).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `work` returns, as it is. Before it: [`Error::Envelope`] where there is no envelope in
    /// the environment, or it is forged, expired, central, or no child's; and what
    /// [`run`](Self::run) refuses.
    pub fn run_from_env<'a, F, T, E>(
        &'a self,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&TenantScope) -> Result<T, E> + for<'s> ScopeFn<'s, TenantScope, T, E> + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        let run = self.child_process().run_text(handed_over(), work);
        async move { run.await.map_err(Undone::into_error) }
    }

    /// Runs `work` across tenants, for the reason that this process was started with, as `tenancy
    /// run --central --reason REASON -- COMMAND` does it.
    ///
    /// # Errors
    /// What `work` returns, as it is. Before it: [`Error::Envelope`] where there is no envelope in
    /// the environment, or it is forged, expired, a tenant's, or no child's; and what
    /// [`central`](Self::central) refuses.
    pub fn run_central_from_env<'a, F, T, E>(
        &'a self,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&CentralScope) -> Result<T, E>
            + for<'s> ScopeFn<'s, CentralScope, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        self.child_process().run_central_text(handed_over(), work)
    }
}

/// The envelope that whoever started this process put there.
fn handed_over() -> Result<ScopeEnvelope, EnvelopeError> {
    match std::env::var(ScopeEnvelope::VARIABLE) {
        Ok(text) => ScopeEnvelope::new(text),
        Err(VarError::NotPresent) => Err(EnvelopeError::NotInEnvironment),
        Err(VarError::NotUnicode(_)) => Err(EnvelopeError::Malformed),
    }
}
