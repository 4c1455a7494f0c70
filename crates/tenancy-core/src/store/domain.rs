//! A tenant's own domain.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::resolution::hostname;

/// A domain name in its canonical form: at least two labels of letters, digits and hyphens, lower
/// case, without port and trailing dot, and no IP address.
///
/// Names of the DNS are the same in any case, so upper case is folded; nothing else is. An
/// internationalised name is given in its ASCII form (`xn--..`), and compared as that.
///
/// ```
/// use tenancy_core::Domain;
///
/// assert_eq!(Domain::new("Shop.Acme.example")?.as_str(), "shop.acme.example");
/// assert!(Domain::new("127.0.0.1").is_err());
/// assert!(Domain::new("acme.example:80").is_err());
/// # Ok::<(), tenancy_core::InvalidDomain>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Validates `text` as a domain.
    ///
    /// # Errors
    /// [`InvalidDomain`] says what is wrong. It does not repeat the text.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidDomain> {
        let name = hostname::parse_name(text.as_ref().as_bytes())
            .map_err(|what| InvalidDomain { what })?;
        if name.contains('.') {
            Ok(Self(Arc::from(name)))
        } else {
            Err(InvalidDomain {
                what: "it has a single label",
            })
        }
    }

    /// The domain as text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`Domain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "that is no domain name: {what}; give a name such as shop.example.com, in ASCII, without scheme, port or trailing dot"
)]
pub struct InvalidDomain {
    pub(crate) what: &'static str,
}

impl FromStr for Domain {
    type Err = InvalidDomain;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl AsRef<str> for Domain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
