//! Requests that are served.

use http::{Method, StatusCode};
use http_body_util::BodyExt as _;

use crate::client::{Caller, host_of, request};
use crate::program::Program;

/// More than come before one that tells of a note.
const MANY_EVENTS: usize = 200;

pub async fn each_tenant_has_its_own_notes(program: &Program) {
    let mut connection = program.connect().await;
    for (tenant, own, other) in [
        ("acme", "rocket skates", "weather machine"),
        ("globex", "weather machine", "rocket skates"),
    ] {
        let listed = connection.get(Caller::Everywhere, tenant, "/notes").await;
        assert_eq!(listed.status, StatusCode::OK, "{}", listed.text());
        let text = listed.text();
        assert!(text.contains(own) && !text.contains(other), "{text}");
    }
    let added = connection.add(Caller::Acme, "acme", "anvil").await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    assert!(added.text().contains("anvil"));
    let acme = connection.get(Caller::Acme, "acme", "/notes").await.text();
    assert!(acme.contains("anvil"), "{acme}");
    let globex = connection
        .get(Caller::Globex, "globex", "/notes")
        .await
        .text();
    assert!(!globex.contains("anvil"), "{globex}");
    // A spoofed header does not help whoever is no member.
    let host = host_of("acme");
    let asked = request(Method::GET, Caller::Globex, &host, "/notes").header("x-tenant-id", "acme");
    let refused = connection.send(asked, "").await.unwrap();
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
}

pub async fn a_streamed_list_reads_in_its_scope(program: &Program) {
    let mut connection = program.connect().await;
    for number in 0..20 {
        let title = format!("note {number}");
        connection.add(Caller::Acme, "acme", &title).await;
    }
    let exported = connection.get(Caller::Acme, "acme", "/notes/export").await;
    assert_eq!(exported.status, StatusCode::OK);
    let text = exported.text();
    assert_eq!(text.lines().count(), 21, "{text}");
    assert!(text.starts_with("1\trocket skates\n"), "{text}");
    let exported = connection
        .get(Caller::Globex, "globex", "/notes/export")
        .await;
    assert_eq!(exported.text(), "1\tweather machine\n");
}

pub async fn events_are_read_in_their_scope(program: &Program) {
    let mut writing = program.connect().await;
    let mut listening = program.connect().await;
    let asked = request(Method::GET, Caller::Acme, &host_of("acme"), "/notes/events");
    let response = listening.send(asked, "").await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    let mut events = response.into_body();
    let mut heard = String::new();
    // Another tenant's notes are not counted; this tenant's are, while the body is being sent.
    writing.add(Caller::Globex, "globex", "unheard").await;
    for (step, wanted) in [("first", "data:1"), ("second", "data:2")] {
        for _ in 0..MANY_EVENTS {
            if heard.replace(' ', "").contains(wanted) {
                break;
            }
            let frame = events.frame().await.expect("it goes on").unwrap();
            heard.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
        }
        assert!(heard.replace(' ', "").contains(wanted), "{step}: {heard}");
        if step == "first" {
            writing.add(Caller::Acme, "acme", "heard").await;
        }
    }
    assert!(!heard.replace(' ', "").contains("data:3"), "{heard}");
}

pub async fn central_routes_are_the_administrators(program: &Program) {
    let mut connection = program.connect().await;
    let path = "/admin/notes/count";
    let ask = |caller| request(Method::GET, caller, "localhost", path);
    let counted = connection
        .send(ask(Caller::Administrator), "")
        .await
        .unwrap();
    let counted = crate::client::whole(counted).await.unwrap();
    assert_eq!(
        (counted.status, counted.text()),
        (StatusCode::OK, "3\n".to_owned())
    );
    for caller in [Caller::Acme, Caller::Everywhere, Caller::Nobody] {
        let refused = connection.send(ask(caller), "").await.unwrap();
        let refused = crate::client::whole(refused).await.unwrap();
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{caller:?}");
        assert_eq!(refused.text(), "not found\n");
    }
    // An administrator is no tenant's member.
    let refused = connection
        .get(Caller::Administrator, "acme", "/notes")
        .await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

pub async fn open_routes_have_no_scope(program: &Program) {
    let mut connection = program.connect().await;
    assert_eq!(connection.get_open("/health").await.text(), "ok\n");
    // Also where the request names a tenant, and shows a member's token.
    let answer = connection
        .get(Caller::Acme, "acme", "/faults/ambient")
        .await;
    assert_eq!(answer.text(), "none\n");
    let answer = connection.get(Caller::Acme, "nobody", "/health").await;
    assert_eq!(answer.text(), "ok\n");
}

pub async fn a_forgotten_layer_is_an_internal_error(program: &Program) {
    let mut connection = program.connect().await;
    let answer = connection
        .get(Caller::Acme, "acme", "/faults/forgotten")
        .await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    // Rocket answers with its catcher, the others with our text.
    assert!(!answer.text().contains("acme"), "{}", answer.text());
}
