//! The oracle's own connections: they come back after a server was restarted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tokio_postgres::Config;

use crate::Row;
use crate::direct::Direct;
use crate::verdict::{Stop, Verdict};

/// How long a server may take to answer again after it was restarted.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a connection that the adapter has closed may still be seen: the server looks for a
/// closed socket now and then only while it is at work.
const CLOSING: Duration = Duration::from_secs(2);

/// An administrator's connection.
#[derive(Clone)]
pub(super) struct Eye {
    config: Config,
    open: Arc<tokio::sync::Mutex<Option<Direct>>>,
}

impl Eye {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            open: Arc::default(),
        }
    }

    /// Asks until it is answered: what is asked must mean the same when it is said twice.
    pub(super) async fn ask(&self, sql: &str) -> Verdict<Vec<Row>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match self.once(sql).await {
                Ok(rows) => return Ok(rows),
                Err(error) => error,
            };
            if Instant::now() > deadline {
                return Err(Stop::failed(format!("the oracle can't look: {error}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn once(&self, sql: &str) -> Result<Vec<Row>, String> {
        let mut open = self.open.lock().await;
        if open.as_ref().is_none_or(|direct| direct.client.is_closed()) {
            *open = None;
            let direct = Direct::connect(&self.config)
                .await
                .map_err(|error| error.to_string())?;
            *open = Some(direct);
        }
        let answer = match open.as_ref() {
            Some(direct) => direct.simple(sql).await,
            None => return Err("no connection".to_owned()),
        };
        answer.map_err(|error| {
            *open = None;
            format!("{error} ({sql})")
        })
    }

    /// The first value, as a number.
    pub(super) async fn number(&self, sql: &str) -> Verdict<u32> {
        let rows = self.ask(sql).await?;
        let value = rows.into_iter().flatten().flatten().next();
        value.unwrap_or_default().parse().map_err(Stop::failed)
    }
}

/// Counts connections on the server, again and again.
pub(super) struct Sampler {
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Seen {
    samples: u64,
    peak: u32,
    over_since: Option<Instant>,
    finding: Option<String>,
}

impl Sampler {
    /// `which` is a condition on `pg_stat_activity`.
    pub(super) fn start(eye: Eye, which: &str, most: u32) -> Self {
        let sql =
            format!("SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE {which}");
        let seen = Arc::<Mutex<Seen>>::default();
        let noted = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                if let Ok(count) = eye.number(&sql).await {
                    let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.note(count, most);
                }
                sleep(Duration::from_millis(10)).await;
            }
        });
        Self {
            seen,
            task: task.abort_handle(),
        }
    }

    /// How often it looked, and the most that it saw.
    pub(super) fn peak(&self) -> (u64, u32) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.samples, seen.peak)
    }

    pub(super) fn finding(&self) -> Option<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.finding.take()
    }
}

impl Seen {
    fn note(&mut self, count: u32, most: u32) {
        self.samples += 1;
        self.peak = self.peak.max(count);
        if count <= most {
            self.over_since = None;
            return;
        }
        let since = *self.over_since.get_or_insert_with(Instant::now);
        if since.elapsed() > CLOSING {
            self.finding = Some(format!(
                "{count} connections on the server where {most} are allowed, for more than {} s",
                CLOSING.as_secs()
            ));
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.task.abort();
    }
}
