//! Who gets what.

use tenancy_core::TenantId;
use tokio::time::Instant;

use crate::Manager;
use crate::arena::{SlotId, TargetId, TenantNo};
use crate::counts::Count;
use crate::state::{Behalf, Phase, State};
use crate::work::Work;

/// How many times in a row a connection that came back may be handed over to the same target while
/// another target's waiter has the turn, before it is closed to make room. Making one costs many
/// times what handing over does, so strict turns would waste the budget on connecting.
const PATIENCE: u32 = 4;

impl<M: Manager> State<M> {
    /// Begins all that can be begun for those who wait.
    pub(crate) fn dispatch(&mut self, now: Instant) {
        self.end_pauses(now);
        while let Some(target) = self.ready.first_key_value().map(|(_, target)| *target) {
            if !self.begin_one(target, now) {
                break;
            }
        }
    }

    /// Sets one connection on its way to those who wait for a target. `false` where none is to be
    /// had: then there is none for anybody, for nothing is at rest and there is no room.
    fn begin_one(&mut self, target: TargetId, now: Instant) -> bool {
        let entry = &self.targets[target];
        let Some(no) = entry.ring.values().next().copied() else {
            return false;
        };
        let Some(lane) = self.tenants[no].lanes.get(&target) else {
            return false;
        };
        let Some(waiter) = lane.waiters.values().next() else {
            return false;
        };
        let runtime = waiter.runtime.clone();
        let own = lane.shelf.values().next_back().copied();
        let clean = entry.clean.values().next_back().copied();
        let at_rest = if waiter.clean_will_do {
            clean.or(own)
        } else {
            own.or(clean)
        };
        let may_connect = entry.may_connect();
        let shelved = entry.shelved.values().next().copied();
        if let Some(id) = at_rest {
            self.check(id, Some(target), runtime);
        } else if may_connect && self.has_room() {
            let id = self.open_slot(target, now);
            self.assign(id, Some(no), false);
            self.begin_behalf(id, Behalf::Opening(target));
            self.works.push_back(Work::Connect {
                id,
                target: self.targets[target].key.clone(),
                runtime,
            });
        } else if let Some(id) = shelved {
            let connection = self.unrest(id);
            self.begin_behalf(id, Behalf::Checking(target));
            self.works.push_back(Work::Renew {
                id,
                connection,
                runtime: Some(runtime),
            });
        } else if let Some(id) = self.idle.values().next().copied().filter(|_| may_connect) {
            self.close_idle(id, Count::ClosedRoom, Some(runtime));
            self.begin_behalf(id, Behalf::Opening(target));
        } else {
            return false;
        }
        true
    }

    /// A clean connection is there, for whoever has the next turn.
    pub(crate) fn arrive_clean(&mut self, id: SlotId, connection: M::Connection) {
        self.end_behalf(id);
        let slot = &mut self.slots[id];
        slot.bound = false;
        let (target, tenant, reused) = (slot.target, slot.tenant, slot.reused);
        if self.closed {
            return self.close_seat(id, connection, None, None);
        }
        if self.slots[id].evicted && self.is_sole(id) {
            return self.close_seat(id, connection, Some(Count::ClosedEvicted), None);
        }
        self.slots[id].evicted = false;
        self.targets[target].good = true;
        self.assign(id, tenant, false);
        if reused && let Some(first) = self.passed_over_for(target) {
            self.close_seat(id, connection, Some(Count::ClosedRoom), None);
            return self.begin_behalf(id, Behalf::Opening(first));
        }
        let next = self.targets[target].ring.values().next().copied();
        let left = match next {
            Some(no) => self.grant(id, connection, no),
            None => Some(connection),
        };
        if let Some(connection) = left {
            self.rest(id, connection);
        }
    }

    /// A connection is there in its tenant's scope: for that tenant alone.
    pub(crate) fn arrive_bound(&mut self, id: SlotId, connection: M::Connection) {
        self.end_behalf(id);
        let slot = &mut self.slots[id];
        slot.bound = true;
        let (target, tenant, evicted) = (slot.target, slot.tenant, slot.evicted);
        if self.closed {
            return self.close_seat(id, connection, None, None);
        }
        let Some(no) = tenant.filter(|_| !evicted) else {
            return self.close_seat(id, connection, Some(Count::ClosedEvicted), None);
        };
        self.targets[target].good = true;
        if let Some(connection) = self.grant(id, connection, no) {
            self.rest(id, connection);
            self.relieve_cap(no);
        }
    }

    /// For whom a connection that comes back from use may wait on a shelf: its own tenant, unless
    /// somebody else needs it, or more are to be kept clean.
    pub(crate) fn shelf_of(&self, id: SlotId, shelves: bool) -> Option<TenantId> {
        let slot = &self.slots[id];
        let target = &self.targets[slot.target];
        let wanted = !target.ring.is_empty() || !self.ready.is_empty();
        if wanted || slot.evicted || self.closed || !shelves || target.clean.len() < self.reserve {
            return None;
        }
        let tenant = &self.tenants[slot.tenant?];
        // A lane of its own that waits is in the ring once this one is no longer counted.
        let waits = tenant.lanes.values().any(|lane| !lane.waiters.is_empty());
        tenant.key.clone().filter(|_| !waits)
    }

    /// A connection was used until now.
    pub(crate) fn came_back(&mut self, id: SlotId) {
        let stamp = self.tick();
        let slot = &mut self.slots[id];
        slot.stamp = stamp;
        slot.rested = Instant::now();
        slot.reused = true;
    }

    /// What is to become of a connection that was cleaned after use: `Some` where it is to be bound
    /// ahead of need, for its own tenant.
    pub(crate) fn returned(
        &mut self,
        id: SlotId,
        connection: M::Connection,
        shelves: bool,
    ) -> Option<(M::Connection, TenantId)> {
        self.came_back(id);
        self.slots[id].bound = false;
        if let Some(tenant) = self.shelf_of(id, shelves) {
            return Some((connection, tenant));
        }
        self.arrive_clean(id, connection);
        None
    }

    /// The target whose turn this hand-over would pass over once too often.
    fn passed_over_for(&mut self, target: TargetId) -> Option<TargetId> {
        let (turn, first) = self.ready.first_key_value()?;
        let (own, _) = self.targets[target].ring.first_key_value()?;
        if *first == target || turn > own {
            return None;
        }
        if self.passed_over < PATIENCE {
            self.passed_over += 1;
            return None;
        }
        self.passed_over = 0;
        Some(*first)
    }

    /// What is at rest there may have been lost.
    pub(crate) fn suspect(&mut self, target: TargetId) {
        self.targets[target].suspect_before = self.tick();
        self.targets[target].good = false;
        self.refresh_target(target);
    }

    /// One that was asked did not answer: what was at rest just as long will not either.
    pub(crate) fn close_suspects(&mut self, target: TargetId) {
        let entry = &self.targets[target];
        let before = entry.suspect_before;
        let suspects: Vec<SlotId> = [&entry.clean, &entry.shelved]
            .into_iter()
            .flat_map(|at_rest| at_rest.range(..before).map(|(_, id)| *id))
            .collect();
        for id in suspects {
            self.close_idle(id, Count::ClosedSuspect, None);
        }
    }

    /// Takes a tenant's connections from rest, and marks those in use.
    pub(crate) fn evict(&mut self, no: TenantNo) {
        let slots: Vec<SlotId> = self.tenants[no].slots.iter().copied().collect();
        for id in slots {
            let (phase, bound) = (self.slots[id].phase, self.slots[id].bound);
            match phase {
                Phase::Idle if self.is_sole(id) => self.close_idle(id, Count::ClosedEvicted, None),
                Phase::Idle if bound => {
                    let connection = self.unrest(id);
                    self.works.push_back(Work::Renew {
                        id,
                        connection,
                        runtime: None,
                    });
                }
                Phase::Idle | Phase::Closing => {}
                Phase::Connecting | Phase::Out | Phase::Busy => self.slots[id].evicted = true,
            }
        }
    }
}
