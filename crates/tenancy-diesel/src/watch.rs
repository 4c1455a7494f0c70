//! Diesel's instrumentation, watched for what the pool has to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};

/// What is known of one connection's events.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// The application's statements that Diesel keeps prepared, for certain.
    kept: AtomicUsize,
    /// Those of the pool's own.
    kept_ours: AtomicUsize,
    /// What runs now is the pool's own.
    ours: AtomicBool,
}

impl Watched {
    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    pub(crate) fn kept_ours(&self) -> usize {
        self.kept_ours.load(Ordering::Relaxed)
    }

    /// While the pool speaks for itself, the application's instrumentation hears nothing: what opens
    /// a scope is no statement of the application's.
    pub(crate) fn ours(&self, ours: bool) {
        self.ours.store(ours, Ordering::Relaxed);
    }

    /// A fresh watch, before the application's default instrumentation.
    pub(crate) fn watch(self: &Arc<Self>) -> impl Instrumentation {
        Watch {
            watched: Arc::clone(self),
            keeping: Vec::new(),
            app: get_default_instrumentation(),
        }
    }
}

struct Watch {
    watched: Arc<Watched>,
    /// Statements that were to be kept, and of which nothing succeeded yet: a failed prepare
    /// leaves nothing on the server.
    keeping: Vec<String>,
    app: Option<Box<dyn Instrumentation>>,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if self.watched.ours.load(Ordering::Relaxed) {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                self.watched.kept_ours.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        match &event {
            InstrumentationEvent::CacheQuery { sql, .. } => self.keeping.push((*sql).to_owned()),
            InstrumentationEvent::FinishQuery {
                query, error: None, ..
            } if !self.keeping.is_empty() => {
                let sql = query.to_string();
                if let Some(at) = self.keeping.iter().position(|kept| *kept == sql) {
                    self.keeping.swap_remove(at);
                    self.watched.kept.fetch_add(1, Ordering::Relaxed);
                }
            }
            _ => {}
        }
        self.app.on_connection_event(event);
    }
}
