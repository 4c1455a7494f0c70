//! Whose objects a store reaches: a tenant's, or those of central work.

use std::fmt;

use tenancy_core::{CentralScope, Error, KeySpace, TenantScope};

/// A scope that an object store can be bound to. Nobody else implements it.
pub trait Holder: sealed::Holds + fmt::Debug + Send + Sync + 'static {}

impl Holder for TenantScope {}
impl Holder for CentralScope {}

pub(crate) mod sealed {
    use super::{CentralScope, Error, KeySpace, TenantScope};

    pub trait Holds {
        /// Asks the scope first.
        fn space(&self) -> Result<KeySpace<'_>, Error>;
    }

    impl Holds for TenantScope {
        fn space(&self) -> Result<KeySpace<'_>, Error> {
            KeySpace::of(self)
        }
    }

    impl Holds for CentralScope {
        fn space(&self) -> Result<KeySpace<'_>, Error> {
            KeySpace::of_central(self)
        }
    }
}
