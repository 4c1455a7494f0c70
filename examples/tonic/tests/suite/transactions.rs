//! What is saved of a call's transaction, by the status that it ends with. [`Books`] sees each time
//! that nothing else is, in any tenant's database, and that no lock is left.

use std::time::Duration;

use tenancy_http_suite::books::TENANTS;
use tenancy_http_suite::client::Caller;
use tenancy_http_suite::program::Program;
use tonic::{Code, Request, Status};

use crate::books::Books;
use crate::client::{Connection, all, answered, by};
use crate::play::{cases, opened, waiting};
use crate::proto::{Empty, Text};
use crate::serving::draft;

mod tests {
    super::cases! {
        an_error_or_a_panic_saves_nothing
        a_transaction_ended_by_sql_is_not_saved
        a_second_handle_is_refused
        a_failure_that_was_swallowed
        a_handle_in_a_task_saves_nothing
        a_handle_in_a_streams_task_saves_nothing
        a_client_that_goes_away_in_mid_transaction
        a_deadline_in_mid_transaction
    }
}

/// How a handler's use of its transaction is asked for: in a unary call, or between two messages of
/// a stream.
#[derive(Debug, Clone, Copy)]
enum Where {
    Handler,
    Stream,
}

const BOTH: [Where; 2] = [Where::Handler, Where::Stream];

impl Where {
    /// The last that the call says, or its status.
    async fn transact(
        self,
        connection: &Connection,
        tenant: &str,
        how: &str,
    ) -> Result<String, Status> {
        let mut faults = connection.faults(tenant);
        let asked = asking(how);
        match self {
            Self::Handler => Ok(answered(faults.transact(asked)).await?.text),
            Self::Stream => {
                let texts = answered(faults.transact_in_stream(asked)).await?;
                let (mut texts, ended) = all(texts).await;
                ended?;
                Ok(texts.pop().unwrap().text)
            }
        }
    }
}

fn asking(how: &str) -> Request<Text> {
    let text = how.to_owned();
    by(Caller::Everywhere, Text { text })
}

/// A success that was not saved is told as any other internal error is.
async fn assert_internal(connection: &Connection, said: Result<String, Status>, what: &str) {
    let status = said.expect_err(what);
    let told = (status.code(), status.message());
    assert_eq!(told, (Code::Internal, "internal error"), "{what}");
    // The connection goes on, with nothing of that call on it.
    assert_eq!(connection.ambient().await, "none", "{what}");
}

async fn an_error_or_a_panic_saves_nothing(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for place in BOTH {
        for tenant in TENANTS {
            for how in ["error", "caught-panic"] {
                let status = place.transact(&connection, tenant, how).await;
                assert_internal(&connection, status, &format!("{how} {place:?}")).await;
                books.balance(program, how).await;
            }
            for how in ["panic", "kept-panic"] {
                let status = place.transact(&connection, tenant, how).await.unwrap_err();
                assert_ne!(status.code(), Code::Ok);
                books.balance(program, how).await;
            }
        }
    }
}

async fn a_transaction_ended_by_sql_is_not_saved(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for place in BOTH {
        for how in ["commit", "commit-and-begin", "rollback-and-begin"] {
            for tenant in TENANTS {
                let status = place.transact(&connection, tenant, how).await;
                assert_internal(&connection, status, &format!("{how} {place:?}")).await;
            }
            books.balance(program, how).await;
        }
    }
}

async fn a_second_handle_is_refused(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for place in BOTH {
        let said = place.transact(&connection, "acme", "second-handle").await;
        assert_eq!(said.unwrap(), "in use");
        books.enter("acme", ["second-handle"]);
        books.balance(program, "a second handle").await;
    }
}

/// It is the status that says whether the call went well, and nothing before it.
async fn a_failure_that_was_swallowed(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for place in BOTH {
        let said = place.transact(&connection, "acme", "swallowed").await;
        assert_eq!(said.unwrap(), "swallowed");
        // What the handler wrote, and the good draft before the bad one.
        books.enter("acme", ["swallowed", "swallowed"]);
        books.balance(program, "a failure that was swallowed").await;
    }
}

async fn a_handle_in_a_task_saves_nothing(program: &Program) {
    spawned(program, Where::Handler).await;
}

async fn a_handle_in_a_streams_task_saves_nothing(program: &Program) {
    spawned(program, Where::Stream).await;
}

async fn spawned(program: &Program, place: Where) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    let status = place.transact(&connection, "acme", "spawned").await;
    assert_internal(&connection, status, "a handle in a task").await;
    opened(program, 0).await;
    // The task has it still: others are written, and this tenant is read.
    books.compare(program, "a handle in a task").await;
    let beside = by(Caller::Globex, draft("beside it"));
    answered(connection.notes("globex").add(beside))
        .await
        .unwrap();
    books.enter("globex", ["beside it"]);
    answered(connection.outside().release(Empty {}))
        .await
        .unwrap();
    books.balance(program, "a handle that was let go").await;
}

/// Its connection closes, or goes on without the call.
async fn a_client_that_goes_away_in_mid_transaction(program: &Program) {
    let mut books = Books::default();
    for breaks_off in [true, false] {
        for place in BOTH {
            let mut leaving = Vec::new();
            for (tenant, how) in [("acme", "hold"), ("globex", "rest")] {
                let connection = Connection::open(program).await;
                let asking = connection.clone();
                let asked = async move { place.transact(&asking, tenant, how).await };
                leaving.push((tokio::spawn(asked), connection));
            }
            waiting(program, leaving.len()).await;
            books.compare(program, "nothing is saved yet").await;
            for (task, connection) in &leaving {
                if breaks_off {
                    connection.break_off();
                } else {
                    task.abort();
                }
            }
            for (task, _) in leaving {
                assert!(!matches!(task.await, Ok(Ok(_))), "the call was answered");
            }
            opened(program, 0).await;
            books.balance(program, "clients that went away").await;
        }
    }
}

async fn a_deadline_in_mid_transaction(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for how in ["hold", "rest"] {
        let mut asked = asking(how);
        asked.set_timeout(Duration::from_millis(100));
        let late = answered(connection.faults("acme").transact(asked)).await;
        assert_ne!(late.unwrap_err().code(), Code::Ok);
        opened(program, 0).await;
        books.balance(program, "a deadline").await;
    }
}
