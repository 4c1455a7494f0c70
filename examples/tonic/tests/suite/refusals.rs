//! Calls that must not be served, and what they may tell.

use bytes::Bytes;
use http_body_util::Full;
use tenancy_http_suite::client::{Caller, host_of};
use tenancy_http_suite::program::Program;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::client::{Connection, Raw, answered, by, head};
use crate::play::cases;
use crate::proto::Empty;

const NO_TENANT: &str = "this request does not name one tenant";

/// Methods of all four kinds, and one that breaks.
const METHODS: [&str; 8] = [
    "/notes.v1.Notes/Add",
    "/notes.v1.Notes/List",
    "/notes.v1.Notes/Export",
    "/notes.v1.Notes/Import",
    "/notes.v1.Notes/Converse",
    "/notes.v1.Notes/Watch",
    "/notes.v1.Notes/NoSuchMethod",
    "/notes.v1.Faults/Panic",
];

mod tests {
    super::cases! {
        a_call_that_names_no_tenant
        identifiers_that_are_malformed
        identifiers_that_contradict
        unknown_suspended_and_forbidden_are_one_answer
        a_caller_without_a_token_is_nobodys_member
        trailers_of_a_request_name_nobody
    }
}

fn is_no_tenant(status: &Status) -> bool {
    status.code() == Code::InvalidArgument && status.message() == NO_TENANT
}

/// An empty message, as gRPC sends it.
fn empty() -> Body {
    Body::new(Full::new(Bytes::from_static(&[0; 5])))
}

fn status_of(answer: &Raw) -> Status {
    assert_eq!(answer.status, http::StatusCode::OK);
    let headers = answer.trailers.as_ref().unwrap_or(&answer.headers);
    Status::from_header_map(headers).expect("a status")
}

async fn a_call_that_names_no_tenant(program: &Program) {
    let connection = Connection::open(program).await;
    for host in [
        "localhost",
        "notes.localhost",
        "127.0.0.1",
        "acme.example.com",
    ] {
        let request = by(Caller::Acme, Empty {});
        let status = answered(connection.at(host).list(request))
            .await
            .unwrap_err();
        assert!(is_no_tenant(&status), "{host}: {status}");
    }
}

async fn identifiers_that_are_malformed(program: &Program) {
    let connection = Connection::open(program).await;
    let long = "a".repeat(64);
    let ids: [&[u8]; 11] = [
        b"",
        b"ACME",
        b"-acme",
        b"acme-",
        b"acme,globex",
        b"acme globex",
        b"a/b",
        b"../acme",
        b"acme%20",
        b"acm\xff",
        long.as_bytes(),
    ];
    let asking = || head(Caller::Everywhere, "localhost", "/notes.v1.Notes/List");
    let single = ids.map(|id| asking().header("x-tenant-id", id));
    let twice = [("acme", "acme"), ("acme", "globex")].map(|(one, other)| {
        asking()
            .header("x-tenant-id", one)
            .header("x-tenant-id", other)
    });
    for request in single.into_iter().chain(twice) {
        let request = request.body(empty()).unwrap();
        let named = format!("{:?}", request.headers());
        let answer = connection.raw(request).await;
        assert!(is_no_tenant(&status_of(&answer)), "{named}: {answer:?}");
        assert!(answer.data.is_empty());
    }
    // Binary metadata are another key.
    let request = asking().header("x-tenant-id-bin", "acme");
    let answer = connection.raw(request.body(empty()).unwrap()).await;
    assert!(is_no_tenant(&status_of(&answer)), "{answer:?}");
}

async fn identifiers_that_contradict(program: &Program) {
    let connection = Connection::open(program).await;
    let ask = async |host: &str, name: &'static str, value: &str| {
        let mut request = by(Caller::Everywhere, Empty {});
        request.metadata_mut().insert(name, value.parse().unwrap());
        answered(connection.at(host).who_am_i(request)).await
    };
    for (tenant, named) in [
        ("acme", "globex"),
        ("globex", "acme"),
        ("acme", "nobody"),
        ("nobody", "acme"),
    ] {
        let host = host_of(tenant);
        let status = ask(&host, "x-tenant-id", named).await.unwrap_err();
        assert!(is_no_tenant(&status), "{tenant} {named}: {status}");
        let status = ask(&host, "host", &host_of(named)).await.unwrap_err();
        assert!(is_no_tenant(&status), "{tenant} {named}: {status}");
    }
    // Two that agree are one.
    let host = host_of("acme");
    assert_eq!(
        ask(&host, "x-tenant-id", "acme").await.unwrap().text,
        "acme"
    );
    assert_eq!(ask(&host, "host", &host).await.unwrap().text, "acme");
}

/// What a member of `acme` and of the suspended `initech` is told of others: to the byte.
async fn unknown_suspended_and_forbidden_are_one_answer(program: &Program) {
    refused_alike(
        program,
        Caller::Acme,
        &[
            "nobody",
            "initech",
            "globex",
            "a-longer-name-that-nobody-has",
        ],
    )
    .await;
}

async fn a_caller_without_a_token_is_nobodys_member(program: &Program) {
    refused_alike(program, Caller::Nobody, &["acme", "nobody", "initech"]).await;
    let connection = Connection::open(program).await;
    for authorization in ["Bearer wrong", "Basic YTpi", ""] {
        let request = head(Caller::Nobody, &host_of("acme"), METHODS[1])
            .header("authorization", authorization);
        let answer = connection.raw(request.body(empty()).unwrap()).await;
        assert_eq!(status_of(&answer).code(), Code::NotFound, "{answer:?}");
    }
}

async fn refused_alike(program: &Program, caller: Caller, tenants: &[&str]) {
    let connection = Connection::open(program).await;
    let mut first: Option<Raw> = None;
    for method in METHODS {
        for tenant in tenants {
            let request = head(caller, &host_of(tenant), method);
            let answer = connection.raw(request.body(empty()).unwrap()).await;
            let status = status_of(&answer);
            assert_eq!(status.code(), Code::NotFound, "{method} {tenant}");
            assert_eq!(status.message(), "not found");
            assert!(answer.data.is_empty() && answer.trailers.is_none());
            let first = first.get_or_insert_with(|| Raw {
                headers: answer.headers.clone(),
                trailers: None,
                data: Bytes::new(),
                status: answer.status,
            });
            assert_eq!(answer, *first, "{method} {tenant}");
        }
    }
}

/// tonic adds a request's trailers to its metadata, after the scope was opened.
async fn trailers_of_a_request_name_nobody(program: &Program) {
    use futures_util::stream;
    use hyper::body::Frame;

    let connection = Connection::open(program).await;
    let body = || {
        let trailers = http::HeaderMap::from_iter([(
            http::HeaderName::from_static("x-tenant-id"),
            http::HeaderValue::from_static("globex"),
        )]);
        let frames = [
            Frame::data(Bytes::from_static(&[0; 5])),
            Frame::trailers(trailers),
        ];
        let frames = stream::iter(frames.map(Ok::<_, Status>));
        Body::new(http_body_util::StreamBody::new(frames))
    };
    let path = "/notes.v1.Notes/WhoAmI";
    let request = head(Caller::Everywhere, &host_of("acme"), path);
    let answer = connection.raw(request.body(body()).unwrap()).await;
    assert_eq!(status_of(&answer).code(), Code::Ok);
    assert_eq!(answer.data[..], *b"\0\0\0\0\x06\x0a\x04acme");
    let request = head(Caller::Everywhere, "localhost", path);
    let answer = connection.raw(request.body(body()).unwrap()).await;
    assert!(is_no_tenant(&status_of(&answer)), "{answer:?}");
}
