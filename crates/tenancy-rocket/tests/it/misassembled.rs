//! Put together wrongly: refused at launch where Rocket tells, else cleanly at the request.

use rocket::fairing::AdHoc;
use rocket::http::{Header, Status};
use rocket::local::asynchronous::Client;
use rocket::request::{FromRequest, Outcome};
use rocket::{Build, Request, Rocket, get, routes};
use tenancy_core::{Error, TenantScope as CoreScope};
use tenancy_http_suite::stage::{Exhausted, User, tenancy};
use tenancy_rocket::{Identify as _, Principal, Routes, Scoped, TenancyLayer, TenantScope};

use crate::support::{TestApp, rocket};

#[get("/whoami")]
fn whoami(scope: TenantScope) -> String {
    scope.tenant_id().to_string()
}

#[get("/plain")]
fn plain() -> &'static str {
    "served"
}

fn routes() -> Routes {
    Routes::new(TenancyLayer::new(tenancy().0))
}

async fn launches(rocket: Rocket<Build>) -> bool {
    match rocket.ignite().await {
        Ok(_) => true,
        Err(error) => {
            // An error of Rocket's that nobody looked at panics.
            let _ = error.kind();
            false
        }
    }
}

#[rocket::async_test]
async fn a_route_that_does_not_say_what_it_gives_access_to_stops_the_launch() {
    assert!(launches(rocket().attach(routes().open("/", routes![plain]))).await);
    assert!(!launches(rocket().mount("/", routes![plain]).attach(routes())).await);
    assert!(!launches(rocket().attach(routes()).mount("/", routes![plain])).await);
    let later = AdHoc::on_ignite("earlier", |rocket| {
        Box::pin(async move { rocket.mount("/", routes![plain]) })
    });
    assert!(!launches(rocket().attach(later).attach(routes())).await);
}

/// Too late for ignition to see it: the liftoff stops it.
#[rocket::async_test]
async fn a_route_that_a_later_fairing_mounts_stops_the_server() {
    let later = AdHoc::on_ignite("later", |rocket| {
        Box::pin(async move { rocket.mount("/", routes![plain]) })
    });
    let rocket = rocket().attach(routes()).attach(later);
    let launched = rocket.launch();
    let ended = rocket::tokio::time::timeout(std::time::Duration::from_mins(1), launched).await;
    assert!(ended.is_ok(), "the server goes on");
}

#[rocket::async_test]
async fn a_guard_without_routes_stops_the_launch() {
    assert!(!launches(rocket().mount("/", routes![whoami])).await);
}

#[rocket::async_test]
async fn routes_that_are_attached_twice_stop_the_launch() {
    assert!(!launches(rocket().attach(routes()).attach(routes())).await);
}

#[get("/exhausted")]
fn exhausted(_db: Scoped<Exhausted>) -> &'static str {
    "never"
}

#[rocket::async_test]
async fn a_database_that_is_not_managed_stops_the_launch() {
    let with = || routes().tenant("/", routes![exhausted]);
    assert!(!launches(rocket().attach(with())).await);
    assert!(launches(rocket().manage(Exhausted).attach(with())).await);
}

/// Authenticates as a guard does: after the membership check.
struct Late;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Late {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        request.identify(Principal::new(User::member()));
        Outcome::Success(Self)
    }
}

#[get("/late")]
fn late(_late: Late, _scope: TenantScope) -> &'static str {
    "never"
}

#[rocket::async_test]
async fn authentication_in_a_guard_admits_nobody() {
    let (tenancy, ends) = tenancy();
    let routes = Routes::new(TenancyLayer::new(tenancy)).tenant("/", routes![late]);
    let rocket = rocket::custom(rocket::Config {
        log_level: rocket::config::LogLevel::Off,
        ..rocket::Config::debug_default()
    });
    let client = Client::untracked(rocket.attach(routes)).await.unwrap();
    let asked = client
        .get("/late")
        .header(Header::new("x-tenant-id", "acme"));
    assert_eq!(asked.dispatch().await.status(), Status::NotFound);
    assert!(ends.take().is_empty(), "no scope was opened");
}

#[get("/twice")]
fn twice(scope: TenantScope) -> String {
    scope.tenant_id().to_string()
}

/// The first word of authentication stands.
#[rocket::async_test]
async fn nobody_is_identified_twice() {
    let again = AdHoc::on_request("again", |request, _| {
        Box::pin(async move { request.identify(Principal::new(User(vec!["private"]))) })
    });
    let rocket = rocket().attach(again);
    let app = TestApp::launched(rocket.attach(routes().tenant("/", routes![twice]))).await;
    assert_eq!(app.text("private", "/twice").await.0, Status::NotFound);
    assert_eq!(app.text("acme", "/twice").await.1, "acme");
}

#[rocket::async_test]
async fn an_ambient_scope_around_it_is_not_the_requests() {
    let app = TestApp::launched(rocket().attach(routes().open("/", routes![whoami]))).await;
    assert_eq!(
        app.text("acme", "/whoami").await.0,
        Status::InternalServerError
    );
    let (tenancy, _) = tenancy();
    let answer = tenancy
        .run("globex", async |_: &CoreScope| -> Result<_, Error> {
            Ok(app.text("acme", "/whoami").await.0)
        })
        .await;
    assert_eq!(answer.unwrap(), Status::InternalServerError);
}
