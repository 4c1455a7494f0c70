//! Whether an active tenant can be worked with just now.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Whether an active tenant can be worked with just now. Unlike a
/// [status](crate::TenantStatus), its members are told, and asked to come again.
///
/// The time in it is what they are told, and ends nothing: a migration that takes longer than it
/// was thought to must not find the doors open. Only another `Availability` in the store does.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tenancy_core::{Availability, Tenant, TenantId};
///
/// let until = SystemTime::now() + Duration::from_secs(600);
/// let acme = Tenant::new(TenantId::new("acme")?)
///     .with_availability(Availability::Maintenance { until: Some(until) });
/// assert_ne!(acme.availability(), Availability::Open);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "mode", deny_unknown_fields)]
#[non_exhaustive]
pub enum Availability {
    /// Served.
    #[default]
    Open,
    /// Its data may be read. Requests that write are refused, and scopes are
    /// [read-only](crate::TenantScope::is_read_only).
    ReadOnly {
        /// When writing may go on, as far as is known.
        #[serde(with = "unix_seconds")]
        until: Option<SystemTime>,
    },
    /// No scope opens but those of [`Tenancy::maintain`](crate::Tenancy::maintain).
    Maintenance {
        /// When it may be over, as far as is known.
        #[serde(with = "unix_seconds")]
        until: Option<SystemTime>,
    },
}

impl Availability {
    /// The mode as a store writes it: `open`, `read_only` or `maintenance`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::ReadOnly { .. } => "read_only",
            Self::Maintenance { .. } => "maintenance",
        }
    }

    /// Reads what [`as_str`](Self::as_str) and [`until`](Self::until) write; another mode is
    /// `None`, never a default.
    pub fn parse(mode: &str, until: Option<SystemTime>) -> Option<Self> {
        match mode {
            "open" => Some(Self::Open),
            "read_only" => Some(Self::ReadOnly { until }),
            "maintenance" => Some(Self::Maintenance { until }),
            _ => None,
        }
    }

    /// When it may be over, as far as is known.
    pub fn until(self) -> Option<SystemTime> {
        match self {
            Self::Open => None,
            Self::ReadOnly { until } | Self::Maintenance { until } => until,
        }
    }

    /// Whether scopes are read-only.
    pub(crate) fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly { .. })
    }

    /// Lets in who may come now: in maintenance nobody, and what may write only where all is open.
    pub(crate) fn admit(self, only_reads: bool) -> Result<(), Error> {
        let refused = match self {
            Self::Open => false,
            Self::ReadOnly { .. } => !only_reads,
            Self::Maintenance { .. } => true,
        };
        if !refused {
            return Ok(());
        }
        Err(Error::Unavailable(Unavailable { availability: self }))
    }
}

/// Seconds since 1970, so that every language can read them.
mod unix_seconds {
    use std::time::{Duration, SystemTime};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde gives the field as it is")]
    pub(super) fn serialize<S: Serializer>(
        until: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        // A time before 1970 is over, as 1970 is.
        let seconds = until.map(|time| {
            time.duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())
        });
        seconds.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let seconds = Option::<u64>::deserialize(deserializer)?;
        let time = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        // A time that the clock has no number for is as good as none.
        Ok(seconds.and_then(time))
    }
}

/// A tenant can't be worked with just now: it is in maintenance, or may only be read. Its members
/// may know; to anybody else it looks like an unknown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable {
    availability: Availability,
}

impl Unavailable {
    /// Whether reading is possible.
    pub fn is_read_only(&self) -> bool {
        self.availability.is_read_only()
    }

    /// When to come again, as far as is known. It may be over already, where the work takes longer
    /// than was thought.
    pub fn until(&self) -> Option<SystemTime> {
        self.availability.until()
    }

    /// How long to wait from now; `None` where that isn't known, or is over already.
    pub fn wait(&self) -> Option<Duration> {
        let wait = self.until()?.duration_since(SystemTime::now()).ok()?;
        (!wait.is_zero()).then_some(wait)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_read_only() {
            "this tenant may only be read just now, and the request may write: come again later, or ask with GET, HEAD or OPTIONS"
        } else {
            "this tenant is in maintenance: come again later; the maintenance itself opens its scope with `Tenancy::maintain`"
        })
    }
}
