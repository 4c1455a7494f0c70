//! Who may do central work, and why it is done.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use tenancy_core::RequestView;

/// What makes a route central: the reason, which is logged, and who may ask for it.
///
/// The check sees the request as a membership check does; what authentication found is its
/// [`Principal`](crate::Principal). Who is not admitted is answered as if the route did not exist.
///
/// ```
/// use tenancy_core::RequestView;
/// use tenancy_http::Central;
///
/// struct User { is_administrator: bool }
/// let central = Central::because("the administrator counts notes", |request: &dyn RequestView| {
///     request.principal_as::<User>().is_some_and(|user| user.is_administrator)
/// });
/// ```
#[derive(Clone)]
pub struct Central {
    reason: Cow<'static, str>,
    admits: Admits,
}

type Admits = Arc<dyn Fn(&dyn RequestView) -> bool + Send + Sync>;

impl Central {
    /// Central work for `reason`, by those whom `admits` lets in.
    ///
    /// # Panics
    /// Where `reason` is empty: that is a slip in the program, which must not start.
    pub fn because<F>(reason: impl Into<Cow<'static, str>>, admits: F) -> Self
    where
        F: Fn(&dyn RequestView) -> bool + Send + Sync + 'static,
    {
        let reason = reason.into();
        assert!(
            !reason.trim().is_empty(),
            "Central::because was given no reason"
        );
        Self {
            reason,
            admits: Arc::new(admits),
        }
    }

    pub(crate) fn reason(&self) -> Cow<'static, str> {
        self.reason.clone()
    }

    pub(crate) fn admits(&self, request: &dyn RequestView) -> bool {
        (self.admits)(request)
    }
}

impl fmt::Debug for Central {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Central")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
