//! The transaction of a call, and how it ends.

use std::panic::AssertUnwindSafe;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use http_body_util::BodyExt as _;
use tenancy_core::{Ending, RequestView, Tenancy, TenantScope};
use tenancy_http_suite::ledger::{Begun, Committed, Dropped, Ledger, NotCommitted, RolledBack};
use tenancy_http_suite::stage::{Ends, tenancy};
use tenancy_tonic::{Central, Routes, TenancyLayer, TenancyRequest as _};
use tonic::{Code, Request, Response, Status};

use crate::support::{Answered, Served, TestApp, Texts, server_streaming, texts, unary};

fn over(
    with: impl FnOnce(TenancyLayer) -> TenancyLayer,
    add: impl FnOnce(Routes, Tenancy) -> Routes,
) -> (TestApp, Ends) {
    let (tenancy, ends) = tenancy();
    let layer = with(TenancyLayer::new(tenancy.clone()));
    let routes = add(Routes::new(layer), tenancy);
    (TestApp::routed(routes.finish()), ends)
}

/// With a transaction per request.
fn serving(service: Served) -> (TestApp, Ends) {
    let with = TenancyLayer::transaction_per_request;
    over(with, |routes, _| routes.tenant(service))
}

/// What a handler does in its call's transaction.
async fn write(ledger: &Ledger, request: &Request<String>) {
    let scope = request.tenant_scope().unwrap();
    for text in ["one", "two"] {
        ledger.write(&scope, text).await.unwrap();
    }
}

/// A call that writes, and then answers with this status.
fn writing(ledger: &Ledger, code: Code) -> Served {
    let ledger = ledger.clone();
    unary(move |request| {
        let ledger = ledger.clone();
        async move {
            write(&ledger, &request).await;
            match code {
                Code::Ok => Ok(Response::new("done".to_owned())),
                code => Err(Status::new(code, "on purpose")),
            }
        }
    })
}

/// A stream that writes between two messages, and then ends with this status.
fn streaming(ledger: &Ledger, code: Code) -> Served {
    let ledger = ledger.clone();
    server_streaming(move |request| {
        let ledger = ledger.clone();
        async move { streamed(ledger, request, code).await }
    })
}

async fn streamed(ledger: Ledger, request: Request<String>, code: Code) -> Answered<Texts> {
    write(&ledger, &request).await;
    let three = stream::iter(0..3).then(move |number| {
        let ledger = ledger.clone();
        async move {
            tokio::task::yield_now().await;
            let scope = TenantScope::current().unwrap();
            ledger.write(&scope, "in the stream").await.unwrap();
            match (number, code) {
                (2, code) if code != Code::Ok => Err(Status::new(code, "on purpose")),
                _ => Ok(number.to_string()),
            }
        }
    });
    texts(three)
}

#[tokio::test]
async fn ok_is_committed_before_it_is_told() {
    let ledger = Ledger::default();
    let (app, ends) = serving(writing(&ledger, Code::Ok));
    let mut body = app.call("acme", 0, &[""]).await.into_body();
    assert!(body.frame().await.unwrap().unwrap().is_data());
    assert_eq!(ledger.take(), [Begun], "the call may fail still");
    let trailers = body.frame().await.unwrap().unwrap().into_trailers();
    assert_eq!(trailers.unwrap()["grpc-status"], "0");
    assert_eq!(ledger.take(), [Committed]);
    assert_eq!(ledger.saved(), ["acme: one", "acme: two"]);
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn a_streams_writes_are_saved_with_its_status() {
    let ledger = Ledger::default();
    let (app, ends) = serving(streaming(&ledger, Code::Ok));
    let (answer, status) = app.texts("acme", &[""]).await;
    assert_eq!((answer.len(), status.code()), (3, Code::Ok));
    assert_eq!(ledger.take(), [Begun, Committed]);
    assert_eq!(ledger.saved().len(), 5);
    assert!(ends.only(Ending::Completed));
}

#[tokio::test]
async fn another_status_rolls_back() {
    let ledger = Ledger::default();
    for (service, fate) in [
        (writing(&ledger, Code::Aborted), RolledBack),
        // With its scope, which ends with the trailers.
        (streaming(&ledger, Code::Aborted), Dropped),
    ] {
        let (app, ends) = serving(service);
        let (_, status) = app.texts("acme", &[""]).await;
        let told = (status.code(), status.message());
        assert_eq!(told, (Code::Aborted, "on purpose"));
        assert_eq!(ledger.take(), [Begun, fate]);
        assert!(ends.only(Ending::Failed));
    }
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn what_is_not_saved_is_not_ok() {
    let ledger = Ledger::default();
    ledger.refuse_commits();
    for service in [writing(&ledger, Code::Ok), streaming(&ledger, Code::Ok)] {
        let (app, ends) = serving(service);
        let (_, status) = app.texts("acme", &[""]).await;
        let told = (status.code(), status.message());
        assert_eq!(told, (Code::Internal, "internal error"));
        assert_eq!(ledger.take(), [Begun, NotCommitted]);
        assert!(ends.only(Ending::Failed));
    }
}

#[tokio::test]
async fn a_panic_or_a_call_that_is_dropped_rolls_back() {
    let ledger = Ledger::default();
    let its = ledger.clone();
    let panics = unary(move |request: Request<String>| {
        let ledger = its.clone();
        async move {
            ledger.write_and_panic(&request.tenant_scope()?).await;
            Ok(Response::new("never".to_owned()))
        }
    });
    let (app, ends) = serving(panics);
    let sent = AssertUnwindSafe(app.call("acme", 0, &[""]));
    assert!(sent.catch_unwind().await.is_err());
    assert_eq!(ledger.take(), [Begun, Dropped]);
    assert!(ends.only(Ending::Panicked));
    let (app, ends) = serving(streaming(&ledger, Code::Ok));
    let mut body = app.call("acme", 0, &[""]).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(ledger.take(), [Begun, Dropped]);
    assert!(ends.only(Ending::Dropped));
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn without_the_option_and_in_central_work_there_is_none() {
    let ledger = Ledger::default();
    let its = ledger.clone();
    let asked = unary::<0, _, _>(move |request: Request<String>| {
        let ledger = its.clone();
        async move {
            let why = ledger.why_not(&request.tenant_scope()?).await;
            Ok(Response::new(format!("{why:?}")))
        }
    });
    let (off, _) = over(|layer| layer, |routes, _| routes.tenant(asked));
    assert_eq!(off.texts("acme", &[""]).await.0, ["Off"]);
    let its = ledger.clone();
    let with = TenancyLayer::transaction_per_request;
    let (app, _) = over(with, |routes, tenancy| {
        let central = unary::<0, _, _>(move |_: Request<String>| {
            let (ledger, tenancy) = (its.clone(), tenancy.clone());
            async move {
                let why = ledger.why_not_in_central_work(&tenancy).await;
                Ok(Response::new(format!("{why:?}")))
            }
        });
        let admits = Central::because("a test", |_: &dyn RequestView| true);
        routes.central(admits, central)
    });
    assert_eq!(app.texts("acme", &[""]).await.0, ["Off"]);
    assert!(ledger.take().is_empty());
}
