//! A driver's error, without what it might show.

use std::fmt;
use std::sync::Arc;

use tenancy_core::BoxError;

use crate::{Driver, Fault};

/// An error of the driver. `Display` is the driver's; `Debug` shows its kind and code only, for the
/// driver's own `Debug` shows the row that broke a constraint.
#[derive(Clone)]
pub struct DriverError {
    fault: Fault,
    source: Arc<BoxError>,
}

impl DriverError {
    /// An error of this driver.
    pub fn new<D: Driver>(driver: &D, error: D::Error) -> Self {
        Self {
            fault: driver.fault(&error),
            source: Arc::new(Box::new(error)),
        }
    }

    /// The driver's error, where it is of this type.
    pub fn driver<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
    }

    /// The driver's error, owned, where it is of this type and nobody else has it.
    ///
    /// # Errors
    /// This error itself otherwise.
    pub fn into_driver<E: std::error::Error + Send + Sync + 'static>(self) -> Result<E, Self> {
        let Self { fault, source } = self;
        let ours = |source| Self {
            fault: fault.clone(),
            source,
        };
        match Arc::try_unwrap(source) {
            Ok(boxed) => match boxed.downcast() {
                Ok(driver) => Ok(*driver),
                Err(other) => Err(ours(Arc::new(other))),
            },
            Err(shared) => Err(ours(shared)),
        }
    }

    /// The SQLSTATE, where the server sent one.
    pub fn code(&self) -> Option<&str> {
        self.fault.code.as_deref()
    }

    /// Whether the server, or the way to it, is gone.
    pub fn is_lost(&self) -> bool {
        self.fault.lost
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverError")
            .field("kind", &self.fault.kind)
            .field("code", &self.fault.code)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for DriverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&**self.source)
    }
}
