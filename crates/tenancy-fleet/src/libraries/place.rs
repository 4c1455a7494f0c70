//! One tenant's place, for another library's connection.

use std::fmt;

use secrecy::SecretString;

/// One tenant's place, for another library's connection. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Place {
    url: SecretString,
}

impl Place {
    pub(crate) fn new(url: String) -> Self {
        Self { url: url.into() }
    }

    /// An administrator's URL, `postgres://`, of a connection that starts in the tenant's place: with
    /// its schema on the path, and as the role that owns what is made. Of the options in the site's
    /// own URL it keeps `host`, `port` and `sslmode`.
    pub fn url(&self) -> &SecretString {
        &self.url
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}
