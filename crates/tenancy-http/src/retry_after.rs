//! When a client is asked to come again.

use std::fmt;
use std::time::Duration;

use tenancy_core::Unavailable;

/// How long a client is asked to wait: the value of the header `Retry-After`, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetryAfter(u32);

impl RetryAfter {
    /// Where it isn't known how long it takes, or it takes longer than was thought.
    const UNKNOWN: u32 = 60;
    /// Who is told more than that forgets it.
    const LONGEST: u32 = 24 * 60 * 60;

    /// How long to wait for what is not available: rounded up, so that nobody comes too early; at
    /// least a second, and at most a day. A minute where the time isn't known.
    pub fn of(unavailable: &Unavailable) -> Self {
        unavailable.wait().map_or(Self(Self::UNKNOWN), Self::after)
    }

    /// In seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }

    fn after(wait: Duration) -> Self {
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        let seconds = u32::try_from(seconds).unwrap_or(Self::LONGEST);
        Self(seconds.clamp(1, Self::LONGEST))
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_rounded_up_and_has_bounds() {
        for (wait, seconds) in [
            (Duration::from_nanos(1), 1),
            (Duration::from_secs(1), 1),
            (Duration::from_millis(1_001), 2),
            (Duration::from_hours(24), 86_400),
            (Duration::from_secs(86_401), 86_400),
            (Duration::MAX, 86_400),
        ] {
            assert_eq!(RetryAfter::after(wait).seconds(), seconds, "{wait:?}");
        }
    }
}
