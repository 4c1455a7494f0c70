//! A gRPC call's end: its trailers and its request's transaction.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tenancy_core::{Ending, TenantScope};
use tenancy_http::{Access, Answered, Head, Opened, Principal, Refused, ScopedBody, Ticket};
use tenancy_http_suite::ledger::{
    Begun, Committed, Committing, Dropped, Ledger, NotCommitted, RolledBack,
};
use tenancy_http_suite::stage::{Ends, User, ambient, tenancy};
use tracing::Span;

/// What a body says at its next poll.
enum Said {
    Data(&'static str),
    Trailers(HeaderMap),
    Error,
}

use Said::{Data, Error, Trailers};

/// A body that says these, and then no more.
struct Script(VecDeque<Said>);

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        assert_eq!(ambient(), "acme");
        Poll::Ready(self.0.pop_front().map(|said| match said {
            Data(text) => Ok(Frame::data(text.into())),
            Trailers(trailers) => Ok(Frame::trailers(trailers)),
            Error => Err("cut"),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(length).sum())
    }
}

fn length(said: &Said) -> u64 {
    match said {
        Data(text) => text.len() as u64,
        Trailers(_) | Error => 0,
    }
}

/// Trailers of this status, with something else of the handler's.
fn trailers(status: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    trailers.insert("x-handlers-own", HeaderValue::from_static("kept"));
    trailers
}

/// A call of `acme`'s, answered with a body, and whoever polls it.
struct Call {
    body: Pin<Box<ScopedBody<Script>>>,
    ledger: Ledger,
    ends: Ends,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, &'static str>>>;

impl Call {
    /// One whose handler has written, and answered with these.
    async fn written(said: impl IntoIterator<Item = Said>) -> Self {
        let (open, ledger, ends) = opened().await;
        ledger.write(&scope(&open), "one").await.unwrap();
        ledger.write(&scope(&open), "two").await.unwrap();
        Self::answered(open, ledger, ends, said).await
    }

    /// What an integration does with an answer.
    async fn answered(
        open: Opened,
        ledger: Ledger,
        ends: Ends,
        said: impl IntoIterator<Item = Said>,
    ) -> Self {
        let mut response = Response::new(Script(said.into_iter().collect()));
        let grpc = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert("content-type", grpc);
        let head = Answered::of(response.status(), response.headers());
        open.answered(head).await.unwrap();
        let response = ScopedBody::keep(response, open, Span::none(), false);
        Self {
            body: Box::pin(response.into_body()),
            ledger,
            ends,
            woken: Arc::default(),
        }
    }

    fn poll(&mut self) -> Polled {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.body
            .as_mut()
            .poll_frame(&mut Context::from_waker(&waker))
    }

    fn data(&mut self) -> Bytes {
        let Poll::Ready(Some(Ok(frame))) = self.poll() else {
            panic!("data are held up")
        };
        frame.into_data().unwrap()
    }

    fn trailers(&mut self) -> HeaderMap {
        let Poll::Ready(Some(Ok(frame))) = self.poll() else {
            panic!("trailers were to be there")
        };
        frame.into_trailers().unwrap()
    }

    fn woken(&self) -> usize {
        self.woken.0.load(Ordering::SeqCst)
    }

    /// Nothing comes any more, and the scope has ended like this.
    fn is_over(&mut self, ending: Ending) {
        assert!(self.ends.only(ending), "while the body is held");
        assert!(self.body.is_end_stream());
        assert_eq!(self.body.size_hint().exact(), Some(0));
        assert!(matches!(self.poll(), Poll::Ready(None)));
        assert_eq!(ambient(), "none");
    }

    fn saved(&self) -> Vec<String> {
        self.ledger.saved()
    }
}

/// A scope of `acme`'s, with a transaction per request.
async fn opened() -> (Opened, Ledger, Ends) {
    let (open, ends) = without_a_transaction().await;
    (open.with_transaction(true), Ledger::default(), ends)
}

async fn without_a_transaction() -> (Opened, Ends) {
    let (tenancy, ends) = tenancy();
    let mut headers = HeaderMap::new();
    headers.insert("x-tenant-id", HeaderValue::from_static("acme"));
    let head = Head {
        headers: &headers,
        authority: None,
        path: "/test.Zero/Call",
        method: "POST",
        claims: None,
        principal: Some(&Principal::new(User::member())),
    };
    let open = Access::Tenant.open(&tenancy, &head, None).await;
    (open.unwrap(), ends)
}

fn scope(open: &Opened) -> TenantScope {
    Ticket::of(open).tenant().unwrap().ticket()
}

#[tokio::test]
async fn those_of_ok_wait_for_the_commit_and_go_out_unchanged() {
    let mut call = Call::written([Data("data"), Trailers(trailers("0"))]).await;
    call.ledger.hold_up_commits(true);
    assert_eq!(call.body.size_hint().exact(), Some(4));
    assert_eq!(call.data(), "data");
    assert_eq!(call.ledger.take(), [Begun], "the call has not ended yet");
    for _ in 0..3 {
        assert!(call.poll().is_pending());
        assert!(!call.body.is_end_stream(), "trailers are still to come");
        assert_eq!(call.body.size_hint().exact(), Some(0));
        assert!(call.ends.take().is_empty());
        assert_eq!(ambient(), "none");
    }
    assert_eq!(call.ledger.take(), [Committing], "once");
    assert!(call.saved().is_empty());
    assert_eq!(call.woken(), 0);
    call.ledger.hold_up_commits(false);
    assert_eq!(call.woken(), 1);
    assert_eq!(call.trailers(), trailers("0"));
    assert_eq!(call.ledger.take(), [Committed]);
    assert_eq!(call.saved(), ["acme: one", "acme: two"]);
    call.is_over(Ending::Completed);
}

#[tokio::test]
async fn a_commit_that_fails_replaces_them() {
    for held_up in [false, true] {
        let mut call = Call::written([Data("data"), Trailers(trailers("0"))]).await;
        call.ledger.refuse_commits();
        call.ledger.hold_up_commits(held_up);
        assert_eq!(call.data(), "data");
        if held_up {
            assert!(call.poll().is_pending());
            call.ledger.hold_up_commits(false);
            assert_eq!(call.woken(), 1);
        }
        internal(&call.trailers());
        assert_eq!(call.ledger.take().last(), Some(&NotCommitted));
        assert!(call.saved().is_empty());
        call.is_over(Ending::Failed);
    }
}

/// gRPC's `INTERNAL`, and nothing of the handler's.
fn internal(trailers: &HeaderMap) {
    assert_eq!(trailers["grpc-status"], "13");
    assert_eq!(trailers["grpc-message"], "internal error");
    assert_eq!(trailers.len(), 2, "{trailers:?}");
}

#[tokio::test]
async fn another_status_rolls_back_and_goes_out_unchanged() {
    for status in ["1", "5", "13", "00", ""] {
        let mut call = Call::written([Data("data"), Trailers(trailers(status))]).await;
        assert_eq!(call.data(), "data");
        assert_eq!(call.trailers(), trailers(status));
        assert_eq!(call.ledger.take(), [Begun, Dropped], "{status:?}");
        assert!(call.saved().is_empty());
        call.is_over(Ending::Failed);
    }
}

#[tokio::test]
async fn a_handle_that_is_held_when_they_come_saves_nothing() {
    let (open, ledger, ends) = opened().await;
    ledger.keep(scope(&open)).await;
    let mut call = Call::answered(open, ledger, ends, [Trailers(trailers("0"))]).await;
    internal(&call.trailers());
    call.is_over(Ending::Failed);
    assert_eq!(call.ledger.take(), [Begun]);
    call.ledger.let_go().await;
    assert_eq!(call.ledger.take(), [Dropped]);
    assert!(call.saved().is_empty());
}

#[tokio::test]
async fn a_body_that_is_dropped_rolls_back() {
    for polls in 0..2 {
        let mut call = Call::written([Data("data"), Trailers(trailers("0"))]).await;
        for _ in 0..polls {
            call.data();
        }
        let Call {
            body, ledger, ends, ..
        } = call;
        drop(body);
        assert_eq!(ledger.take(), [Begun, Dropped], "after {polls} polls");
        assert!(ends.only(Ending::Dropped));
        assert!(ledger.saved().is_empty());
    }
}

#[tokio::test]
async fn a_body_that_is_dropped_while_it_commits_drops_the_commit() {
    let mut call = Call::written([Trailers(trailers("0"))]).await;
    call.ledger.hold_up_commits(true);
    assert!(call.poll().is_pending());
    let Call {
        body, ledger, ends, ..
    } = call;
    drop(body);
    assert_eq!(ledger.take(), [Begun, Committing, Dropped]);
    assert!(ends.only(Ending::Dropped));
    ledger.hold_up_commits(false);
    assert!(ledger.saved().is_empty());
}

#[tokio::test]
async fn a_call_that_ends_without_a_status_rolls_back() {
    // The last frame says that it is the last one.
    let mut call = Call::written([Data("data")]).await;
    assert_eq!(call.data(), "data");
    assert_eq!(call.ledger.take(), [Begun, Dropped]);
    call.is_over(Ending::Completed);
    // Nothing at all is said.
    let call = Call::written([]).await;
    assert_eq!(call.ledger.take(), [Begun, Dropped]);
    assert!(call.ends.only(Ending::Completed));
    // It breaks.
    let mut call = Call::written([Data("data"), Error]).await;
    assert_eq!(call.data(), "data");
    assert!(matches!(call.poll(), Poll::Ready(Some(Err("cut")))));
    assert_eq!(call.ledger.take(), [Begun, Dropped]);
    call.is_over(Ending::Failed);
    assert!(call.saved().is_empty());
}

/// A client takes it for a failure.
#[tokio::test]
async fn trailers_without_a_status_roll_back() {
    let own = || HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))]);
    let mut call = Call::written([Data("data"), Trailers(own())]).await;
    assert_eq!(call.data(), "data");
    assert_eq!(call.trailers(), own());
    assert_eq!(call.ledger.take(), [Begun, Dropped]);
    call.is_over(Ending::Completed);
}

/// A call that was answered at once has its status in its head, and no body.
#[tokio::test]
async fn a_status_in_the_head_ends_the_transaction_there() {
    for (status, fate, ending) in [
        ("0", Committed, Ending::Completed),
        ("7", RolledBack, Ending::Failed),
    ] {
        let (open, ledger, ends) = opened().await;
        ledger.write(&scope(&open), "one").await.unwrap();
        let mut head = trailers(status);
        head.insert("content-type", HeaderValue::from_static("application/grpc"));
        let answered = Answered::of(StatusCode::OK, &head);
        open.answered(answered).await.unwrap();
        assert_eq!(ledger.take(), [Begun, fate]);
        let (body, status) = (Script(VecDeque::new()), StatusCode::OK);
        let body = ScopedBody::new(body, status, &head, open, Span::none(), false);
        assert!(ends.only(ending));
        assert!(body.is_end_stream());
        assert!(ledger.take().is_empty(), "it has ended once");
    }
}

/// gRPC-Web's are in its data, where nobody looks for them here.
#[tokio::test]
async fn where_they_can_not_be_read_nothing_is_saved_and_the_answer_is_an_error() {
    let (open, ledger, _) = opened().await;
    ledger.write(&scope(&open), "one").await.unwrap();
    let mut head = HeaderMap::new();
    let grpc_web = HeaderValue::from_static("application/grpc-web+proto");
    head.insert("content-type", grpc_web);
    let answered = Answered::of(StatusCode::OK, &head);
    let refused = open.answered(answered).await.unwrap_err();
    assert_eq!(refused, Refused::Misconfigured);
    assert_eq!(ledger.take(), [Begun, RolledBack]);
    let (open, _) = without_a_transaction().await;
    open.answered(answered).await.unwrap();
}

#[tokio::test]
async fn who_has_no_transaction_or_never_asks_waits_for_nothing() {
    for wanted in [false, true] {
        let (open, ends) = without_a_transaction().await;
        let open = open.with_transaction(wanted);
        let ledger = Ledger::default();
        ledger.hold_up_commits(true);
        let said = [Data("data"), Trailers(trailers("0"))];
        let mut call = Call::answered(open, ledger, ends, said).await;
        assert_eq!(call.data(), "data");
        assert_eq!(call.trailers(), trailers("0"));
        assert!(call.ledger.take().is_empty());
        call.is_over(Ending::Completed);
    }
}

/// What a stream writes while it is sent is saved with the rest.
#[tokio::test]
async fn the_transaction_is_open_until_they_come() {
    let (open, ledger, ends) = opened().await;
    let ticket = scope(&open);
    let said = [Data("data"), Trailers(trailers("0"))];
    let mut call = Call::answered(open, ledger, ends, said).await;
    assert_eq!(call.data(), "data");
    call.ledger.write(&ticket, "late").await.unwrap();
    call.ledger.hold_up_commits(true);
    assert!(call.poll().is_pending());
    let too_late = call.ledger.write(&ticket, "too late").await;
    assert!(too_late.unwrap_err().to_string().contains("is over"));
    call.ledger.hold_up_commits(false);
    call.trailers();
    assert_eq!(call.saved(), ["acme: late"]);
}

/// An end that was dropped in the midst, and then trailers that say that all went well.
#[tokio::test]
async fn behind_an_end_that_was_cut_short_no_call_is_ok() {
    let (open, ledger, ends) = opened().await;
    ledger.write(&scope(&open), "one").await.unwrap();
    ledger.hold_up_commits(true);
    let mut end = Box::pin(open.answered(Answered::Success));
    assert!(futures_util::poll!(&mut end).is_pending());
    drop(end);
    ledger.hold_up_commits(false);
    let mut call = Call::answered(open, ledger, ends, [Trailers(trailers("0"))]).await;
    internal(&call.trailers());
    assert!(call.saved().is_empty());
}
