//! Trying again what others were in the way of.

use std::time::{Duration, Instant};

use super::Limits;

pub(crate) struct Tries {
    left: u32,
    tried: u32,
    /// How long a place that is busy is waited for.
    patience: Duration,
    since: Option<Instant>,
}

impl Tries {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            left: limits.tries,
            tried: 0,
            patience: limits.lock,
            since: None,
        }
    }

    /// After a lock that was not given, or a deadlock: whether to try again, after a pause.
    pub(crate) async fn again(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        let again = self.left > 0;
        if again {
            self.pause().await;
        }
        again
    }

    /// After somebody else was found at work in the place.
    pub(crate) async fn again_when_free(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        let again = since.elapsed() < self.patience;
        if again {
            self.pause().await;
        }
        again
    }

    /// Longer each time, and by chance, so that two don't meet again.
    async fn pause(&mut self) {
        self.tried += 1;
        let mut byte = [0];
        // Without chance they still part by their number of tries.
        let _ = getrandom::fill(&mut byte);
        let millis = u64::from(self.tried.min(20)) * 10 + u64::from(byte[0] % 64);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}
