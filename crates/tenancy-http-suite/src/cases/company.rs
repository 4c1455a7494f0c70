//! Many tenants at once.

use futures_util::future::join_all;
use http::StatusCode;

use crate::client::{Answer, Caller, Connection};
use crate::program::Program;

const TENANTS: [&str; 3] = ["acme", "globex", "hooli"];

pub async fn one_connection_changes_tenants_ten_thousand_times(program: &Program) {
    let mut connection = program.connect().await;
    for round in 0..10_000 {
        let tenant = TENANTS[round % 2];
        let answer = connection.get(Caller::Everywhere, tenant, "/whoami").await;
        assert_eq!(answer.text(), format!("{tenant}\n"), "round {round}");
        if round % 500 == 0 {
            // A refusal in between leaves the connection in nobody's scope.
            let answer = connection
                .get(Caller::Everywhere, "initech", "/whoami")
                .await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            let answer = connection.get_open("/faults/ambient").await;
            assert_eq!(answer.text(), "none\n");
        }
    }
}

/// Neither the caller nor the tenant of a request stays for the next one.
pub async fn nothing_is_left_on_a_connection(program: &Program) {
    let mut connection = program.connect().await;
    for _ in 0..50 {
        let answer = connection.get(Caller::Acme, "acme", "/whoami").await;
        assert_eq!(answer.text(), "acme\n");
        let answer = connection.get(Caller::Nobody, "acme", "/whoami").await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "the principal is left"
        );
        let answer = connection.get(Caller::Globex, "acme", "/whoami").await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "the principal is left"
        );
        let answer = connection.get_open("/faults/forgotten").await;
        assert_eq!(
            answer.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "the ticket is left: {}",
            answer.text()
        );
        let answer = connection.get_open("/faults/ambient").await;
        assert_eq!(answer.text(), "none\n");
    }
}

pub async fn a_slow_tenant_beside_a_fast_one(program: &Program) {
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut connection = program.connect().await;
        waiting.push(tokio::spawn(async move {
            connection.get(Caller::Acme, "acme", "/faults/wait").await
        }));
    }
    program.opened(8).await;
    // All of acme's requests wait until they are let go, which comes after all of globex's.
    let fast = (0..4).map(async |_| {
        let mut connection = program.connect().await;
        for _ in 0..50 {
            let answer = connection.get(Caller::Globex, "globex", "/notes").await;
            assert_eq!(answer.status, StatusCode::OK);
        }
    });
    join_all(fast).await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    program.connect().await.get_open("/faults/release").await;
    for task in waiting {
        let answer = task.await.unwrap();
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::OK, "acme\n".to_owned())
        );
    }
}

/// Each tenant's notes hold a word of its own, and no answer ever holds another's.
pub async fn many_callers_at_once(program: &Program) {
    let callers = (0..16).map(|number| async move {
        let mut connection = program.connect().await;
        let mut dice = Dice(number + 1);
        for round in 0..150 {
            let tenant = TENANTS[dice.roll(TENANTS.len())];
            let answer = ask_anything(&mut connection, &mut dice, tenant).await;
            judge(&answer, tenant, round);
        }
    });
    join_all(callers).await;
    let mut connection = program.connect().await;
    for tenant in TENANTS {
        let listed = connection.get(Caller::Everywhere, tenant, "/notes").await;
        judge(&listed, tenant, usize::MAX);
        assert!(
            listed.text().contains(&word_of(tenant)),
            "nothing was written"
        );
    }
}

fn word_of(tenant: &str) -> String {
    format!("word-of-{tenant}-alone")
}

async fn ask_anything(connection: &mut Connection, dice: &mut Dice, tenant: &str) -> Answer {
    match dice.roll(8) {
        0 => {
            let title = word_of(tenant);
            connection.add(Caller::Everywhere, tenant, &title).await
        }
        1 => {
            connection
                .get(Caller::Everywhere, tenant, "/notes/export")
                .await
        }
        2 => {
            connection
                .get(Caller::Everywhere, tenant, "/faults/error")
                .await
        }
        3 => connection.get(Caller::Acme, "initech", "/notes").await,
        4 | 5 => connection.get(Caller::Everywhere, tenant, "/whoami").await,
        _ => connection.get(Caller::Everywhere, tenant, "/notes").await,
    }
}

fn judge(answer: &Answer, tenant: &str, round: usize) {
    let text = answer.text();
    for other in TENANTS.into_iter().filter(|other| *other != tenant) {
        assert!(
            !text.contains(&word_of(other)) && !text.starts_with(&format!("{other}\n")),
            "round {round}: {tenant} was answered with {other}'s: {text}"
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
