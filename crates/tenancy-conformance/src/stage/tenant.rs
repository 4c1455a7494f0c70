//! One of the stage's tenants, as an adapter's builder needs it.

use std::fmt;

use secrecy::SecretString;
use tenancy_core::{Placement, TenantId};

use crate::side::Side;

/// A tenant of the stage's: who it is, where it lives, and what it logs in with.
#[derive(Clone, Copy)]
pub struct StageTenant<'a>(&'a Side);

impl<'a> StageTenant<'a> {
    pub(super) fn new(side: &'a Side) -> Self {
        Self(side)
    }

    /// Its id.
    pub fn id(&self) -> &'a TenantId {
        &self.0.id
    }

    /// Where it lives, as the scopes that the suite opens say it.
    pub fn placement(&self) -> &'a Placement {
        &self.0.placement
    }

    /// The name of its own login. `None` where the tenants share one.
    pub fn login(&self) -> Option<&'a str> {
        Some(&self.0.login.as_ref()?.role)
    }

    /// The password of its own login.
    pub fn password(&self) -> Option<&'a SecretString> {
        Some(&self.0.login.as_ref()?.password)
    }
}

impl fmt::Debug for StageTenant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageTenant")
            .field("id", self.id())
            .field("login", &self.login())
            .finish_non_exhaustive()
    }
}
