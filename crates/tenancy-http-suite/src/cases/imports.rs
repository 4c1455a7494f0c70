//! Lists of notes that are stored whole or not at all, in their request's transaction.

use futures_util::future::{join, join_all};
use http::{Method, StatusCode};
use serde_json::json;

use crate::books::{Books, TENANTS, titles};
use crate::client::{Answer, Caller, Connection};
use crate::program::Program;

/// As many notes as a list has.
const LENGTH: usize = 5;

async fn import(connection: &mut Connection, tenant: &str, titles: &[String]) -> Answer {
    let drafts: Vec<_> = titles
        .iter()
        .map(|title| json!({ "title": title }))
        .collect();
    let body = json!(drafts).to_string();
    connection
        .ask(
            Method::POST,
            Caller::Everywhere,
            tenant,
            "/notes/import",
            &body,
        )
        .await
}

fn list(name: &str) -> Vec<String> {
    (0..LENGTH)
        .map(|number| format!("{name}, {number}"))
        .collect()
}

/// A list whose draft at this place has no title.
fn bad_list(name: &str, at: usize) -> Vec<String> {
    let mut titles = list(name);
    titles[at % LENGTH].clear();
    titles
}

fn assert_stored(answer: &Answer, titles: &[String]) {
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let notes: Vec<serde_json::Value> = serde_json::from_slice(&answer.body).unwrap();
    assert!(notes.iter().map(|note| &note["title"]).eq(titles));
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.text(), "a note needs a title\n");
}

pub async fn a_good_list_is_there_when_it_is_answered(program: &Program) {
    let mut writing = program.connect().await;
    let mut reading = program.connect().await;
    let mut books = Books::default();
    for round in 0..200 {
        let tenant = TENANTS[round % TENANTS.len()];
        let added = list(&format!("{tenant}'s {round}"));
        assert_stored(&import(&mut writing, tenant, &added).await, &added);
        let found = titles(&mut reading, tenant).await;
        assert!(found.ends_with(&added), "round {round}: {found:?}");
        books.enter(tenant, added);
    }
    // An empty list is stored, too.
    assert_stored(&import(&mut writing, "acme", &[]).await, &[]);
    books.balance(program, "good lists").await;
}

pub async fn a_bad_draft_takes_all_back(program: &Program) {
    let mut books = Books::default();
    for tenant in TENANTS {
        for at in 0..LENGTH {
            let mut connection = program.connect().await;
            let refused = import(&mut connection, tenant, &bad_list(tenant, at)).await;
            assert_refused(&refused);
            books
                .balance(program, &format!("a bad draft at {at}"))
                .await;
        }
    }
}

/// What one request has done in its transaction is not in the next one's, whoever asks.
pub async fn one_connection_and_many_lists(program: &Program) {
    let mut connection = program.connect().await;
    let mut books = Books::default();
    for round in 0..300 {
        let tenant = TENANTS[round % TENANTS.len()];
        let name = format!("{tenant}'s {round}");
        if round % 5 < 2 {
            let refused = import(&mut connection, tenant, &bad_list(&name, round)).await;
            assert_refused(&refused);
        } else {
            let added = list(&name);
            assert_stored(&import(&mut connection, tenant, &added).await, &added);
            books.enter(tenant, added);
        }
        if round % 50 == 0 {
            books.compare(program, &name).await;
        }
    }
    books.balance(program, "many lists").await;
}

pub async fn lists_of_one_tenant_wait_for_each_other(program: &Program) {
    at_once(program, &["acme"]).await;
}

pub async fn lists_of_many_tenants_at_once(program: &Program) {
    at_once(program, &TENANTS).await;
}

/// Good and bad lists of six callers, while others read: nobody ever sees a part of one.
async fn at_once(program: &Program, tenants: &[&str]) {
    let writing = (0..6).map(async |caller| {
        let mut connection = program.connect().await;
        for round in 0..6 {
            let tenant = tenants[(caller + round) % tenants.len()];
            let name = format!("{tenant}'s {round} of {caller}");
            if round % 3 == 2 {
                let refused = import(&mut connection, tenant, &bad_list(&name, caller)).await;
                assert_refused(&refused);
            } else {
                let added = list(&name);
                assert_stored(&import(&mut connection, tenant, &added).await, &added);
            }
        }
    });
    let reading = tenants.iter().map(async |tenant| {
        let mut connection = program.connect().await;
        for _ in 0..30 {
            judge(tenant, &titles(&mut connection, tenant).await);
        }
    });
    join(join_all(writing), join_all(reading)).await;
    let mut connection = program.connect().await;
    let mut sum = 0;
    for tenant in TENANTS {
        let found = titles(&mut connection, tenant).await;
        judge(tenant, &found);
        sum += found.len() - 1;
        if !tenants.contains(&tenant) {
            assert_eq!(found.len(), 1, "{tenant}'s notes have changed");
        }
    }
    assert_eq!(sum, 6 * 4 * LENGTH, "a list is missing");
}

/// Behind the first note come whole lists, all of this tenant's own.
fn judge(tenant: &str, found: &[String]) {
    let lists = found[1..].chunks(LENGTH);
    for stored in lists {
        let (name, _) = stored[0].rsplit_once(", ").expect("a list's note");
        assert_eq!(stored, list(name), "a part of a list");
        assert!(name.starts_with(tenant), "{name} is not {tenant}'s");
    }
}
