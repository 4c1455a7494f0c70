//! How far a scope is in its life.

use std::sync::atomic::{AtomicU8, Ordering};

/// How far a scope is in its life: each phase comes once, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Bootstrappers are running.
    Initializing,
    /// The body is running.
    Initialized,
    /// The body is over; completed bootstrappers are being reverted.
    Ending,
    /// Everything is over.
    Ended,
}

#[derive(Debug)]
pub(crate) struct PhaseCell(AtomicU8);

impl PhaseCell {
    pub(crate) const fn new() -> Self {
        Self(AtomicU8::new(0))
    }

    pub(crate) fn load(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Initializing,
            1 => Phase::Initialized,
            2 => Phase::Ending,
            _ => Phase::Ended,
        }
    }

    /// Moves on to `phase`; a scope never goes back.
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.fetch_max(phase as u8, Ordering::AcqRel);
    }
}
