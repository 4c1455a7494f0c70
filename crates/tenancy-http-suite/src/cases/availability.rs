//! A tenant in maintenance, and one that may only be read.

use http::{Method, StatusCode};

use crate::client::{Answer, Caller, Connection, every_byte};
use crate::program::Program;

/// The longest that the program announces, in seconds.
const ANNOUNCED: u64 = 90;

/// A request whose body may be left unread, on a connection of its own: a framework may close that.
async fn ask(program: &Program, method: Method, caller: Caller, tenant: &str) -> Answer {
    let body = match method {
        Method::GET | Method::HEAD => "",
        _ => r#"{"title":"anvil"}"#,
    };
    let mut connection = program.connect().await;
    connection.ask(method, caller, tenant, "/notes", body).await
}

async fn add(program: &Program, caller: Caller, tenant: &str) -> Answer {
    ask(program, Method::POST, caller, tenant).await
}

async fn switch(connection: &mut Connection, to: &str) {
    let answer = connection.get_open(&format!("/faults/{to}")).await;
    assert_eq!(answer.text(), format!("{to}\n"), "{}", answer.status);
}

fn assert_asked_to_wait(answer: &Answer, text: &str) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.text(), text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let seconds: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=ANNOUNCED).contains(&seconds), "{seconds}");
}

/// Every byte that a member of `acme` alone is told of `acme`, and of a tenant that isn't there.
async fn outsiders(program: &Program, method: &str) -> [String; 2] {
    let token = Caller::Globex.authorization().unwrap();
    let mut answers = [const { String::new() }; 2];
    for (answer, tenant) in answers.iter_mut().zip(["acme", "nobody"]) {
        let head = format!(
            "{method} /notes HTTP/1.1\r\nhost: {tenant}.notes.localhost\r\nauthorization: {token}\r\ncontent-length: 0\r\n"
        );
        *answer = every_byte(program.address(), head.as_bytes()).await;
    }
    answers
}

pub async fn members_are_told_of_a_maintenance(program: &Program) {
    let mut connection = program.connect().await;
    switch(&mut connection, "maintenance").await;
    for method in [Method::GET, Method::HEAD, Method::POST] {
        for caller in [Caller::Acme, Caller::Everywhere] {
            let answer = ask(program, method.clone(), caller, "acme").await;
            let text = if method == Method::HEAD {
                ""
            } else {
                "in maintenance, come again later\n"
            };
            assert_asked_to_wait(&answer, text);
        }
    }
    // Nobody else is held up.
    let other = connection.get(Caller::Globex, "globex", "/notes").await;
    assert_eq!(other.status, StatusCode::OK);
    assert_eq!(connection.get_open("/health").await.text(), "ok\n");
}

pub async fn outsiders_learn_of_neither(program: &Program) {
    let mut connection = program.connect().await;
    for mode in ["maintenance", "read-only"] {
        switch(&mut connection, mode).await;
        for method in ["GET", "POST"] {
            let [acme, nobody] = outsiders(program, method).await;
            assert!(acme.starts_with("HTTP/1.1 404"), "{mode}: {acme}");
            assert_eq!(acme, nobody, "{mode}");
        }
    }
}

pub async fn a_read_only_tenant_is_read(program: &Program) {
    let mut connection = program.connect().await;
    switch(&mut connection, "read-only").await;
    let listed = connection.get(Caller::Acme, "acme", "/notes").await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.text());
    let exported = connection.get(Caller::Acme, "acme", "/notes/export").await;
    assert_eq!(exported.text(), "1\trocket skates\n");
    let head = connection
        .ask(Method::HEAD, Caller::Acme, "acme", "/notes", "")
        .await;
    assert_ne!(head.status, StatusCode::SERVICE_UNAVAILABLE);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let refused = ask(program, method, Caller::Acme, "acme").await;
        if refused.status != StatusCode::NOT_FOUND
            && refused.status != StatusCode::METHOD_NOT_ALLOWED
        {
            assert_asked_to_wait(&refused, "read-only for now, come again later\n");
        }
    }
    let refused = add(program, Caller::Acme, "acme").await;
    assert_asked_to_wait(&refused, "read-only for now, come again later\n");
    let listed = connection.get(Caller::Acme, "acme", "/notes").await.text();
    assert!(!listed.contains("anvil"), "{listed}");
    let other = add(program, Caller::Globex, "globex").await;
    assert_eq!(other.status, StatusCode::CREATED);
}

/// A handler that writes where its method promises that it doesn't: the database refuses it.
pub async fn a_get_that_writes(program: &Program) {
    let mut connection = program.connect().await;
    let path = "/faults/write";
    let written = connection.get(Caller::Acme, "acme", path).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.text());
    switch(&mut connection, "read-only").await;
    let refused = connection.get(Caller::Acme, "acme", path).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    let exported = connection.get(Caller::Acme, "acme", "/notes/export").await;
    assert_eq!(exported.text().lines().count(), 2, "{}", exported.text());
    switch(&mut connection, "available").await;
    let written = connection.get(Caller::Acme, "acme", path).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.text());
}

pub async fn it_ends(program: &Program) {
    let mut connection = program.connect().await;
    for mode in ["maintenance", "read-only"] {
        switch(&mut connection, mode).await;
        let refused = add(program, Caller::Acme, "acme").await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{mode}");
        switch(&mut connection, "available").await;
        let added = add(program, Caller::Acme, "acme").await;
        assert_eq!(added.status, StatusCode::CREATED, "{mode}");
    }
    let exported = connection.get(Caller::Acme, "acme", "/notes/export").await;
    assert_eq!(exported.text().lines().count(), 3);
}

/// Who is being answered when it begins is answered to the end.
pub async fn a_request_under_way_goes_on(program: &Program) {
    let mut waiting = program.connect().await;
    let mut connection = program.connect().await;
    let asked = crate::client::request(
        Method::GET,
        Caller::Acme,
        &crate::client::host_of("acme"),
        "/faults/wait",
    );
    let waited = async {
        let response = waiting.send(asked, "").await.unwrap();
        crate::client::whole(response).await.unwrap()
    };
    let switched = async {
        program.opened(1).await;
        switch(&mut connection, "maintenance").await;
        let refused = connection.get(Caller::Acme, "acme", "/notes").await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        connection.get_open("/faults/release").await;
    };
    let (answer, ()) = futures_util::join!(waited, switched);
    assert_eq!((answer.status, &*answer.text()), (StatusCode::OK, "acme\n"));
}
