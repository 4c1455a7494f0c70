//! How long a scope lasts: `play` sees after each case that none is left open.

use http::{Method, StatusCode};
use http_body_util::BodyExt as _;

use crate::client::{Caller, host_of, request, whole};
use crate::program::Program;

pub async fn a_client_that_goes_away_in_mid_body(program: &Program) {
    let mut leaving = Vec::new();
    for _ in 0..5 {
        let mut connection = program.connect().await;
        let asked = request(Method::GET, Caller::Acme, &host_of("acme"), "/notes/events");
        let mut body = connection.send(asked, "").await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        leaving.push((connection, body));
    }
    program.opened(5).await;
    drop(leaving);
    program.all_closed().await;
}

pub async fn a_client_that_goes_away_before_the_answer(program: &Program) {
    let mut connection = program.connect().await;
    let asked = request(Method::GET, Caller::Acme, &host_of("acme"), "/faults/wait");
    let waiting = tokio::spawn(async move { connection.send(asked, "").await.map(drop) });
    program.opened(1).await;
    waiting.abort();
    assert!(waiting.await.is_err());
    // Some frameworks end the handler at once, others let it come to its end: then this is it.
    program.connect().await.get_open("/faults/release").await;
    program.all_closed().await;
}

pub async fn a_head_request(program: &Program) {
    let mut connection = program.connect().await;
    for path in ["/notes", "/notes/export", "/whoami"] {
        // Not every framework answers it where only a GET was routed.
        let answer = connection
            .ask(Method::HEAD, Caller::Acme, "acme", path, "")
            .await;
        assert!(answer.body.is_empty());
        program.all_closed().await;
    }
}

pub async fn a_panic(program: &Program) {
    for _ in 0..5 {
        let mut connection = program.connect().await;
        let asked = request(Method::GET, Caller::Acme, &host_of("acme"), "/faults/panic");
        // Some frameworks answer, others let the connection die with its task.
        if let Ok(response) = connection.send(asked, "").await {
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let answer = whole(response).await.unwrap();
            assert!(!answer.text().contains("acme"), "{}", answer.text());
            assert_eq!(
                connection.get_open("/faults/ambient").await.text(),
                "none\n"
            );
        }
    }
    program.all_closed().await;
    let mut connection = program.connect().await;
    for _ in 0..20 {
        let answer = connection.get(Caller::Globex, "globex", "/whoami").await;
        assert_eq!(answer.text(), "globex\n");
    }
}

pub async fn an_error_of_the_handler(program: &Program) {
    fails(program, "/faults/error").await;
}

pub async fn an_error_of_a_middleware(program: &Program) {
    fails(program, "/faults/middleware").await;
}

async fn fails(program: &Program, path: &str) {
    let mut connection = program.connect().await;
    for _ in 0..5 {
        let answer = connection.get(Caller::Acme, "acme", path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!answer.text().contains("purpose"), "{}", answer.text());
        program.all_closed().await;
        assert_eq!(
            connection.get_open("/faults/ambient").await.text(),
            "none\n"
        );
        let answer = connection.get(Caller::Globex, "globex", "/whoami").await;
        assert_eq!(answer.text(), "globex\n");
    }
}

pub async fn a_scope_that_was_kept(program: &Program) {
    let mut connection = program.connect().await;
    let answer = connection.get(Caller::Acme, "acme", "/faults/keep").await;
    assert_eq!(answer.text(), "kept\n");
    program.all_closed().await;
    let answer = connection.get_open("/faults/kept").await;
    assert_eq!(answer.text(), "scope ended\n");
}
