//! Many tenants at once.

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use tenancy_http_suite::client::Caller;
use tenancy_http_suite::program::Program;
use tonic::{Code, Status};

use crate::client::{Connection, all, answered, by};
use crate::play::{cases, opened};
use crate::proto::{Empty, Note};
use crate::serving::{draft, titles};

const TENANTS: [&str; 3] = ["acme", "globex", "hooli"];

mod tests {
    super::cases! {
        one_connection_changes_tenants_ten_thousand_times
        nothing_is_left_on_a_connection
        a_slow_tenant_beside_a_fast_one
        many_callers_at_once
    }
}

/// Up to 64 calls are under way at a time, side by side.
async fn one_connection_changes_tenants_ten_thousand_times(program: &Program) {
    let connection = &Connection::open(program).await;
    let rounds = stream::iter(0..10_000).map(|round| async move {
        let tenant = TENANTS[round % 2];
        let named = connection.whoami(Caller::Everywhere, tenant).await;
        assert_eq!(named.unwrap(), tenant, "round {round}");
        if round % 500 == 0 {
            // A refusal in between leaves the connection in nobody's scope.
            let refused = connection.whoami(Caller::Everywhere, "initech").await;
            assert_eq!(refused.unwrap_err().code(), Code::NotFound);
            assert_eq!(connection.ambient().await, "none");
        }
    });
    assert_eq!(rounds.buffer_unordered(64).count().await, 10_000);
}

/// Neither the caller nor the tenant of a call stays for the next one.
async fn nothing_is_left_on_a_connection(program: &Program) {
    let connection = Connection::open(program).await;
    for _ in 0..50 {
        let named = connection.whoami(Caller::Acme, "acme").await;
        assert_eq!(named.unwrap(), "acme");
        for caller in [Caller::Nobody, Caller::Globex] {
            let refused = connection.whoami(caller, "acme").await.unwrap_err();
            assert_eq!(refused.code(), Code::NotFound, "the principal is left");
        }
        let forgotten = answered(connection.outside().forgotten(Empty {})).await;
        let forgotten = forgotten.unwrap_err();
        assert_eq!(forgotten.code(), Code::Internal, "the ticket is left");
        assert_eq!(connection.ambient().await, "none");
    }
}

async fn a_slow_tenant_beside_a_fast_one(program: &Program) {
    let connection = Connection::open(program).await;
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let mut faults = connection.faults("acme");
            let request = by(Caller::Acme, Empty {});
            tokio::spawn(async move { answered(faults.wait(request)).await })
        })
        .collect();
    opened(program, 8).await;
    // All of acme's calls wait until they are let go, which comes after all of globex's.
    let fast = (0..4).map(async |_| {
        for _ in 0..50 {
            titles(&connection, Caller::Globex, "globex").await.unwrap();
        }
    });
    join_all(fast).await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    answered(connection.outside().release(Empty {}))
        .await
        .unwrap();
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap().text, "acme");
    }
}

/// Each tenant's notes hold a word of its own, and no answer ever holds another's. Sixteen callers
/// share four connections.
async fn many_callers_at_once(program: &Program) {
    let connections = join_all((0..4).map(|_| Connection::open(program))).await;
    let callers = (0..16).map(|number| {
        let connection = connections[number % 4].clone();
        async move {
            let mut dice = Dice(number as u64 + 1);
            for round in 0..150 {
                let tenant = TENANTS[dice.roll(TENANTS.len())];
                match ask_anything(&connection, dice.roll(8), tenant).await {
                    Ok(texts) => judge(&texts, tenant, round),
                    Err(status) => judge(&[status.message().to_owned()], tenant, round),
                }
            }
        }
    });
    join_all(callers).await;
    for tenant in TENANTS {
        let listed = titles(&connections[0], Caller::Everywhere, tenant).await;
        let listed = listed.unwrap();
        judge(&listed, tenant, usize::MAX);
        assert!(listed.contains(&word_of(tenant)), "nothing was written");
    }
}

fn word_of(tenant: &str) -> String {
    format!("word-of-{tenant}-alone")
}

/// One call of some kind; an error where one is expected.
async fn ask_anything(
    connection: &Connection,
    choice: usize,
    tenant: &str,
) -> Result<Vec<String>, Status> {
    let empty = || by(Caller::Everywhere, Empty {});
    let word = || draft(&word_of(tenant));
    let words = || by(Caller::Everywhere, stream::iter([word(), word()]));
    let title = |notes: Vec<Note>| notes.into_iter().map(|note| note.title).collect();
    let mut notes = connection.notes(tenant);
    let answer = match choice {
        0 => {
            let added = notes.add(by(Caller::Everywhere, word()));
            Ok(vec![answered(added).await.unwrap().title])
        }
        1 => {
            let (exported, ended) = all(answered(notes.export(empty())).await.unwrap()).await;
            ended.unwrap();
            Ok(title(exported))
        }
        2 => answered(connection.faults(tenant).fail(empty()))
            .await
            .map(|answer| vec![answer.text]),
        3 => titles(connection, Caller::Acme, "initech").await,
        4 => Ok(vec![
            connection.whoami(Caller::Everywhere, tenant).await.unwrap(),
        ]),
        5 => {
            let stored = answered(notes.import(words())).await.unwrap();
            assert_eq!(stored.count, 2);
            Ok(vec![])
        }
        6 => {
            let (talk, ended) = all(answered(notes.converse(words())).await.unwrap()).await;
            ended.unwrap();
            assert_eq!(talk.len(), 2);
            Ok(title(talk))
        }
        _ => Ok(titles(connection, Caller::Everywhere, tenant)
            .await
            .unwrap()),
    };
    assert_eq!(answer.is_err(), matches!(choice, 2 | 3), "{choice}");
    answer
}

fn judge(texts: &[String], tenant: &str, round: usize) {
    for other in TENANTS.into_iter().filter(|other| *other != tenant) {
        let leaked = |text: &String| *text == word_of(other) || text == other;
        assert!(
            !texts.iter().any(leaked),
            "round {round}: {tenant} was answered with {other}'s: {texts:?}"
        );
    }
}

/// Numbers that look like chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % sides
    }
}
