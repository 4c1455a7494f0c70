//! What resolvers and membership checks may see of a request.

use std::any::Any;

/// A request, as an integration shows it to resolvers and membership checks. Core knows no
/// framework, so each integration implements this for its own request type.
///
/// ```
/// use tenancy_core::RequestView;
///
/// struct Plain;
/// impl RequestView for Plain {
///     fn header_values(&self, name: &str) -> Vec<&[u8]> {
///         if name == "host" { vec![b"acme.example.com"] } else { vec![] }
///     }
///     fn authority(&self) -> Option<&str> { None }
///     fn path(&self) -> &str { "/notes" }
///     fn principal(&self) -> Option<&(dyn std::any::Any + Send + Sync)> { Some(&7_u64) }
/// }
/// let request: &dyn RequestView = &Plain;
/// assert_eq!(request.principal_as::<u64>(), Some(&7));
/// assert_eq!(request.principal_as::<i32>(), None);
/// ```
pub trait RequestView: Send + Sync {
    /// Every value of this header, in order and unjoined. `name` is in lower case.
    fn header_values(&self, name: &str) -> Vec<&[u8]>;

    /// The authority of the request's URI, as it was sent (HTTP/2's `:authority`, HTTP/1's
    /// absolute form); never the `Host` header.
    fn authority(&self) -> Option<&str>;

    /// The path of the request's URI, as it was sent: not decoded, not normalised, whole (without
    /// what a nested router has cut off), and without the query.
    fn path(&self) -> &str;

    /// A claim that the application's authentication has **verified**. Never read from a token
    /// whose signature was not checked.
    fn claim(&self, name: &str) -> Option<&str> {
        let _ = name;
        None
    }

    /// Whether the request's method promises to change nothing (GET, HEAD, OPTIONS): only such a
    /// one is let in to a tenant that is [read-only](crate::Availability::ReadOnly).
    fn only_reads(&self) -> bool {
        false
    }

    /// Who is asking, in the application's own type, if its authentication knows.
    fn principal(&self) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}

impl dyn RequestView + '_ {
    /// Who is asking, if the principal is a `T`.
    pub fn principal_as<T: Any>(&self) -> Option<&T> {
        self.principal()?.downcast_ref()
    }
}
