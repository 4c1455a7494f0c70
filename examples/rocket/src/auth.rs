//! Who asks: it comes before routing, and so before the membership check, which needs to know.

use example_notes::Callers;
use rocket::fairing::{Fairing, Info, Kind};
use rocket::{Data, Request};
use tenancy::rocket::{Identify as _, Principal};

struct Authentication(Callers);

/// Tells the membership check whose token was shown. Without one, nobody is a member.
pub(crate) fn authentication(callers: Callers) -> impl Fairing {
    Authentication(callers)
}

#[rocket::async_trait]
impl Fairing for Authentication {
    fn info(&self) -> Info {
        Info {
            name: "authentication",
            kind: Kind::Request,
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let shown = request.headers().get_one("authorization");
        if let Some(caller) = shown.and_then(|shown| self.0.find(shown)) {
            request.identify(Principal::new(caller));
        }
    }
}
