//! What [`Tenancy`] does with envelopes.

use std::borrow::Cow;
use std::future::{Future, ready};
use std::time::Duration;

use super::payload::{Payload, Subject, is_audience};
use super::seal;
use crate::tenancy::{available, ensure_active};
use crate::{
    CentralScope, EnvelopeError, EnvelopeKeys, Error, ScopeEnvelope, ScopeFn, Tenancy, TenantId,
    TenantScope, Undone,
};

/// The longest time for which an envelope is valid.
const MAX_VALIDITY: Duration = Duration::from_hours(7 * 24);

impl Tenancy {
    /// Seals the work of `scope` into an envelope that is valid for `valid_for`, at most 7 days.
    ///
    /// # Errors
    /// [`Error::Envelope`] without keys or with a time out of range; [`Error::ScopeEnded`] and
    /// [`Error::ScopeMismatch`] for a scope that can't be used here.
    pub fn envelope(
        &self,
        scope: &TenantScope,
        valid_for: Duration,
    ) -> Result<ScopeEnvelope, Error> {
        self.everyone().envelope(scope, valid_for)
    }

    /// Seals central work, with its reason.
    ///
    /// # Errors
    /// As [`envelope`](Self::envelope), and for a reason of over 200 bytes.
    pub fn central_envelope(
        &self,
        scope: &CentralScope,
        valid_for: Duration,
    ) -> Result<ScopeEnvelope, Error> {
        self.everyone().central_envelope(scope, valid_for)
    }

    /// Runs `work` in the scope that a tenant's envelope names. The tenant is looked up anew, past
    /// the cache, and must be active and not in maintenance.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tenancy_core::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// # let store = MemoryStore::new([Tenant::new(TenantId::new("acme")?)]);
    /// let keys = EnvelopeKeys::new(EnvelopeKey::random("k1")?);
    /// let tenancy = Tenancy::builder(store).without_requests().envelope_keys(keys).build();
    ///
    /// // Where the job is queued:
    /// let job = tenancy.run("acme", async |scope: &TenantScope| {
    ///     tenancy.envelope(scope, Duration::from_secs(3600))
    /// }).await?;
    /// // Where it is worked off:
    /// tenancy.run_envelope(&job, async |scope: &TenantScope| -> Result<(), Error> {
    ///     assert_eq!(scope.tenant_id().as_str(), "acme");
    ///     Ok(())
    /// }).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `work` returns, as it is. Before it: [`Error::Envelope`] for an envelope that is
    /// forged, expired, central or for an audience; and what [`run`](Self::run) refuses.
    pub fn run_envelope<'a, F, T, E>(
        &'a self,
        envelope: impl AsRef<str>,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&TenantScope) -> Result<T, E> + for<'s> ScopeFn<'s, TenantScope, T, E> + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        self.everyone().run_envelope(envelope, work)
    }

    /// Runs `work` across tenants, for the reason in a central envelope.
    ///
    /// # Errors
    /// What `work` returns, as it is. Before it: [`Error::Envelope`] for an envelope that is
    /// forged, expired, a tenant's or for an audience; and what [`central`](Self::central)
    /// refuses.
    pub fn run_central_envelope<'a, F, T, E>(
        &'a self,
        envelope: impl AsRef<str>,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        F: AsyncFnOnce(&CentralScope) -> Result<T, E>
            + for<'s> ScopeFn<'s, CentralScope, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        self.everyone().run_central_envelope(envelope, work)
    }

    /// Envelopes for one audience alone, such as one queue: those sealed here are opened by the
    /// same audience, and by nobody else.
    ///
    /// # Errors
    /// [`EnvelopeError::InvalidAudience`] where `name` is not 1 to 64 characters of
    /// `a-z 0-9 - _ .`.
    pub fn audience(&self, name: impl Into<String>) -> Result<Audience<'_>, Error> {
        let name = name.into();
        if is_audience(&name) {
            Ok(Audience::named(self, name))
        } else {
            Err(EnvelopeError::InvalidAudience.into())
        }
    }

    fn everyone(&self) -> Audience<'_> {
        Audience::named(self, String::new())
    }

    pub(super) fn keys(&self) -> Result<&EnvelopeKeys, EnvelopeError> {
        self.inner
            .envelope_keys
            .as_ref()
            .ok_or(EnvelopeError::NoKeys)
    }
}

/// Envelopes for one audience alone. Made by [`Tenancy::audience`], [`Tenancy::service`] and
/// [`Tenancy::child_process`].
///
/// For any queue, the recipe is: seal where a job is queued, store the text beside the work, and
/// open it where the job is worked off. Give up what was refused, and try again what failed.
///
/// ```
/// # use std::collections::VecDeque;
/// # use std::time::Duration;
/// # use tenancy_core::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// # let store = MemoryStore::new([Tenant::new(TenantId::new("acme")?)]);
/// # let keys = EnvelopeKeys::new(EnvelopeKey::random("k1")?);
/// # let tenancy = Tenancy::builder(store).without_requests().envelope_keys(keys).build();
/// let mut queue: VecDeque<(String, &str)> = VecDeque::new(); // yours
///
/// // In a handler:
/// tenancy.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
///     let envelope = tenancy.audience("mail")?.envelope(scope, Duration::from_secs(3600))?;
///     queue.push_back((envelope.as_str().to_owned(), "weekly"));
///     Ok(())
/// }).await?;
///
/// // In the worker. Nothing of the scope is in the job but this text.
/// while let Some((envelope, work)) = queue.pop_front() {
///     let send = async |scope: &TenantScope| -> Result<(), std::io::Error> {
///         println!("{work} for {}", scope.tenant_id());
///         Ok(())
///     };
///     match tenancy.audience("mail")?.work_off(&envelope.parse()?, send).await {
///         Ok(()) => {}
///         Err(undone @ Undone::Work(_)) => eprintln!("again: {undone}"),
///         Err(undone) if undone.is_passing() => eprintln!("again: {undone}"),
///         Err(refused) => eprintln!("given up: {refused}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Audience<'t> {
    tenancy: &'t Tenancy,
    name: String,
}

impl<'t> Audience<'t> {
    pub(super) fn named(tenancy: &'t Tenancy, name: String) -> Self {
        Self { tenancy, name }
    }

    pub(super) fn tenancy(&self) -> &'t Tenancy {
        self.tenancy
    }

    /// [`Tenancy::envelope`], for this audience.
    ///
    /// # Errors
    /// The same.
    pub fn envelope(
        &self,
        scope: &TenantScope,
        valid_for: Duration,
    ) -> Result<ScopeEnvelope, Error> {
        scope.ensure_usable()?;
        if !scope.belongs_to(&self.tenancy.inner.lifecycle.realm) {
            return Err(Error::ScopeMismatch);
        }
        self.seal(Subject::Tenant(scope.tenant_id().clone()), valid_for)
    }

    /// [`Tenancy::central_envelope`], for this audience.
    ///
    /// # Errors
    /// The same.
    pub fn central_envelope(
        &self,
        scope: &CentralScope,
        valid_for: Duration,
    ) -> Result<ScopeEnvelope, Error> {
        scope.ensure_usable()?;
        self.seal(
            Subject::Central {
                reason: scope.reason().to_owned(),
            },
            valid_for,
        )
    }

    /// [`Tenancy::run_envelope`], for this audience.
    ///
    /// # Errors
    /// The same.
    pub fn run_envelope<'a, F, T, E>(
        self,
        envelope: impl AsRef<str>,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        't: 'a,
        F: AsyncFnOnce(&TenantScope) -> Result<T, E> + for<'s> ScopeFn<'s, TenantScope, T, E> + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        let run = self.run_text(ScopeEnvelope::new(envelope.as_ref()), work);
        async move { run.await.map_err(Undone::into_error) }
    }

    /// The same for a queue, which tries again what failed and gives up what was refused: it tells
    /// the two apart, and the work's error can be any.
    ///
    /// # Errors
    /// [`Undone::Work`] with what `work` returns; before it [`Undone::Scope`] with the others of
    /// [`Tenancy::run_envelope`].
    pub fn work_off<'a, F, T, E>(
        self,
        envelope: &ScopeEnvelope,
        work: F,
    ) -> impl Future<Output = Result<T, Undone<E>>> + Send + 'a
    where
        't: 'a,
        F: AsyncFnOnce(&TenantScope) -> Result<T, E> + for<'s> ScopeFn<'s, TenantScope, T, E> + 'a,
        T: Send + 'a,
        E: Send + 'a,
    {
        self.run_text(Ok(envelope.clone()), work)
    }

    pub(super) async fn run_text<F, T, E>(
        self,
        envelope: Result<ScopeEnvelope, EnvelopeError>,
        work: F,
    ) -> Result<T, Undone<E>>
    where
        F: for<'s> ScopeFn<'s, TenantScope, T, E>,
        T: Send,
        E: Send,
    {
        let id = self.open_tenant(envelope).map_err(Error::from)?;
        // Asked anew also inside a scope of the same tenant: the work may have waited long.
        let found = self
            .tenancy
            .inner
            .directory
            .find_fresh(&id)
            .await
            .map_err(Error::from)?;
        let tenant = ensure_active(found).map_err(Error::from)?;
        self.tenancy
            .run_found(&id, ready(available(tenant)), work)
            .await
    }

    /// [`Tenancy::run_central_envelope`], for this audience.
    ///
    /// # Errors
    /// The same.
    pub fn run_central_envelope<'a, F, T, E>(
        self,
        envelope: impl AsRef<str>,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'a
    where
        't: 'a,
        F: AsyncFnOnce(&CentralScope) -> Result<T, E>
            + for<'s> ScopeFn<'s, CentralScope, T, E>
            + 'a,
        T: Send + 'a,
        E: From<Error> + Send + 'a,
    {
        self.run_central_text(ScopeEnvelope::new(envelope.as_ref()), work)
    }

    pub(super) async fn run_central_text<F, T, E>(
        self,
        envelope: Result<ScopeEnvelope, EnvelopeError>,
        work: F,
    ) -> Result<T, E>
    where
        F: AsyncFnOnce(&CentralScope) -> Result<T, E> + for<'s> ScopeFn<'s, CentralScope, T, E>,
        T: Send,
        E: From<Error> + Send,
    {
        let reason = self.open_central(envelope).map_err(Error::from)?;
        self.tenancy.central(Cow::Owned(reason), work).await
    }

    fn seal(&self, subject: Subject, valid_for: Duration) -> Result<ScopeEnvelope, Error> {
        if valid_for > MAX_VALIDITY || valid_for < Duration::from_millis(1) {
            return Err(EnvelopeError::Validity.into());
        }
        let keys = self.tenancy.keys()?;
        let valid_for =
            u64::try_from(valid_for.as_millis()).map_err(|_| EnvelopeError::Validity)?;
        let expires = keys
            .now()?
            .checked_add(valid_for)
            .ok_or(EnvelopeError::Clock)?;
        let payload = Payload {
            subject,
            expires,
            audience: self.name.clone(),
        };
        Ok(seal::seal(keys, &payload)?)
    }

    pub(super) fn open_tenant(
        &self,
        envelope: Result<ScopeEnvelope, EnvelopeError>,
    ) -> Result<TenantId, EnvelopeError> {
        match seal::open(self.tenancy.keys()?, &envelope?, &self.name)?.subject {
            Subject::Tenant(id) => Ok(id),
            Subject::Central { .. } => Err(EnvelopeError::WrongMode),
        }
    }

    fn open_central(
        &self,
        envelope: Result<ScopeEnvelope, EnvelopeError>,
    ) -> Result<String, EnvelopeError> {
        match seal::open(self.tenancy.keys()?, &envelope?, &self.name)?.subject {
            Subject::Central { reason } => Ok(reason),
            Subject::Tenant(_) => Err(EnvelopeError::WrongMode),
        }
    }
}
