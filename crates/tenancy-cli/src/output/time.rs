//! Times, in RFC 3339 and in the names of files.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `2026-11-22T03:19:27Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    // The last one that has four digits for its year.
    const LATEST: Duration = Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_seconds(time.min(UNIX_EPOCH + LATEST)).to_string()
}

/// `20261122031927`.
pub(crate) fn digits(time: SystemTime) -> String {
    let text = rfc3339(time);
    text.chars().filter(char::is_ascii_digit).collect()
}

/// `2026-11-22`.
pub(crate) fn day(time: SystemTime) -> String {
    rfc3339(time)
        .chars()
        .take_while(|sign| *sign != 'T')
        .collect()
}
