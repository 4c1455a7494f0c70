//! A place that connections lead to.

use std::collections::BTreeMap;
use std::sync::Arc;

use tenancy_core::TenantId;
use tokio::time::Instant;

use crate::Manager;
use crate::arena::{SlotId, TenantNo};

pub(crate) struct Target<M: Manager> {
    pub(crate) key: M::Target,
    pub(crate) slots: u32,
    /// Those of them that can come back.
    pub(crate) open: u32,
    /// Those that are being made.
    pub(crate) connecting: u32,
    pub(crate) users: Users,
    /// At rest and clean; at rest and bound. The least recently used first.
    pub(crate) clean: BTreeMap<u64, SlotId>,
    pub(crate) shelved: BTreeMap<u64, SlotId>,
    pub(crate) lanes: u32,
    /// The tenants that wait and are not at their cap, in the order of their turns.
    pub(crate) ring: BTreeMap<u64, TenantNo>,
    /// How many connections they could be given.
    pub(crate) demand: u32,
    /// How many are on their way to them.
    pub(crate) opening: u32,
    pub(crate) checking: u32,
    pub(crate) ready: Option<u64>,
    pub(crate) started: u64,
    /// Nothing has failed since something was last heard from it.
    pub(crate) good: bool,
    pub(crate) failures: u32,
    pub(crate) paused: Option<Instant>,
    pub(crate) last_failure: Option<Failure<M>>,
    /// What was at rest before this is asked before it is handed out.
    pub(crate) suspect_before: u64,
}

impl<M: Manager> Target<M> {
    pub(crate) fn new(key: M::Target) -> Self {
        Self {
            key,
            slots: 0,
            open: 0,
            connecting: 0,
            users: Users::Nobody,
            clean: BTreeMap::new(),
            shelved: BTreeMap::new(),
            lanes: 0,
            ring: BTreeMap::new(),
            demand: 0,
            opening: 0,
            checking: 0,
            ready: None,
            started: 0,
            good: false,
            failures: 0,
            paused: None,
            last_failure: None,
            suspect_before: 0,
        }
    }

    pub(crate) fn is_needed(&self) -> bool {
        self.slots > 0
            || self.lanes > 0
            || self.opening > 0
            || self.checking > 0
            || self.paused.is_some()
    }

    /// While nothing is known to be good there, one attempt at a time.
    pub(crate) fn may_connect(&self) -> bool {
        let known_good = self.good && self.failures == 0 && self.open > 0;
        self.paused.is_none() && (known_good || self.opening == 0)
    }
}

/// Why an attempt to connect failed.
pub(crate) enum Failure<M: Manager> {
    Refused(Arc<M::Error>),
    TimedOut,
    Panicked,
}

impl<M: Manager> Clone for Failure<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(Arc::clone(error)),
            Self::TimedOut => Self::TimedOut,
            Self::Panicked => Self::Panicked,
        }
    }
}

/// Who has asked for connections to a target, since it has had some.
pub(crate) enum Users {
    Nobody,
    One(Option<TenantId>),
    Many,
}
