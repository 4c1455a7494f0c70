//! Connections at rest.

use tokio::runtime::Handle;

use crate::Manager;
use crate::arena::{SlotId, TargetId, TenantNo};
use crate::counts::Count;
use crate::state::{Behalf, Phase, State};
use crate::work::Work;

impl<M: Manager> State<M> {
    /// Lays a connection to rest: on its tenant's shelf where it is bound, with the clean ones of its
    /// target where it isn't. It keeps its place in the
    /// order of last use.
    pub(crate) fn rest(&mut self, id: SlotId, connection: M::Connection) {
        if self.slots[id].stamp == 0 {
            self.slots[id].stamp = self.tick();
        }
        self.set_phase(id, Phase::Idle);
        let slot = &mut self.slots[id];
        slot.connection = Some(connection);
        slot.reused = true;
        let (stamp, target, tenant, bound) = (slot.stamp, slot.target, slot.tenant, slot.bound);
        self.idle.insert(stamp, id);
        match tenant {
            Some(no) if bound => {
                self.shelved.insert(stamp, id);
                self.targets[target].shelved.insert(stamp, id);
                self.lane(no, target).shelf.insert(stamp, id);
            }
            _ => {
                self.assign(id, tenant, false);
                self.targets[target].clean.insert(stamp, id);
            }
        }
        self.refresh_target(target);
    }

    /// Takes a connection from where it rests, to be worked on.
    pub(crate) fn unrest(&mut self, id: SlotId) -> M::Connection {
        self.set_phase(id, Phase::Busy);
        let slot = &mut self.slots[id];
        let connection = slot.connection.take();
        let (stamp, target, tenant) = (slot.stamp, slot.target, slot.tenant);
        self.idle.remove(&stamp);
        if self.shelved.remove(&stamp).is_some() {
            self.targets[target].shelved.remove(&stamp);
            if let Some(no) = tenant {
                self.lane(no, target).shelf.remove(&stamp);
                self.refresh_lane(no, target);
            }
        } else {
            self.targets[target].clean.remove(&stamp);
        }
        self.refresh_target(target);
        #[allow(clippy::expect_used)] // only `rest` makes a slot idle, with its connection
        connection.expect("a connection at rest is there")
    }

    /// Marks a connection as handed out.
    pub(crate) fn hand_out(&mut self, id: SlotId) {
        self.set_phase(id, Phase::Out);
    }

    /// Takes what may be handed out at once, the last used first.
    pub(crate) fn take_idle(
        &mut self,
        no: TenantNo,
        target: TargetId,
        clean_will_do: bool,
    ) -> Option<(SlotId, M::Connection)> {
        if self.has_waiters(no, target) {
            return None;
        }
        let entry = &self.targets[target];
        let fresh = |stamped: Option<(&u64, &SlotId)>| {
            let (stamp, id) = stamped?;
            (*stamp >= entry.suspect_before).then_some(*id)
        };
        let lane = self.tenants[no].lanes.get(&target);
        let own = lane.and_then(|lane| fresh(lane.shelf.last_key_value()));
        let clean = if self.is_at_cap(no) || !entry.ring.is_empty() {
            None
        } else {
            fresh(entry.clean.last_key_value())
        };
        let id = if clean_will_do {
            clean.or(own)
        } else {
            own.or(clean)
        }?;
        let connection = self.unrest(id);
        self.assign(id, Some(no), true);
        self.hand_out(id);
        Some((id, connection))
    }

    pub(crate) fn is_suspect(&self, id: SlotId) -> bool {
        let slot = &self.slots[id];
        slot.stamp < self.targets[slot.target].suspect_before
    }

    /// Takes a connection from rest, on the way to someone who waits: it is asked first where it is
    /// suspect.
    pub(crate) fn check(&mut self, id: SlotId, behalf: Option<TargetId>, runtime: Handle) {
        let suspect = self.is_suspect(id);
        let connection = self.unrest(id);
        if let Some(target) = behalf {
            self.begin_behalf(id, Behalf::Checking(target));
        }
        self.works.push_back(if suspect {
            Work::Ping {
                id,
                connection,
                runtime,
            }
        } else {
            Work::Offer { id, connection }
        });
    }

    /// Closes a connection that is at rest.
    pub(crate) fn close_idle(&mut self, id: SlotId, why: Count, runtime: Option<Handle>) {
        let connection = self.unrest(id);
        self.close_seat(id, connection, Some(why), runtime);
    }

    /// A connection is being closed. Who waits for it waits for its place, or for another where there
    /// is room.
    pub(crate) fn closing(&mut self, id: SlotId) {
        self.set_phase(id, Phase::Closing);
        if self.has_room() {
            self.end_behalf(id);
        }
    }

    /// It has just answered.
    pub(crate) fn proven(&mut self, id: SlotId) {
        if self.is_suspect(id) {
            self.slots[id].stamp = self.tick();
        }
    }

    /// Closes a connection in hand.
    pub(crate) fn close_seat(
        &mut self,
        id: SlotId,
        connection: M::Connection,
        why: Option<Count>,
        runtime: Option<Handle>,
    ) {
        self.closing(id);
        self.works.push_back(Work::Close {
            id,
            connection,
            why,
            runtime,
        });
    }
}
