//! A header that holds a tenant's id.

use crate::{Extracted, RequestView, Resolver, Spoofable};

/// Reads the tenant's id from a header.
///
/// The value is the id itself: not folded, not trimmed, not a list. The header sent twice is
/// invalid, also with equal values: whoever stands in front may have read the other one.
///
/// ```
/// use tenancy_core::Header;
/// let resolver = Header::named("X-Tenant-Id");
/// ```
#[derive(Debug, Clone)]
pub struct Header {
    name: String,
}

impl Header {
    /// The header of this name, in any case.
    ///
    /// # Panics
    /// Where `name` can't be a header's name: that is a slip in the program, which must not start.
    pub fn named(name: &str) -> Self {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        assert!(
            !name.is_empty() && name.bytes().all(token),
            "Header::named was given what can't be a header's name"
        );
        Self {
            name: name.to_ascii_lowercase(),
        }
    }
}

impl Resolver for Header {
    type Trust = Spoofable;

    fn name(&self) -> &'static str {
        "header"
    }

    fn resolve(&self, request: &dyn RequestView) -> Extracted {
        match request.header_values(&self.name).as_slice() {
            [] => Extracted::None,
            [value] => match std::str::from_utf8(value) {
                Ok(text) => Extracted::id(text),
                Err(_) => Extracted::Invalid("the value is no tenant id"),
            },
            _ => Extracted::Invalid("the header was sent more than once"),
        }
    }
}
