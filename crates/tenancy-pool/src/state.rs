//! What a pool knows: its connections, the places they lead to, and who has or waits for them.
//!
//! No foreign code runs while it is locked, but for the target's `Hash`, `Eq` and `Clone`: what is to
//! be done is written down as [`Work`] and done after.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tenancy_core::TenantId;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::arena::{Arena, SlotId, TargetId, TenantNo};
use crate::maintain::Maintenance;
use crate::queue::Lane;
use crate::target::{Target, Users};
use crate::work::Work;
use crate::{Limits, Manager, PoolStatus};

pub(crate) struct State<M: Manager> {
    pub(crate) size: u32,
    pub(crate) per_tenant: u32,
    pub(crate) reserve: usize,
    pub(crate) longest_pause: Duration,
    pub(crate) slots: Arena<SlotId, Slot<M>>,
    pub(crate) targets: Arena<TargetId, Target<M>>,
    target_ids: HashMap<M::Target, TargetId>,
    pub(crate) tenants: Arena<TenantNo, Tenant<M>>,
    /// Central work is one more tenant, without an id and without a cap.
    tenant_nos: HashMap<Option<TenantId>, TenantNo>,
    /// All connections at rest, the least recently used first; and those of them that are bound.
    pub(crate) idle: BTreeMap<u64, SlotId>,
    pub(crate) shelved: BTreeMap<u64, SlotId>,
    /// The targets for which something can be begun, in the order of their turns.
    pub(crate) ready: BTreeMap<u64, TargetId>,
    pub(crate) paused: BTreeSet<(Instant, TargetId)>,
    /// How many hand-overs went by the first of `ready` since it was last served.
    pub(crate) passed_over: u32,
    pub(crate) waiting: u32,
    pub(crate) closed: bool,
    /// A runtime that was alive at the last checkout.
    pub(crate) runtime: Option<Handle>,
    pub(crate) works: VecDeque<Work<M>>,
    pub(crate) maintenance: Maintenance,
    /// Whether someone is doing the works already.
    pub(crate) acting: bool,
    clock: u64,
    pub(crate) touched_targets: Vec<TargetId>,
    pub(crate) touched_tenants: Vec<TenantNo>,
}

/// One unit of the budget, from before its connection is made until after it was closed.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub(crate) struct Slot<M: Manager> {
    pub(crate) target: TargetId,
    pub(crate) phase: Phase,
    /// Whose it is, was last, or (while it is made) for whom it was begun.
    pub(crate) tenant: Option<TenantNo>,
    /// Whether it counts against that tenant's cap.
    pub(crate) charged: bool,
    /// Whether that tenant's scope is open on it.
    pub(crate) bound: bool,
    /// Its tenant was evicted since it left.
    pub(crate) evicted: bool,
    /// Whether it was at rest, or handed out, before.
    pub(crate) reused: bool,
    pub(crate) born: Instant,
    pub(crate) rested: Instant,
    /// Its place in the order of last use.
    pub(crate) stamp: u64,
    /// At rest: the connection.
    pub(crate) connection: Option<M::Connection>,
    /// Whose wait is to be ended by what goes on with it.
    pub(crate) behalf: Option<Behalf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Connecting,
    /// Checked out, or on the way to who waits for it.
    Out,
    /// Being cleaned, bound or asked.
    Busy,
    Idle,
    Closing,
}

impl Phase {
    fn is_open(self) -> bool {
        matches!(self, Self::Out | Self::Busy | Self::Idle)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behalf {
    /// A connection is being made, or another one closed to make room for it.
    Opening(TargetId),
    /// A connection at rest is being cleaned or asked.
    Checking(TargetId),
}

pub(crate) struct Tenant<M: Manager> {
    pub(crate) key: Option<TenantId>,
    /// Connections that count against the cap.
    pub(crate) charge: u32,
    pub(crate) slots: BTreeSet<SlotId>,
    pub(crate) lanes: BTreeMap<TargetId, Lane<M>>,
}

impl<M: Manager> State<M> {
    pub(crate) fn new(limits: &Limits) -> Self {
        let size = limits.connections.max(1);
        Self {
            size,
            per_tenant: limits.per_tenant.unwrap_or(size.div_ceil(2)).max(1),
            longest_pause: limits.pause,
            reserve: limits.reserve.unwrap_or(size / 4) as usize,
            slots: Arena::new(),
            targets: Arena::new(),
            target_ids: HashMap::new(),
            tenants: Arena::new(),
            tenant_nos: HashMap::new(),
            idle: BTreeMap::new(),
            shelved: BTreeMap::new(),
            ready: BTreeMap::new(),
            paused: BTreeSet::new(),
            passed_over: 0,
            waiting: 0,
            closed: false,
            runtime: None,
            works: VecDeque::new(),
            maintenance: Maintenance::default(),
            acting: false,
            clock: 0,
            touched_targets: Vec::new(),
            touched_tenants: Vec::new(),
        }
    }

    /// The next number of the one order that turns and last uses share.
    pub(crate) fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let count = |length| u32::try_from(length).unwrap_or(u32::MAX);
        let (size, idle) = (count(self.slots.len()), count(self.idle.len()));
        PoolStatus {
            max: self.size,
            size,
            idle,
            shelved: count(self.shelved.len()),
            in_use: size - idle,
            waiting: self.waiting,
            tenants: count(self.tenants.len()),
            targets: count(self.targets.len()),
        }
    }

    /// Remembers a runtime that is alive.
    pub(crate) fn works_on(&mut self, runtime: &Handle) {
        if self.runtime.as_ref().map(Handle::id) != Some(runtime.id()) {
            self.runtime = Some(runtime.clone());
        }
    }

    pub(crate) fn all_tenants(&self) -> impl Iterator<Item = TenantNo> + '_ {
        self.tenant_nos.values().copied()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.slots.len() < self.size as usize
    }

    /// The tenant and the target, with an entry each. Only a checkout makes one.
    pub(crate) fn enter(
        &mut self,
        tenant: Option<&TenantId>,
        target: &M::Target,
    ) -> (TenantNo, TargetId) {
        let key = tenant.cloned();
        let no = if let Some(no) = self.tenant_nos.get(&key) {
            *no
        } else {
            let no = self.tenants.insert(Tenant {
                key: key.clone(),
                charge: 0,
                slots: BTreeSet::new(),
                lanes: BTreeMap::new(),
            });
            self.tenant_nos.insert(key, no);
            no
        };
        let id = if let Some(id) = self.target_ids.get(target) {
            *id
        } else {
            let id = self.targets.insert(Target::new(target.clone()));
            self.target_ids.insert(target.clone(), id);
            id
        };
        let users = &mut self.targets[id].users;
        match users {
            Users::Nobody => *users = Users::One(tenant.cloned()),
            Users::One(one) if one.as_ref() != tenant => *users = Users::Many,
            Users::One(_) | Users::Many => {}
        }
        self.touched_tenants.push(no);
        self.touched_targets.push(id);
        (no, id)
    }

    pub(crate) fn tenant_no(&self, tenant: &TenantId) -> Option<TenantNo> {
        self.tenant_nos.get(&Some(tenant.clone())).copied()
    }

    /// All tenants that have connections, central work left out.
    pub(crate) fn tenant_nos(&self) -> Vec<TenantNo> {
        let tenants = self.tenant_nos.iter().filter(|(key, _)| key.is_some());
        tenants.map(|(_, no)| *no).collect()
    }

    pub(crate) fn target_id(&self, target: &M::Target) -> Option<TargetId> {
        self.target_ids.get(target).copied()
    }

    pub(crate) fn is_at_cap(&self, no: TenantNo) -> bool {
        let tenant = &self.tenants[no];
        tenant.key.is_some() && tenant.charge >= self.per_tenant
    }

    /// Whether the target is this slot's tenant's alone, as far as was seen.
    pub(crate) fn is_sole(&self, id: SlotId) -> bool {
        let slot = &self.slots[id];
        match (&self.targets[slot.target].users, slot.tenant) {
            (Users::One(key), Some(no)) => *key == self.tenants[no].key,
            _ => false,
        }
    }

    pub(crate) fn open_slot(&mut self, target: TargetId, now: Instant) -> SlotId {
        let id = self.slots.insert(Slot {
            target,
            phase: Phase::Connecting,
            tenant: None,
            charged: false,
            bound: false,
            evicted: false,
            reused: false,
            born: now,
            rested: now,
            stamp: 0,
            connection: None,
            behalf: None,
        });
        self.targets[target].slots += 1;
        self.targets[target].connecting += 1;
        id
    }

    pub(crate) fn drop_slot(&mut self, id: SlotId) {
        self.end_behalf(id);
        self.assign(id, None, false);
        self.set_phase(id, Phase::Closing);
        let target = self.slots[id].target;
        self.slots.remove(id);
        self.targets[target].slots -= 1;
        self.refresh_target(target);
    }

    pub(crate) fn set_phase(&mut self, id: SlotId, phase: Phase) {
        let slot = &mut self.slots[id];
        let target = &mut self.targets[slot.target];
        target.open -= u32::from(slot.phase.is_open());
        target.open += u32::from(phase.is_open());
        target.connecting -= u32::from(slot.phase == Phase::Connecting);
        target.connecting += u32::from(phase == Phase::Connecting);
        slot.phase = phase;
    }

    /// Whose it is from here on, and whether it counts against the cap.
    pub(crate) fn assign(&mut self, id: SlotId, tenant: Option<TenantNo>, charged: bool) {
        let slot = &mut self.slots[id];
        let (was, was_charged) = (slot.tenant, slot.charged);
        slot.tenant = tenant;
        slot.charged = charged && tenant.is_some();
        if was == tenant && was_charged == slot.charged {
            return;
        }
        if let Some(no) = was {
            let tenant = &mut self.tenants[no];
            tenant.charge -= u32::from(was_charged);
            tenant.slots.remove(&id);
        }
        if let Some(no) = tenant {
            let tenant = &mut self.tenants[no];
            tenant.charge += u32::from(charged);
            tenant.slots.insert(id);
        }
        if was != tenant {
            self.slots[id].evicted = false;
            if let Some(no) = was {
                self.refresh_tenant(no);
            }
        }
        if let Some(no) = tenant {
            self.refresh_tenant(no);
        }
    }

    pub(crate) fn begin_behalf(&mut self, id: SlotId, behalf: Behalf) {
        self.end_behalf(id);
        self.slots[id].behalf = Some(behalf);
        let started = self.tick();
        let (Behalf::Opening(target) | Behalf::Checking(target)) = behalf;
        let entry = &mut self.targets[target];
        match behalf {
            Behalf::Opening(_) => entry.opening += 1,
            Behalf::Checking(_) => entry.checking += 1,
        }
        entry.started = started;
        self.refresh_target(target);
    }

    pub(crate) fn end_behalf(&mut self, id: SlotId) {
        let Some(behalf) = self.slots[id].behalf.take() else {
            return;
        };
        let (Behalf::Opening(target) | Behalf::Checking(target)) = behalf;
        match behalf {
            Behalf::Opening(_) => self.targets[target].opening -= 1,
            Behalf::Checking(_) => self.targets[target].checking -= 1,
        }
        self.refresh_target(target);
    }

    /// Removes the entries that stand for nothing any more.
    pub(crate) fn tidy(&mut self) {
        while let Some(no) = self.touched_tenants.pop() {
            if self
                .tenants
                .get(no)
                .is_none_or(|tenant| !tenant.slots.is_empty() || !tenant.lanes.is_empty())
            {
                continue;
            }
            if let Some(tenant) = self.tenants.remove(no) {
                self.tenant_nos.remove(&tenant.key);
            }
        }
        while let Some(id) = self.touched_targets.pop() {
            if self.targets.get(id).is_none_or(Target::is_needed) {
                continue;
            }
            if let Some(target) = self.targets.remove(id) {
                self.target_ids.remove(&target.key);
            }
        }
    }
}
