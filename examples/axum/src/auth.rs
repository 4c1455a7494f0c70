//! Who asks: it stands outside the tenancy layer, whose membership check needs to know.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use example_notes::Callers;
use tenancy::axum::Principal;

/// Tells the membership check whose token was shown. Without one, nobody is a member.
pub(crate) async fn authenticate(
    State(callers): State<Callers>,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = request.headers().get(AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok());
    if let Some(caller) = shown.and_then(|shown| callers.find(shown)) {
        request.extensions_mut().insert(Principal::new(caller));
    }
    next.run(request).await
}
