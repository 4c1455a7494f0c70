//! Builds a [`Tenancy`], and refuses at compile time what would let a forged identifier in.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::lifecycle::{Bootstrapper, DynBootstrapper, Listener};
use crate::resolution::{Authorization, Chain, Gate};
use crate::store::{Directory, DynStore, hardened};
use crate::tenancy::{Lifecycle, TenancyParts};
use crate::{
    CacheOptions, EnvelopeKeys, Membership, Resolver, Spoofable, Tenancy, TenantStore, TrustLevel,
    Trusted,
};

impl Tenancy {
    /// Starts with the store where tenants are looked up.
    ///
    /// ```
    /// use tenancy_core::{BoxError, MemoryStore, RequestView, Subdomain, Tenancy, TenantId};
    ///
    /// let tenancy = Tenancy::builder(MemoryStore::default())
    ///     .resolve(Subdomain::of("example.com"))
    ///     .authorize(async |tenant: &TenantId, request: &dyn RequestView| {
    ///         Ok::<bool, BoxError>(request.claim("tenant") == Some(tenant.as_str()))
    ///     })
    ///     .build();
    /// ```
    pub fn builder(store: impl TenantStore) -> TenancyBuilder<NoResolver> {
        TenancyBuilder {
            store: hardened(store),
            cache: CacheOptions::default(),
            chain: Chain::default(),
            authorization: None,
            bootstrappers: Vec::new(),
            listeners: Vec::new(),
            envelope_keys: None,
            state: PhantomData,
        }
    }
}

/// Builds a [`Tenancy`]. Its type knows which resolvers it has, so that what could be forged does
/// not compile without a membership check.
///
/// ```compile_fail
/// use tenancy_core::{MemoryStore, Subdomain, Tenancy};
/// // Nobody checks who asks.
/// Tenancy::builder(MemoryStore::default()).resolve(Subdomain::of("example.com")).build();
/// ```
/// ```compile_fail
/// use tenancy_core::{Claim, Header, MemoryStore, Tenancy};
/// // A header can be forged.
/// Tenancy::builder(MemoryStore::default())
///     .resolve(Claim::named("tenant"))
///     .resolve(Header::named("x-tenant-id"))
///     .trust_resolution();
/// ```
#[must_use = "nothing is built before `.build()`"]
pub struct TenancyBuilder<State> {
    store: DynStore,
    cache: CacheOptions,
    chain: Chain,
    authorization: Option<Authorization>,
    bootstrappers: Vec<Box<dyn DynBootstrapper>>,
    listeners: Vec<Arc<dyn Listener>>,
    envelope_keys: Option<EnvelopeKeys>,
    state: PhantomData<State>,
}

/// A builder without resolvers.
#[derive(Debug)]
pub struct NoResolver;
/// A builder all of whose resolvers read what can't be forged.
#[derive(Debug)]
pub struct AllTrusted;
/// A builder with a resolver that reads what a client can send at will.
#[derive(Debug)]
pub struct SomeSpoofable;
/// A builder that can be built.
#[derive(Debug)]
pub struct Complete;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::NoResolver {}
    impl Sealed for super::AllTrusted {}
    impl Sealed for super::SomeSpoofable {}
    impl Sealed for super::Complete {}
}

/// A builder's state that takes one more resolver.
#[diagnostic::on_unimplemented(
    message = "no resolver can be added any more",
    label = "how callers are admitted is settled already",
    note = "call `.resolve(..)` before `.authorize(..)`, `.trust_resolution()` or `.without_requests()`"
)]
pub trait Resolve<Trust: TrustLevel>: sealed::Sealed {
    /// The state with that resolver.
    type Next: sealed::Sealed;
}
impl Resolve<Trusted> for NoResolver {
    type Next = AllTrusted;
}
impl Resolve<Trusted> for AllTrusted {
    type Next = AllTrusted;
}
impl Resolve<Trusted> for SomeSpoofable {
    type Next = SomeSpoofable;
}
impl Resolve<Spoofable> for NoResolver {
    type Next = SomeSpoofable;
}
impl Resolve<Spoofable> for AllTrusted {
    type Next = SomeSpoofable;
}
impl Resolve<Spoofable> for SomeSpoofable {
    type Next = SomeSpoofable;
}

/// A builder's state that can take a membership check.
#[diagnostic::on_unimplemented(
    message = "a membership check has nothing to check here",
    label = "no resolver, or settled already",
    note = "add a resolver first, with `.resolve(..)`, and call `.authorize(..)` once"
)]
pub trait Authorize: sealed::Sealed {}
impl Authorize for AllTrusted {}
impl Authorize for SomeSpoofable {}

/// A builder's state whose resolvers may be trusted without a membership check.
#[diagnostic::on_unimplemented(
    message = "these resolvers can't be trusted without a membership check",
    label = "there is no resolver, or one that reads what a client can send",
    note = "call `.authorize(membership)`; or, where a proxy sets it on every request, say so with `SetByTrustedProxy(resolver)`"
)]
pub trait TrustResolution: sealed::Sealed {}
impl TrustResolution for AllTrusted {}

/// A builder's state that serves no requests.
#[diagnostic::on_unimplemented(
    message = "a chain of resolvers is there to serve requests",
    label = "this builder has resolvers, or is settled already",
    note = "leave out `.without_requests()`, and call `.authorize(membership)`"
)]
pub trait WithoutRequests: sealed::Sealed {}
impl WithoutRequests for NoResolver {}

/// A builder's state that can be built.
#[diagnostic::on_unimplemented(
    message = "this tenancy can't be built: nothing says who may act for which tenant",
    label = "no membership check",
    note = "add `.authorize(membership)` before `.build()`",
    note = "a chain of trusted resolvers alone may say `.trust_resolution()`; a worker without requests `.without_requests()`"
)]
pub trait Build: sealed::Sealed {}
impl Build for Complete {}

impl<State> TenancyBuilder<State> {
    /// Adds a resolver. All of them are asked, and must agree.
    pub fn resolve<R>(mut self, resolver: R) -> TenancyBuilder<State::Next>
    where
        R: Resolver,
        State: Resolve<R::Trust>,
    {
        self.chain.push(resolver);
        self.into_state()
    }

    /// Admits members only, as the application's own check says.
    pub fn authorize(self, membership: impl Membership) -> TenancyBuilder<Complete>
    where
        State: Authorize,
    {
        self.settled(Some(Authorization::membership(membership)))
    }

    /// Admits whoever a trusted resolver names: for a service whose tokens hold the tenant, and
    /// whose issuer decides who is a member.
    pub fn trust_resolution(self) -> TenancyBuilder<Complete>
    where
        State: TrustResolution,
    {
        self.settled(Some(Authorization::TrustedIdentifier))
    }

    /// Serves no requests, for workers and commands: every request is refused.
    pub fn without_requests(self) -> TenancyBuilder<Complete>
    where
        State: WithoutRequests,
    {
        self.settled(None)
    }

    /// How long, and how much, look-ups are remembered.
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// Adds work that is done when a scope opens, after what was added before it.
    pub fn bootstrap(mut self, bootstrapper: impl Bootstrapper) -> Self {
        self.bootstrappers.push(Box::new(Arc::new(bootstrapper)));
        self
    }

    /// Adds one who wants to know how scopes live and end.
    pub fn listen(mut self, listener: impl Listener) -> Self {
        self.listeners.push(Arc::new(listener));
        self
    }

    /// The keys that seal and open [`ScopeEnvelope`](crate::ScopeEnvelope)s. Without them, none is
    /// sealed or opened.
    pub fn envelope_keys(mut self, keys: EnvelopeKeys) -> Self {
        self.envelope_keys = Some(keys);
        self
    }

    /// The tenancy.
    pub fn build(self) -> Tenancy
    where
        State: Build,
    {
        let chain = self.chain;
        Tenancy::assemble(TenancyParts {
            directory: Directory::new(self.store, self.cache),
            gate: self
                .authorization
                .map(|authorization| Gate::new(chain, authorization)),
            lifecycle: Lifecycle::new(self.bootstrappers, self.listeners),
            envelope_keys: self.envelope_keys,
        })
    }

    fn settled(mut self, authorization: Option<Authorization>) -> TenancyBuilder<Complete> {
        self.authorization = authorization;
        self.into_state()
    }

    fn into_state<Next>(self) -> TenancyBuilder<Next> {
        TenancyBuilder {
            store: self.store,
            cache: self.cache,
            chain: self.chain,
            authorization: self.authorization,
            bootstrappers: self.bootstrappers,
            listeners: self.listeners,
            envelope_keys: self.envelope_keys,
            state: PhantomData,
        }
    }
}

impl<State> fmt::Debug for TenancyBuilder<State> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenancyBuilder")
            .field("cache", &self.cache)
            .field("resolvers", &self.chain)
            .finish_non_exhaustive()
    }
}
