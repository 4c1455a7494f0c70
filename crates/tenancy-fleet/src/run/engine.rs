//! The workers, and what they count.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use tenancy_core::TenantId;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{Sender, channel};

use super::feed::{Feed, Neighbourhood, Next, neighbourhood};
use super::recorder::record;
use super::work::{Did, Undone, Work};
use super::{Event, Failure, Halt, Outcome, Report, Run};
use crate::registry::{Entry, Record, Registry, shortened};
use crate::site::{Open, Sites};

/// Works on every tenant that the feed has.
pub(super) async fn run(
    registry: &Registry,
    sites: &Sites,
    how: &Run,
    work: &Work<'_>,
    feed: Feed<'_>,
    current: u64,
) -> Report {
    let started = Instant::now();
    let (records, coming) = channel(1_024);
    let engine = Engine {
        sites,
        how,
        work,
        feed: AsyncMutex::new(feed),
        done: AtomicU64::new(0),
        current: AtomicU64::new(current),
        not_tried: AtomicU64::new(0),
        failed: Mutex::default(),
        halted: Mutex::default(),
    };
    let ((), unrecorded) = join(engine.all(records), record(registry, &how.actor, coming)).await;
    Report {
        done: engine.done.into_inner(),
        current: engine.current.into_inner(),
        failed: into_inner(engine.failed),
        not_tried: engine.not_tried.into_inner(),
        halted: into_inner(engine.halted),
        unrecorded,
        took: started.elapsed(),
    }
}

struct Engine<'a> {
    sites: &'a Sites,
    how: &'a Run,
    work: &'a Work<'a>,
    feed: AsyncMutex<Feed<'a>>,
    done: AtomicU64,
    current: AtomicU64,
    not_tried: AtomicU64,
    failed: Mutex<Vec<Failure>>,
    halted: Mutex<Option<Halt>>,
}

/// A connection, and where it leads.
type Kept = Option<(Neighbourhood, Open)>;

impl Engine<'_> {
    async fn all(&self, records: Sender<Record>) {
        let mut kept = None;
        for _ in 0..self.how.canary {
            if !self.step(&mut kept, &records).await {
                break;
            }
            if !lock(&self.failed).is_empty() {
                self.halt(Halt::Canary);
            }
        }
        let workers = (0..self.how.jobs).map(|_| {
            let (mut kept, records) = (kept.take(), records.clone());
            async move { while self.step(&mut kept, &records).await {} }
        });
        join_all(workers).await;
        self.pass_over_the_rest().await;
    }

    /// One tenant. Whether there may be another.
    async fn step(&self, kept: &mut Kept, records: &Sender<Record>) -> bool {
        if self.how.stop.is_stopped() {
            self.halt(Halt::Stopped);
        }
        if lock(&self.halted).is_some() {
            return false;
        }
        let near = kept.as_ref().map(|(near, _)| near);
        let next = self.feed.lock().await.next(near).await;
        match next {
            Ok(Some(Next::Tenant(entry))) => {
                self.tenant(&entry, kept, records).await;
                true
            }
            Ok(Some(Next::Unplaced(id, reason))) => {
                self.ended(&id, &not_tried(&reason));
                true
            }
            Ok(None) => false,
            Err(halt) => {
                self.halt(halt);
                false
            }
        }
    }

    async fn tenant(&self, entry: &Entry, kept: &mut Kept, records: &Sender<Record>) {
        self.tell(&Event::Began { tenant: entry.id() });
        let here = neighbourhood(entry);
        let open = kept.take().filter(|(near, _)| *near == here);
        let open = open.map(|(_, open)| open);
        let working = Box::pin(self.work.on(self.sites, entry, &self.how.limits, open));
        // A panic is this tenant's alone, and its connection's.
        let ended = AssertUnwindSafe(working).catch_unwind().await;
        let (result, open) = ended.unwrap_or((Err(Undone::Panic), None));
        *kept = open.map(|open| (here, open));
        let (outcome, applied) = match result {
            Ok(Did { outcome, applied }) => (outcome, applied),
            Err(undone) => {
                let code = undone.code().map(str::to_owned);
                let reason = undone.to_string();
                (Outcome::Failed { reason, code }, None)
            }
        };
        if self.is_news(entry, &outcome, applied.as_ref()) {
            let record = Record {
                id: entry.id().clone(),
                revision: entry.revision(),
                applied,
                outcome: shortened(outcome.to_string()),
            };
            // Nobody listens only when the run is being dropped.
            let _ = records.send(record).await;
        }
        self.ended(entry.id(), &outcome);
    }

    /// Whether the registry doesn't know it yet.
    fn is_news(
        &self,
        entry: &Entry,
        outcome: &Outcome,
        applied: Option<&(Option<i64>, Option<String>)>,
    ) -> bool {
        let known = (
            entry.applied_version(),
            entry.applied_digest().map(str::to_owned),
        );
        !self.how.dry && (*outcome != Outcome::Current || applied.is_some_and(|now| *now != known))
    }

    /// Who is left is not tried, and told of all the same.
    async fn pass_over_the_rest(&self) {
        let Some(halt) = lock(&self.halted).clone() else {
            return;
        };
        if matches!(halt, Halt::Registry { .. }) {
            return;
        }
        let mut feed = self.feed.lock().await;
        loop {
            match feed.next(None).await {
                Ok(Some(Next::Tenant(entry))) => self.ended(entry.id(), &not_tried(&halt)),
                Ok(Some(Next::Unplaced(id, reason))) => self.ended(&id, &not_tried(&reason)),
                Ok(None) => return,
                Err(halt) => {
                    *lock(&self.halted) = Some(halt);
                    return;
                }
            }
        }
    }

    fn ended(&self, tenant: &TenantId, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Current => &self.current,
            Outcome::NotTried { .. } => &self.not_tried,
            Outcome::Failed { reason, code } => {
                let mut failed = lock(&self.failed);
                failed.push(Failure {
                    tenant: tenant.clone(),
                    reason: reason.clone(),
                    code: code.clone(),
                });
                let failures = u64::try_from(failed.len()).unwrap_or(u64::MAX);
                drop(failed);
                if self.how.stop_after.is_some_and(|most| failures >= most) {
                    self.halt(Halt::Failures);
                }
                self.tell(&Event::Ended { tenant, outcome });
                return;
            }
            _ => &self.done,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.tell(&Event::Ended { tenant, outcome });
    }

    fn halt(&self, halt: Halt) {
        lock(&self.halted).get_or_insert(halt);
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.how.observer {
            observer.on(event);
        }
    }
}

fn not_tried(reason: &impl ToString) -> Outcome {
    Outcome::NotTried {
        reason: reason.to_string(),
    }
}

/// Nothing that can panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
