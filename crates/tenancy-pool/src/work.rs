//! What the locked state asks to be done, once it is not locked any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::arena::SlotId;
use crate::counts::Count;
use crate::inner::Inner;
use crate::queue::Outcome;
use crate::seat::{Grant, Permit, Seat};
use crate::{Error, Manager, task};

pub(crate) enum Work<M: Manager> {
    Connect {
        id: SlotId,
        target: M::Target,
        runtime: Handle,
    },
    /// Clean what was bound.
    Renew {
        id: SlotId,
        connection: M::Connection,
        runtime: Option<Handle>,
    },
    Ping {
        id: SlotId,
        connection: M::Connection,
        runtime: Handle,
    },
    /// Hand out what was at rest, where it is still there.
    Offer {
        id: SlotId,
        connection: M::Connection,
    },
    Close {
        id: SlotId,
        connection: M::Connection,
        why: Option<Count>,
        runtime: Option<Handle>,
    },
    Deliver {
        id: SlotId,
        connection: M::Connection,
        bound: bool,
        reused: bool,
        sender: oneshot::Sender<Outcome<M>>,
    },
    Fail {
        sender: oneshot::Sender<Outcome<M>>,
        error: Error<M::Error>,
    },
}

impl<M: Manager> Inner<M> {
    pub(crate) fn perform(self: &Arc<Self>, work: Work<M>) {
        match work {
            Work::Connect {
                id,
                target,
                runtime,
            } => {
                runtime.spawn(task::connect(Permit::new(self, id), target));
            }
            Work::Renew {
                id,
                connection,
                runtime,
            } => {
                let seat = Seat::new(self, id, connection);
                if let Some(runtime) = runtime.or_else(|| self.runtime()) {
                    runtime.spawn(task::renew(seat));
                }
            }
            Work::Ping {
                id,
                connection,
                runtime,
            } => {
                runtime.spawn(task::ping(Seat::new(self, id, connection)));
            }
            Work::Offer { id, connection } => {
                let seat = Seat::new(self, id, connection);
                if self.is_alive(&seat.connection) {
                    Self::put_back(seat);
                } else {
                    Self::retire(seat, Count::ClosedLost);
                }
            }
            Work::Close {
                id,
                connection,
                why,
                runtime,
            } => {
                let seat = Seat::new(self, id, connection);
                if let Some(why) = why {
                    self.counts.add(why);
                }
                if let Some(runtime) = runtime.or_else(|| self.runtime()) {
                    runtime.spawn(task::close(seat));
                }
            }
            Work::Deliver {
                id,
                connection,
                bound,
                reused,
                sender,
            } => {
                let seat = Seat::new(self, id, connection);
                // Where nobody waits any more it comes back, and goes to the next one.
                let _ = sender.send(Ok(Grant::new(seat, bound, reused)));
            }
            Work::Fail { sender, error } => {
                let _ = sender.send(Err(error));
            }
        }
    }

    /// Whether it is still there. One that panics over it is not.
    pub(crate) fn is_alive(&self, connection: &M::Connection) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.manager.is_alive(connection))).unwrap_or(false)
    }

    /// A runtime to work on for those who wait for nothing.
    fn runtime(&self) -> Option<Handle> {
        Handle::try_current()
            .ok()
            .or_else(|| self.lock().runtime.clone())
    }
}
