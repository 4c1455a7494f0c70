//! Requests that must not be served, and what they may tell.

use http::{Method, StatusCode};

use crate::client::{Caller, every_byte, request, whole};
use crate::program::Program;

const NO_TENANT: &str = "this request does not name one tenant\n";
const NOT_FOUND: &str = "not found\n";

pub async fn a_request_that_names_no_tenant(program: &Program) {
    let mut connection = program.connect().await;
    for host in [
        "localhost",
        "notes.localhost",
        "127.0.0.1",
        "acme.example.com",
    ] {
        let asked = request(Method::GET, Caller::Acme, host, "/notes");
        let answer = whole(connection.send(asked, "").await.unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{host}");
        assert_eq!(answer.text(), NO_TENANT, "{host}");
    }
}

pub async fn identifiers_that_are_malformed(program: &Program) {
    let mut connection = program.connect().await;
    let long = "a".repeat(64);
    let ids = [
        "",
        "ACME",
        "-acme",
        "acme-",
        "acme,globex",
        "acme globex",
        "a/b",
        "../acme",
        "acme%20",
        &long,
    ];
    for id in ids {
        let asked = request(Method::GET, Caller::Everywhere, "localhost", "/notes")
            .header("x-tenant-id", id);
        let answer = whole(connection.send(asked, "").await.unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{id:?}");
        assert_eq!(answer.text(), NO_TENANT, "{id:?}");
    }
    let token = Caller::Everywhere.authorization().unwrap();
    for line in [
        b"x-tenant-id: acm\xff\r\n".as_slice(),
        b"x-tenant-id: acme\r\nx-tenant-id: acme\r\n",
        b"x-tenant-id: acme\r\nX-Tenant-Id: globex\r\n",
    ] {
        let mut head =
            format!("GET /notes HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\n")
                .into_bytes();
        head.extend_from_slice(line);
        let answer = every_byte(program.address(), &head).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{line:?}: {answer}");
    }
}

pub async fn identifiers_that_contradict(program: &Program) {
    let mut connection = program.connect().await;
    for (host, header) in [
        ("acme", "globex"),
        ("globex", "acme"),
        ("acme", "nobody"),
        ("nobody", "acme"),
    ] {
        let host = crate::client::host_of(host);
        let asked =
            request(Method::GET, Caller::Everywhere, &host, "/notes").header("x-tenant-id", header);
        let answer = whole(connection.send(asked, "").await.unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{host} {header}");
        assert_eq!(answer.text(), NO_TENANT);
    }
    // Two that agree are one.
    let asked = request(
        Method::GET,
        Caller::Everywhere,
        "acme.notes.localhost",
        "/whoami",
    )
    .header("x-tenant-id", "acme");
    let answer = whole(connection.send(asked, "").await.unwrap())
        .await
        .unwrap();
    assert_eq!(answer.text(), "acme\n");
}

/// What a member of `acme` and of the suspended `initech` is told of others.
pub async fn unknown_suspended_and_forbidden_are_one_answer(program: &Program) {
    let token = Caller::Acme.authorization().unwrap();
    for (method, path) in [
        ("GET", "/notes"),
        ("POST", "/notes"),
        ("GET", "/notes/export"),
        ("GET", "/notes/events"),
        ("GET", "/whoami"),
        ("GET", "/faults/panic"),
    ] {
        let mut answers = Vec::new();
        for tenant in [
            "nobody",
            "initech",
            "globex",
            "a-longer-name-that-nobody-has",
        ] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: {tenant}.notes.localhost\r\nauthorization: {token}\r\ncontent-length: 0\r\n"
            );
            answers.push(every_byte(program.address(), head.as_bytes()).await);
        }
        assert!(answers[0].starts_with("HTTP/1.1 404"), "{}", answers[0]);
        assert!(answers[0].ends_with(NOT_FOUND), "{}", answers[0]);
        for answer in &answers[1..] {
            assert_eq!(answer, &answers[0], "{method} {path}");
        }
    }
}

pub async fn a_caller_without_a_token_is_nobodys_member(program: &Program) {
    for authorization in [
        "",
        "authorization: Bearer wrong\r\n",
        "authorization: Basic YTpi\r\n",
    ] {
        let mut answers = Vec::new();
        for tenant in ["acme", "nobody", "initech"] {
            let head =
                format!("GET /notes HTTP/1.1\r\nhost: {tenant}.notes.localhost\r\n{authorization}");
            answers.push(every_byte(program.address(), head.as_bytes()).await);
        }
        assert!(answers[0].starts_with("HTTP/1.1 404"), "{}", answers[0]);
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
    }
}

pub async fn refusals_are_the_same_text_in_every_framework(program: &Program) {
    let mut connection = program.connect().await;
    let unnamed = request(Method::GET, Caller::Acme, "localhost", "/notes");
    let unnamed = whole(connection.send(unnamed, "").await.unwrap())
        .await
        .unwrap();
    let forbidden = connection.get(Caller::Acme, "globex", "/notes").await;
    for (answer, status, text) in [
        (unnamed, StatusCode::BAD_REQUEST, NO_TENANT),
        (forbidden, StatusCode::NOT_FOUND, NOT_FOUND),
    ] {
        assert_eq!((answer.status, &*answer.text()), (status, text));
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["content-length"], text.len().to_string());
    }
}
