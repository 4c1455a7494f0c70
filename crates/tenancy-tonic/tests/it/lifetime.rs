//! How long a scope lasts.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use http_body_util::BodyExt as _;
use tenancy_core::{Ending, InCurrentScope as _};
use tenancy_http_suite::stage::{TellsWhenDropped, ambient};
use tenancy_tonic::TenancyRequest as _;
use tonic::service::interceptor::InterceptedService;
use tonic::{Code, Request, Response, Status};

use crate::support::{Answered, TestApp, Texts, messages, server_streaming, texts, unary};

async fn whoami(request: Request<String>) -> Answered<String> {
    let scope = request.tenant_scope()?;
    tokio::task::yield_now().await;
    let same = tenancy_core::TenantScope::current().unwrap();
    assert!(scope.is_same_scope(&same));
    assert_eq!(request.tenant()?.id(), scope.tenant_id());
    Ok(Response::new(ambient()))
}

#[tokio::test]
async fn the_ambient_scope_is_the_requests_own() {
    let (app, ends) = TestApp::serving(unary(whoami));
    let (answer, status) = app.texts("acme", &[""]).await;
    assert_eq!((answer, status.code()), (vec!["acme".to_owned()], Code::Ok));
    assert_eq!(ambient(), "none");
    assert!(ends.only(Ending::Completed));
}

async fn streamed(_: Request<String>) -> Answered<Texts> {
    // Two frames: tonic sends in one what is ready at once.
    let texts_of_two = stream::iter(0..2).then(async |_| {
        tokio::task::yield_now().await;
        Ok(ambient())
    });
    texts(texts_of_two)
}

#[tokio::test]
async fn it_is_open_while_the_stream_is_sent_and_ends_with_the_trailers() {
    let (app, ends) = TestApp::serving(server_streaming(streamed));
    let mut body = app.call("acme", 0, &[""]).await.into_body();
    for _ in 0..2 {
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(messages(&data), ["acme"]);
        assert!(ends.take().is_empty(), "the trailers are not sent yet");
    }
    let trailers = body.frame().await.unwrap().unwrap().into_trailers();
    assert_eq!(trailers.unwrap()["grpc-status"], "0");
    assert!(ends.only(Ending::Completed), "while the body is held");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_dropped_in_its_scope() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let endless = move |_| {
        let tells = TellsWhenDropped(Arc::clone(&tell));
        async {
            texts(stream::repeat_with(move || {
                let _ = &tells;
                Ok("more".repeat(30))
            }))
        }
    };
    let (app, ends) = TestApp::serving(server_streaming(endless));
    let mut body = app.call("acme", 0, &[""]).await.into_body();
    body.frame().await.unwrap().unwrap();
    assert!(ends.take().is_empty());
    drop(body);
    assert!(ends.only(Ending::Dropped));
    assert_eq!(*told.lock().unwrap(), ["acme"]);
}

async fn fails(_: Request<String>) -> Answered<String> {
    Err(Status::aborted("on purpose"))
}

#[tokio::test]
async fn a_status_of_the_handler_ends_it_as_failed_and_passes() {
    let (app, ends) = TestApp::serving(unary(fails));
    let answer = app.call("acme", 0, &[""]).await;
    assert!(ends.only(Ending::Failed), "while the response is held");
    assert_eq!(answer.headers()["grpc-status"], "10");
    assert_eq!(answer.headers()["grpc-message"], "on%20purpose");
}

#[tokio::test]
async fn a_status_in_the_stream_ends_it_as_failed() {
    let failing = async |_| {
        let items = [Ok("one".to_owned()), Err(Status::data_loss("cut"))];
        texts(stream::iter(items))
    };
    let (app, ends) = TestApp::serving(server_streaming(failing));
    let (answer, status) = app.texts("acme", &[""]).await;
    assert_eq!(answer, ["one"]);
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "cut"));
    assert!(ends.only(Ending::Failed));
}

#[tokio::test]
async fn an_error_of_a_services_own_interceptor_ends_it_as_failed() {
    let refuses = |_: Request<()>| -> Result<Request<()>, Status> {
        assert_eq!(ambient(), "acme", "it runs in the scope");
        Err(Status::failed_precondition("on purpose"))
    };
    let service = InterceptedService::new(unary::<0, _, _>(whoami), refuses);
    let (app, ends) = TestApp::of(|routes| routes.tenant(service));
    let (answer, status) = app.texts("acme", &[""]).await;
    assert!(answer.is_empty());
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(ends.only(Ending::Failed));
}

#[tokio::test]
async fn a_message_that_is_none_ends_it_as_failed() {
    let (app, ends) = TestApp::serving(unary(whoami));
    let (_, status) = app.texts("acme", &[]).await;
    assert_eq!(status.code(), Code::Internal);
    assert!(ends.only(Ending::Failed));
}

async fn panics(_: Request<String>) -> Answered<String> {
    panic!("on purpose")
}

#[tokio::test]
async fn a_panic_in_handler_or_stream_ends_it() {
    let later = async |_| texts(stream::repeat_with(|| panic!("on purpose")));
    let (app, ends) = TestApp::of(|routes| {
        routes
            .tenant(unary::<0, _, _>(panics))
            .tenant(server_streaming::<1, _, _>(later))
    });
    let sent = AssertUnwindSafe(app.call("acme", 0, &[""])).catch_unwind();
    assert!(sent.await.is_err());
    assert!(ends.only(Ending::Panicked));
    assert_eq!(ambient(), "none");
    let mut body = app.call("acme", 1, &[""]).await.into_body();
    let polled = AssertUnwindSafe(body.frame()).catch_unwind().await;
    assert!(polled.is_err());
    assert!(ends.only(Ending::Panicked));
    assert!(body.frame().await.is_none(), "nothing is polled after it");
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_it() {
    let never = async |_| std::future::pending::<Answered<String>>().await;
    let (app, ends) = TestApp::serving(unary(never));
    let mut sent = Box::pin(app.call("acme", 0, &[""]));
    assert!((&mut sent).now_or_never().is_none());
    assert!(ends.take().is_empty());
    drop(sent);
    assert!(ends.only(Ending::Dropped));
}

static KEPT: Mutex<Option<tenancy_core::TenantScope>> = Mutex::new(None);

async fn keep(request: Request<String>) -> Answered<String> {
    *KEPT.lock().unwrap() = Some(request.tenant_scope()?);
    let bare = tokio::spawn(async { ambient() }).await.unwrap();
    let carried = tokio::spawn(async { ambient() }.in_current_scope()).await;
    Ok(Response::new(format!("{bare} {}", carried.unwrap())))
}

#[tokio::test]
async fn a_spawned_task_has_no_scope_unless_carried_and_a_kept_ticket_has_ended() {
    let (app, _) = TestApp::serving(unary(keep));
    assert_eq!(app.texts("acme", &[""]).await.0, ["none acme"]);
    let kept = KEPT.lock().unwrap().take().unwrap();
    assert!(matches!(
        kept.ensure_usable(),
        Err(tenancy_core::Error::ScopeEnded)
    ));
}
