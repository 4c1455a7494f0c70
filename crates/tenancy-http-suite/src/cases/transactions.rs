//! What is saved of a request's transaction, by how its request ends. [`Books`] sees each time that
//! nothing else is, in any tenant's database, and that no lock is left.

use http::{Method, StatusCode};

use crate::books::{Books, TENANTS};
use crate::client::{Answer, Caller, Connection, host_of, request, whole};
use crate::program::{Abandoned, Program};

const INTERNAL_ERROR: &str = "internal error\n";

/// Asks a handler to write in its transaction, and to go on like this.
async fn transact(connection: &mut Connection, tenant: &str, how: &str) -> Answer {
    let path = format!("/faults/transaction/{how}");
    connection.get(Caller::Everywhere, tenant, &path).await
}

/// A success that was not saved is answered as any other internal error.
async fn assert_not_saved(connection: &mut Connection, answer: &Answer, how: &str) {
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{how}");
    assert_eq!(answer.text(), INTERNAL_ERROR, "{how}");
    // The connection goes on, with nothing of that request on it.
    let open = connection.get_open("/faults/ambient").await;
    assert_eq!(open.text(), "none\n", "{how}");
}

pub async fn a_status_says_what_is_saved(program: &Program) {
    let mut books = Books::default();
    for (round, status) in [
        200, 201, 202, 204, 302, 303, 304, 307, 400, 401, 403, 404, 409, 422, 429, 500, 503,
    ]
    .into_iter()
    .enumerate()
    {
        let tenant = TENANTS[round % TENANTS.len()];
        let path = format!("/faults/answer/{status}");
        let mut connection = program.connect().await;
        let answer = connection.get(Caller::Everywhere, tenant, &path).await;
        assert_eq!(answer.status.as_u16(), status);
        if status < 400 {
            books.enter(tenant, [status.to_string()]);
        }
        books.balance(program, &path).await;
    }
}

pub async fn an_error_or_a_panic_saves_nothing(program: &Program) {
    let mut books = Books::default();
    for tenant in TENANTS {
        let mut connection = program.connect().await;
        let failed = transact(&mut connection, tenant, "error").await;
        assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
        books.balance(program, "an error").await;

        for path in [
            "/faults/transaction/panic",
            "/faults/transaction/kept-panic",
        ] {
            let mut connection = program.connect().await;
            let asked = request(Method::GET, Caller::Everywhere, &host_of(tenant), path);
            // Some frameworks answer, others let the connection die with its task.
            if let Ok(response) = connection.send(asked, "").await {
                assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
                whole(response).await.unwrap();
            }
            books.balance(program, path).await;
        }

        // The handler answers with a success all the same.
        let mut connection = program.connect().await;
        let answer = transact(&mut connection, tenant, "caught-panic").await;
        assert_not_saved(&mut connection, &answer, "a panic that was caught").await;
        books.balance(program, "a panic that was caught").await;
    }
}

pub async fn a_transaction_ended_by_sql_is_not_saved(program: &Program) {
    let mut books = Books::default();
    let mut connection = program.connect().await;
    for how in ["commit", "commit-and-begin", "rollback-and-begin"] {
        for tenant in TENANTS {
            let answer = transact(&mut connection, tenant, how).await;
            assert_not_saved(&mut connection, &answer, how).await;
            books.balance(program, how).await;
        }
    }
}

pub async fn a_second_handle_is_refused(program: &Program) {
    let mut books = Books::default();
    let mut connection = program.connect().await;
    let answer = transact(&mut connection, "acme", "second-handle").await;
    assert_eq!(
        (answer.status, &*answer.text()),
        (StatusCode::OK, "in use\n")
    );
    books.enter("acme", ["second-handle"]);
    books.balance(program, "a second handle").await;
}

/// It is the answer that says whether the request went well, and nothing before it.
pub async fn a_failure_that_was_swallowed(program: &Program) {
    let mut books = Books::default();
    let mut connection = program.connect().await;
    let answer = transact(&mut connection, "acme", "swallowed").await;
    assert_eq!(
        (answer.status, &*answer.text()),
        (StatusCode::OK, "swallowed\n")
    );
    // What the handler wrote, and the good draft before the bad one.
    books.enter("acme", ["swallowed", "swallowed"]);
    books.balance(program, "a failure that was swallowed").await;
}

pub async fn a_handle_in_a_task_saves_nothing(program: &Program) {
    let mut books = Books::default();
    let mut connection = program.connect().await;
    let answer = transact(&mut connection, "acme", "spawned").await;
    assert_not_saved(&mut connection, &answer, "a handle in a task").await;
    program.all_closed().await;
    // The task has it still: others are written, and this tenant is read.
    books.compare(program, "a handle in a task").await;
    let other = connection
        .add(Caller::Everywhere, "globex", "beside it")
        .await;
    assert_eq!(other.status, StatusCode::CREATED);
    books.enter("globex", ["beside it"]);
    connection.get_open("/faults/release").await;
    books.balance(program, "a handle that was let go").await;
}

pub async fn a_body_has_no_transaction(program: &Program) {
    let mut books = Books::default();
    let mut connection = program.connect().await;
    for tenant in TENANTS {
        let answer = connection
            .get(Caller::Everywhere, tenant, "/faults/stream")
            .await;
        assert_eq!((answer.status, &*answer.text()), (StatusCode::OK, "over\n"));
        books.enter(tenant, ["by the handler", "by the body"]);
        books.balance(program, "a body").await;
    }
}

/// Where a framework lets the handler come to its end, that is a success nobody hears of.
pub async fn a_client_that_goes_away_in_mid_transaction(program: &Program) {
    const LEAVING: [(&str, &str); 2] = [("acme", "hold"), ("globex", "rest")];
    let mut books = Books::default();
    let mut leaving = Vec::new();
    for (tenant, how) in LEAVING {
        let mut connection = program.connect().await;
        leaving.push(tokio::spawn(async move {
            transact(&mut connection, tenant, how).await
        }));
    }
    program.waiting(leaving.len()).await;
    books.compare(program, "nothing is saved yet").await;
    for task in leaving {
        task.abort();
        assert!(task.await.is_err());
    }
    match program.abandoned() {
        Abandoned::Dropped => program.all_closed().await,
        Abandoned::Finished => {
            program.connect().await.get_open("/faults/release").await;
            program.all_closed().await;
            for (tenant, how) in LEAVING {
                books.enter(tenant, [how]);
            }
        }
    }
    books.balance(program, "clients that went away").await;
}

pub async fn a_read_only_tenant_is_not_written(program: &Program) {
    let mut books = Books::default();
    let mut connection = program.connect().await;
    connection.get_open("/faults/read-only").await;
    let refused = transact(&mut connection, "acme", "save").await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    let other = transact(&mut connection, "globex", "save").await;
    assert_eq!(other.status, StatusCode::OK, "{}", other.text());
    books.enter("globex", ["save"]);
    books.compare(program, "a read-only tenant").await;
    connection.get_open("/faults/available").await;
    let written = transact(&mut connection, "acme", "save").await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.text());
    books.enter("acme", ["save"]);
    books.balance(program, "a tenant that is open again").await;
}
