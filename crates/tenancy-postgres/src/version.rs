//! The oldest minor release of each major that may serve.

/// The floor of each supported major, as `server_version_num` counts. Below it a cached plan can
/// keep another role's row security (CVE-2026-14666).
pub const FLOORS: [(i64, i64); 4] = [(15, 150_019), (16, 160_015), (17, 170_011), (18, 180_006)];

/// Whether a server may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// At or above the floor.
    Supported,
    /// A known major below its floor.
    BelowFloor {
        /// The `server_version_num` that is needed.
        floor: i64,
    },
    /// A major older than the oldest that is supported.
    TooOld,
    /// A major that this version of the crate was not tested with.
    TooNew,
}

/// Judges a server by its `server_version_num`.
///
/// ```
/// use tenancy_postgres::version::{Support, support};
///
/// assert_eq!(support(180_006), Support::Supported);
/// assert_eq!(support(180_005), Support::BelowFloor { floor: 180_006 });
/// assert_eq!(support(140_024), Support::TooOld);
/// ```
pub fn support(server_version_num: i64) -> Support {
    let major = server_version_num / 10_000;
    let [(oldest, _), .., _] = FLOORS;
    match FLOORS.iter().find(|(known, _)| *known == major) {
        Some((_, floor)) if server_version_num < *floor => Support::BelowFloor { floor: *floor },
        Some(_) => Support::Supported,
        None if major < oldest => Support::TooOld,
        None => Support::TooNew,
    }
}

/// A `server_version_num` as people write it: 180006 is `18.6`.
pub fn display(server_version_num: i64) -> String {
    format!(
        "{}.{}",
        server_version_num / 10_000,
        server_version_num % 10_000
    )
}
