//! Who waits, and whose turn it is.
//!
//! Each tenant has a lane for each target that it waits for, and each lane is served in order. Turns
//! go round between lanes, so that a thousand waiters of one tenant are one among the others. What a
//! tenant at its cap waits for is in nobody's way: its lanes are not in the ring.

use std::collections::BTreeMap;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::arena::{SlotId, TargetId, TenantNo};
use crate::seat::Grant;
use crate::state::State;
use crate::work::Work;
use crate::{Error, Manager};

/// What one tenant waits for at one target, and what waits for it.
pub(crate) struct Lane<M: Manager> {
    /// At rest with this tenant's scope open, the least recently used first.
    pub(crate) shelf: BTreeMap<u64, SlotId>,
    pub(crate) waiters: BTreeMap<u64, Waiter<M>>,
    turn: u64,
    /// How many of the waiters the cap leaves room for.
    demand: u32,
}

pub(crate) struct Waiter<M: Manager> {
    pub(crate) sender: oneshot::Sender<Outcome<M>>,
    pub(crate) clean_will_do: bool,
    pub(crate) runtime: Handle,
}

pub(crate) type Outcome<M> = Result<Grant<M>, Error<<M as Manager>::Error>>;

impl<M: Manager> Lane<M> {
    fn new() -> Self {
        Self {
            shelf: BTreeMap::new(),
            waiters: BTreeMap::new(),
            turn: 0,
            demand: 0,
        }
    }

    fn is_needed(&self) -> bool {
        !self.shelf.is_empty() || !self.waiters.is_empty()
    }
}

impl<M: Manager> State<M> {
    pub(crate) fn lane(&mut self, no: TenantNo, target: TargetId) -> &mut Lane<M> {
        let lanes = &mut self.tenants[no].lanes;
        let targets = &mut self.targets;
        lanes.entry(target).or_insert_with(|| {
            targets[target].lanes += 1;
            Lane::new()
        })
    }

    pub(crate) fn has_waiters(&self, no: TenantNo, target: TargetId) -> bool {
        let lane = self.tenants[no].lanes.get(&target);
        lane.is_some_and(|lane| !lane.waiters.is_empty())
    }

    /// Puts a waiter at the end of its lane. Its number takes it out again.
    pub(crate) fn enqueue(&mut self, no: TenantNo, target: TargetId, waiter: Waiter<M>) -> u64 {
        let number = self.tick();
        let lane = self.lane(no, target);
        if lane.waiters.is_empty() {
            lane.turn = number;
        }
        lane.waiters.insert(number, waiter);
        self.waiting += 1;
        self.refresh_lane(no, target);
        self.check_own_shelf(no, target);
        self.relieve_cap(no);
        number
    }

    /// Takes a waiter out, where it still waits, and says for what it waited.
    pub(crate) fn withdraw(
        &mut self,
        no: TenantNo,
        target: TargetId,
        number: u64,
    ) -> Option<Error<M::Error>> {
        let lane = self.tenants.get(no)?.lanes.get(&target)?;
        lane.waiters.contains_key(&number).then_some(())?;
        let reason = self.reason(no, target);
        self.lane(no, target).waiters.remove(&number);
        self.waiting -= 1;
        self.refresh_lane(no, target);
        Some(reason)
    }

    /// Takes the lane's first waiter, and sends the lane to the end of the ring.
    pub(crate) fn next_waiter(&mut self, no: TenantNo, target: TargetId) -> Option<Waiter<M>> {
        let turn = self.tick();
        let tenant = &mut self.tenants[no];
        let lane = tenant.lanes.get_mut(&target)?;
        let (_, waiter) = lane.waiters.pop_first()?;
        let ring = &mut self.targets[target].ring;
        if ring.remove(&lane.turn).is_some() {
            ring.insert(turn, no);
        }
        lane.turn = turn;
        self.waiting -= 1;
        self.refresh_lane(no, target);
        Some(waiter)
    }

    pub(crate) fn refresh_tenant(&mut self, no: TenantNo) {
        self.touched_tenants.push(no);
        let tenant = &self.tenants[no];
        // Central work may wait for the databases of a whole fleet, and has no cap.
        if tenant.key.is_none() {
            return;
        }
        let lanes = &tenant.lanes;
        // Nearly always one.
        let mut next = lanes.keys().next().copied();
        while let Some(target) = next {
            self.refresh_lane(no, target);
            let after = (
                std::ops::Bound::Excluded(target),
                std::ops::Bound::Unbounded,
            );
            let lanes = &self.tenants[no].lanes;
            next = lanes.range(after).next().map(|(target, _)| *target);
        }
    }

    /// Makes the ring agree with the lane, after anything has changed in it or in its tenant's charge.
    pub(crate) fn refresh_lane(&mut self, no: TenantNo, target: TargetId) {
        let tenant = &mut self.tenants[no];
        let room = match &tenant.key {
            Some(_) => self.per_tenant.saturating_sub(tenant.charge),
            None => u32::MAX,
        };
        let Some(lane) = tenant.lanes.get_mut(&target) else {
            return;
        };
        let entry = &mut self.targets[target];
        let waiters = u32::try_from(lane.waiters.len()).unwrap_or(u32::MAX);
        let demand = waiters.min(room);
        entry.demand = entry.demand - lane.demand + demand;
        match (lane.demand > 0, demand > 0) {
            (false, true) => {
                entry.ring.insert(lane.turn, no);
            }
            (true, false) => {
                entry.ring.remove(&lane.turn);
            }
            _ => {}
        }
        lane.demand = demand;
        if !lane.is_needed() {
            tenant.lanes.remove(&target);
            entry.lanes -= 1;
            self.touched_tenants.push(no);
        }
        self.refresh_target(target);
    }

    /// Makes `ready` agree with the target, after anything has changed there.
    pub(crate) fn refresh_target(&mut self, id: TargetId) {
        self.touched_targets.push(id);
        let target = &mut self.targets[id];
        let on_the_way = target.opening + target.checking;
        let at_rest = !target.clean.is_empty() || !target.shelved.is_empty();
        let ready = match target.ring.first_key_value() {
            Some((turn, _)) if target.demand > on_the_way && (at_rest || target.may_connect()) => {
                Some((*turn).max(target.started))
            }
            _ => None,
        };
        if ready == target.ready {
            return;
        }
        if let Some(was) = target.ready.take() {
            self.ready.remove(&was);
        }
        if let Some(turn) = ready {
            self.ready.insert(turn, id);
        }
        self.targets[id].ready = ready;
    }

    /// A tenant at its cap may still have what stands on its own shelf, once that was asked.
    fn check_own_shelf(&mut self, no: TenantNo, target: TargetId) {
        if !self.is_at_cap(no) {
            return;
        }
        let lane = self.lane(no, target);
        let first = lane.waiters.first_key_value();
        if let (Some((_, id)), Some((_, waiter))) = (lane.shelf.last_key_value(), first) {
            let (id, runtime) = (*id, waiter.runtime.clone());
            self.check(id, None, runtime);
        }
    }

    /// Where a tenant at its cap waits for one target while it has connections to another at rest,
    /// one of those is given up.
    pub(crate) fn relieve_cap(&mut self, no: TenantNo) {
        if !self.is_at_cap(no) {
            return;
        }
        let lanes = &self.tenants[no].lanes;
        let waiter = lanes.values().find_map(|lane| lane.waiters.values().next());
        let unused = lanes
            .values()
            .filter(|lane| lane.waiters.is_empty())
            .find_map(|lane| lane.shelf.values().next());
        if let (Some(waiter), Some(id)) = (waiter, unused) {
            let (id, runtime) = (*id, waiter.runtime.clone());
            let connection = self.unrest(id);
            self.works.push_back(Work::Renew {
                id,
                connection,
                runtime: Some(runtime),
            });
        }
    }

    /// Ends the pauses that are over.
    pub(crate) fn end_pauses(&mut self, now: Instant) {
        while let Some((until, id)) = self.paused.first().copied() {
            if until > now {
                return;
            }
            self.paused.pop_first();
            self.targets[id].paused = None;
            self.refresh_target(id);
        }
    }

    /// Hands a connection to the next waiter of a lane. Gives it back where nobody waits there.
    pub(crate) fn grant(
        &mut self,
        id: SlotId,
        connection: M::Connection,
        no: TenantNo,
    ) -> Option<M::Connection> {
        let target = self.slots[id].target;
        let Some(waiter) = self.next_waiter(no, target) else {
            return Some(connection);
        };
        self.assign(id, Some(no), true);
        self.hand_out(id);
        let slot = &self.slots[id];
        self.works.push_back(Work::Deliver {
            id,
            connection,
            bound: slot.bound,
            reused: slot.reused,
            sender: waiter.sender,
        });
        None
    }
}
