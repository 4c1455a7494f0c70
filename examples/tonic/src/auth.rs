//! Who asks: it stands outside the tenancy layer, whose membership check needs to know.

use example_notes::Callers;
use tenancy::tonic::Principal;
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Tells the membership check whose token was shown. Without one, nobody is a member.
pub(crate) fn authenticate(callers: Callers) -> impl Interceptor + Clone {
    move |mut request: Request<()>| -> Result<_, Status> {
        let shown = request.metadata().get("authorization");
        let shown = shown.and_then(|value| value.to_str().ok());
        if let Some(caller) = shown.and_then(|shown| callers.find(shown)) {
            request.extensions_mut().insert(Principal::new(caller));
        }
        Ok(request)
    }
}
