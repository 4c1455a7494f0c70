//! What stands before a tenant's id in the names of its things.

#[cfg(any(feature = "mysql", feature = "postgres"))]
use super::SiteError;

#[derive(Clone)]
pub(super) struct Prefixes {
    pub(super) database: String,
    pub(super) schema: String,
    pub(super) login: String,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self {
            database: "tenant_".to_owned(),
            schema: "tenant_".to_owned(),
            login: "tn_".to_owned(),
        }
    }
}

/// The prefix and the id, at most `max` bytes of `a-z 0-9 - _`: a longer name would be cut, and an
/// upper-case one folded, by one server or another.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) fn name(
    what: &'static str,
    prefix: &str,
    id: &str,
    max: usize,
) -> Result<String, SiteError> {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    };
    let name = format!("{prefix}{id}");
    if name.len() <= max && name.bytes().all(allowed) {
        Ok(name)
    } else {
        Err(SiteError::Name { what, max })
    }
}
