//! Who asks, as the application knows them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The authenticated caller: a request extension that the application's authentication inserts,
/// and that its membership check reads with `RequestView::principal_as`.
///
/// ```
/// use tenancy_http::Principal;
///
/// struct User { id: u64 }
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Principal::new(User { id: 7 }));
/// # assert_eq!(request.extensions().get::<Principal>().unwrap().get::<User>().unwrap().id, 7);
/// ```
#[derive(Clone)]
pub struct Principal(Arc<dyn Any + Send + Sync>);

impl Principal {
    /// The caller, in the application's own type.
    pub fn new<T: Send + Sync + 'static>(caller: T) -> Self {
        Self(Arc::new(caller))
    }

    /// The caller, if it was given as a `T`.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.as_any().downcast_ref()
    }

    /// The caller, as a `RequestView` shows it.
    pub fn as_any(&self) -> &(dyn Any + Send + Sync) {
        &*self.0
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").finish_non_exhaustive()
    }
}
