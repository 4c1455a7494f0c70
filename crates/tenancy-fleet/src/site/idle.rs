//! Administrators' connections that are kept for what must be quick.

use std::sync::{Arc, Mutex, PoisonError};

use crate::db::Lane;

/// A few connections that nobody uses. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Idle(Arc<Mutex<Vec<Box<dyn Lane>>>>);

impl Idle {
    const MOST: usize = 4;

    pub(crate) fn take(&self) -> Option<Box<dyn Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Only after the answer to all that was said on it.
    pub(crate) fn put(&self, lane: Box<dyn Lane>) {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() < Self::MOST {
            lanes.push(lane);
        }
    }
}
