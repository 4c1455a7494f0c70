//! How long a scope lasts: `play` sees after each case that none is left open.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tenancy_http_suite::client::Caller;
use tenancy_http_suite::program::Program;
use tokio::task::JoinHandle;
use tonic::{CancellationHandle, Code, Response, Status, Streaming};

use crate::client::{Connection, all, answered, by, in_time};
use crate::play::{cases, opened};
use crate::proto::{Count, Empty, Note};
use crate::serving::{draft, titles};

mod tests {
    super::cases! {
        a_client_that_goes_away_in_mid_stream
        a_client_that_cancels_in_mid_stream
        a_client_that_goes_away_before_the_answer
        a_deadline_that_passes
        a_panic
        an_error_of_the_handler
        an_error_in_a_stream
        an_error_of_an_interceptor
        a_scope_that_was_kept
    }
}

/// Calls with streams in either and both directions, none of which comes to an end.
struct Endless {
    watched: Streaming<Count>,
    talk: Streaming<Note>,
    import: JoinHandle<Result<Response<Count>, Status>>,
    cancel: [CancellationHandle; 2],
}

impl Endless {
    async fn begin(connection: &Connection) -> Self {
        let forever = || stream::iter([draft("once")]).chain(stream::pending());
        let mut notes = connection.notes("acme");
        let watched = answered(notes.watch(by(Caller::Acme, Empty {}))).await;
        let mut watched = watched.unwrap();
        in_time(watched.message()).await.unwrap().unwrap();
        let mut said = by(Caller::Acme, forever());
        let mut drafts = by(Caller::Acme, forever());
        let cancel = [said.cancellation_handle(), drafts.cancellation_handle()];
        let mut talk = answered(notes.converse(said)).await.unwrap();
        in_time(talk.message()).await.unwrap().unwrap();
        let import = tokio::spawn(async move { notes.import(drafts).await });
        Self {
            watched,
            talk,
            import,
            cancel,
        }
    }

    /// What a client does that has lost interest: it resets the calls' streams.
    async fn cancel(self) {
        assert!(!self.import.is_finished(), "it goes on for ever");
        drop((self.watched, self.talk));
        for cancel in self.cancel {
            cancel.cancel();
        }
        assert!(in_time(self.import).await.unwrap().is_err());
    }
}

async fn a_client_that_goes_away_in_mid_stream(program: &Program) {
    let mut leaving = Vec::new();
    for _ in 0..5 {
        let connection = Connection::open(program).await;
        leaving.push((Endless::begin(&connection).await, connection));
    }
    opened(program, 15).await;
    for (_, connection) in &leaving {
        connection.break_off();
    }
    opened(program, 0).await;
}

/// The connection stays, and serves another tenant.
async fn a_client_that_cancels_in_mid_stream(program: &Program) {
    let connection = Connection::open(program).await;
    for _ in 0..5 {
        let open = Endless::begin(&connection).await;
        opened(program, 3).await;
        open.cancel().await;
        opened(program, 0).await;
        assert_eq!(connection.ambient().await, "none");
        let named = connection.whoami(Caller::Globex, "globex").await;
        assert_eq!(named.unwrap(), "globex");
    }
}

async fn a_client_that_goes_away_before_the_answer(program: &Program) {
    let connection = Connection::open(program).await;
    let mut faults = connection.faults("acme");
    let waiting = tokio::spawn(async move { faults.wait(by(Caller::Acme, Empty {})).await });
    opened(program, 1).await;
    waiting.abort();
    assert!(waiting.await.is_err());
    opened(program, 0).await;
}

async fn a_deadline_that_passes(program: &Program) {
    let connection = Connection::open(program).await;
    let mut request = by(Caller::Acme, Empty {});
    request.set_timeout(Duration::from_millis(50));
    let late = answered(connection.faults("acme").wait(request)).await;
    assert_ne!(late.unwrap_err().code(), Code::Ok);
    opened(program, 0).await;
}

async fn a_panic(program: &Program) {
    let connection = Connection::open(program).await;
    for _ in 0..5 {
        let mut faults = connection.faults("acme");
        let panicked = answered(faults.panic(by(Caller::Acme, Empty {}))).await;
        tells_nothing(&panicked.unwrap_err());
        // The stream's reset may overtake what was sent before the panic.
        match answered(faults.panic_in_stream(by(Caller::Acme, Empty {}))).await {
            Ok(begun) => tells_nothing(&all(begun).await.1.unwrap_err()),
            Err(reset) => tells_nothing(&reset),
        }
        opened(program, 0).await;
        assert_eq!(connection.ambient().await, "none");
    }
    for _ in 0..20 {
        let named = connection.whoami(Caller::Globex, "globex").await;
        assert_eq!(named.unwrap(), "globex");
    }
}

fn tells_nothing(status: &Status) {
    assert_ne!(status.code(), Code::Ok);
    let told = status.message();
    assert!(
        !told.contains("acme") && !told.contains("purpose"),
        "{told}"
    );
}

async fn an_error_of_the_handler(program: &Program) {
    let connection = Connection::open(program).await;
    for _ in 0..5 {
        let mut faults = connection.faults("acme");
        let failed = answered(faults.fail(by(Caller::Acme, Empty {}))).await;
        failed_and_over(program, &connection, &failed.unwrap_err()).await;
    }
}

async fn an_error_in_a_stream(program: &Program) {
    let connection = Connection::open(program).await;
    for _ in 0..5 {
        let mut faults = connection.faults("acme");
        let begun = answered(faults.fail_in_stream(by(Caller::Acme, Empty {}))).await;
        let (texts, ended) = all(begun.unwrap()).await;
        assert_eq!(texts.len(), 1);
        failed_and_over(program, &connection, &ended.unwrap_err()).await;
    }
}

async fn an_error_of_an_interceptor(program: &Program) {
    let connection = Connection::open(program).await;
    for _ in 0..5 {
        let mut intercepted = connection.intercepted("acme");
        let failed = answered(intercepted.never(by(Caller::Acme, Empty {}))).await;
        failed_and_over(program, &connection, &failed.unwrap_err()).await;
    }
}

async fn failed_and_over(program: &Program, connection: &Connection, status: &Status) {
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "internal error")
    );
    opened(program, 0).await;
    assert_eq!(connection.ambient().await, "none");
    let globex = titles(connection, Caller::Globex, "globex").await;
    assert_eq!(globex.unwrap(), ["weather machine"]);
}

async fn a_scope_that_was_kept(program: &Program) {
    let connection = Connection::open(program).await;
    let kept = answered(connection.faults("acme").keep(by(Caller::Acme, Empty {}))).await;
    assert_eq!(kept.unwrap().text, "kept");
    opened(program, 0).await;
    let used = answered(connection.outside().kept(Empty {})).await;
    assert_eq!(used.unwrap().text, "scope ended");
}
