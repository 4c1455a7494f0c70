//! A folder of `SQLite` files.

use super::{Finding, Weight};
use crate::site::{SiteError, SqliteSite};

pub(super) fn examine(site: &SqliteSite) -> Result<Vec<Finding>, SiteError> {
    let found = site.folder.path().metadata();
    let found = found.map_err(|error| SiteError::Folder {
        reason: error.kind().to_string(),
    })?;
    Ok(vec![if is_read_by_others(&found) {
        Finding::new(
            "folder",
            Weight::Doubtful,
            "other users of this machine may look into the tenants' folder: chmod 700",
        )
    } else {
        Finding::new(
            "folder",
            Weight::Fine,
            "a file for each tenant, for this user alone",
        )
    }])
}

#[cfg(unix)]
fn is_read_by_others(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o005 != 0
}

#[cfg(not(unix))]
fn is_read_by_others(_: &std::fs::Metadata) -> bool {
    false
}
