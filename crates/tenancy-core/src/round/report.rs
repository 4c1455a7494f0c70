//! What a round has come to.

use std::fmt;
use std::time::Duration;

use crate::{Error, TenantId};

/// What befell one tenant's work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Visit<T, E> {
    /// It was done.
    Done(T),
    /// It failed.
    Failed(E),
    /// It panicked.
    Panicked,
    /// It took longer than the time limit, and was dropped.
    TimedOut,
    /// Its scope was not opened: the tenant is unknown, not active or in maintenance, or could not be
    /// looked up. For
    /// [`Error::Cleanup`] the work was done, and closing its scope failed.
    Refused(Error),
    /// The round had been stopped before it was its turn.
    NotTried,
}

impl<T, E> Visit<T, E> {
    /// Whether it counts for [`Round::stop_after`](crate::Round::stop_after): not done, and not
    /// because the tenant is not to be served.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Done(_) | Self::NotTried => false,
            Self::Failed(_) | Self::Panicked | Self::TimedOut => true,
            Self::Refused(_) => !self.is_refusal(),
        }
    }

    /// Whether the tenant is not to be served: unknown, suspended, archived, or in maintenance.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused(Error::Refused(_) | Error::Unavailable(_))
        )
    }
}

/// What became of a [`Round`](crate::Round): an outcome for every tenant. For operators: it names
/// tenants.
pub struct RoundReport<T, E> {
    outcomes: Vec<(TenantId, Visit<T, E>)>,
    took: Duration,
}

impl<T, E> RoundReport<T, E> {
    pub(super) fn new(outcomes: Vec<(TenantId, Visit<T, E>)>, took: Duration) -> Self {
        Self { outcomes, took }
    }

    /// Every tenant with what befell it, in the order in which they were given.
    pub fn outcomes(&self) -> &[(TenantId, Visit<T, E>)] {
        &self.outcomes
    }

    /// The same, to keep.
    pub fn into_outcomes(self) -> Vec<(TenantId, Visit<T, E>)> {
        self.outcomes
    }

    /// How many were done.
    pub fn done(&self) -> usize {
        self.count(|outcome| matches!(outcome, Visit::Done(_)))
    }

    /// How many [failed](Visit::is_failure).
    pub fn failed(&self) -> usize {
        self.count(Visit::is_failure)
    }

    /// How many tenants [are not to be served](Visit::is_refusal).
    pub fn refused(&self) -> usize {
        self.count(Visit::is_refusal)
    }

    /// How many were not visited, since the round had been stopped.
    pub fn not_tried(&self) -> usize {
        self.count(|outcome| matches!(outcome, Visit::NotTried))
    }

    /// Whether nobody failed, and nobody was left out. Tenants that are not to be served are no
    /// hindrance.
    pub fn is_whole(&self) -> bool {
        self.failed() == 0 && self.not_tried() == 0
    }

    /// How long all of it took.
    pub fn took(&self) -> Duration {
        self.took
    }

    fn count(&self, which: impl Fn(&Visit<T, E>) -> bool) -> usize {
        let which = self.outcomes.iter().filter(|(_, outcome)| which(outcome));
        which.count()
    }
}

/// One line of numbers.
impl<T, E> fmt::Display for RoundReport<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} done, {} failed, {} refused, {} not tried, in {:.1} s",
            self.done(),
            self.failed(),
            self.refused(),
            self.not_tried(),
            self.took.as_secs_f64()
        )
    }
}

/// The same numbers: what was done may be anything.
impl<T, E> fmt::Debug for RoundReport<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoundReport({self})")
    }
}
