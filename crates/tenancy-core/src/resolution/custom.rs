//! A resolver made of a closure.

use std::fmt;
use std::marker::PhantomData;

use crate::{Extracted, RequestView, Resolver, Spoofable, TrustLevel, Trusted};

type Read = dyn Fn(&dyn RequestView) -> Extracted + Send + Sync;

/// A resolver made of a closure.
///
/// ```
/// use tenancy_core::{Custom, Extracted, RequestView};
///
/// struct Session { tenant: String }
/// let by_session = Custom::trusted("session", |request: &dyn RequestView| {
///     match request.principal_as::<Session>() {
///         None => Extracted::None,
///         Some(session) => Extracted::id(&session.tenant),
///     }
/// });
/// ```
pub struct Custom<T> {
    name: &'static str,
    read: Box<Read>,
    trust: PhantomData<T>,
}

impl Custom<Spoofable> {
    /// Reads what a client can send at will.
    pub fn spoofable(
        name: &'static str,
        read: impl Fn(&dyn RequestView) -> Extracted + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            read: Box::new(read),
            trust: PhantomData,
        }
    }
}

impl Custom<Trusted> {
    /// Reads what the application has verified. Nothing here can check that.
    pub fn trusted(
        name: &'static str,
        read: impl Fn(&dyn RequestView) -> Extracted + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            read: Box::new(read),
            trust: PhantomData,
        }
    }
}

impl<T: TrustLevel> Resolver for Custom<T> {
    type Trust = T;

    fn name(&self) -> &'static str {
        self.name
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        (self.read)(request)
    }
}

impl<T> fmt::Debug for Custom<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
