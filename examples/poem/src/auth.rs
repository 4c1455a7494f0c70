//! Who asks: it stands outside the tenancy layer, whose membership check needs to know.

use example_notes::Callers;
use poem::Request;
use poem::http::header::AUTHORIZATION;
use tenancy::poem::Principal;

/// Tells the membership check whose token was shown. Without one, nobody is a member.
pub(crate) fn authenticate(callers: &Callers, mut request: Request) -> Request {
    let shown = request.header(AUTHORIZATION);
    if let Some(caller) = shown.and_then(|shown| callers.find(shown)) {
        request.extensions_mut().insert(Principal::new(caller));
    }
    request
}
