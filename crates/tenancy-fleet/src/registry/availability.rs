//! Whether a tenant can be worked with just now, as the registry keeps it: a row for who is not open.

use std::time::{SystemTime, UNIX_EPOCH};

use tenancy_core::{Availability, TenantId};

use super::RegistryError;
use super::columns::Columns;
use super::turn::Turn;

/// Reads it from the two columns of a row that may not be there.
pub(super) fn read(row: &mut Columns) -> Result<Availability, RegistryError> {
    let malformed = RegistryError::Malformed {
        what: "availability",
    };
    let mode = row.optional_text("availability")?;
    let until = row.optional_time("availability")?;
    match mode {
        None if until.is_none() => Ok(Availability::Open),
        None => Err(malformed),
        Some(mode) => Availability::parse(&mode, until).ok_or(malformed),
    }
}

pub(super) async fn write(
    turn: &mut Turn,
    id: &TenantId,
    availability: Availability,
) -> Result<(), RegistryError> {
    let sql = "DELETE FROM {availability} WHERE tenant_id = ?";
    turn.run(sql, &[id.as_str().into()]).await?;
    if availability == Availability::Open {
        return Ok(());
    }
    let sql = "INSERT INTO {availability} (tenant_id, mode, available_at) VALUES (?, ?, ?)";
    let values = [
        id.as_str().into(),
        availability.as_str().into(),
        availability.until().map(millis).into(),
    ];
    turn.run(sql, &values).await?;
    Ok(())
}

/// For the audit: `maintenance`, and until when, in seconds since 1970.
pub(super) fn detail(availability: Availability) -> String {
    let mode = availability.as_str();
    let until = availability.until().map(|until| millis(until) / 1_000);
    until.map_or(mode.to_owned(), |until| format!("{mode}:{until}"))
}

/// Milliseconds since 1970. A time before is over, as 1970 is.
fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
