//! Streams of drafts that are stored together, or not at all: see [`transactions`](crate::transactions).

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use tenancy_http_suite::books::TENANTS;
use tenancy_http_suite::client::Caller;
use tenancy_http_suite::program::Program;
use tokio::sync::mpsc;
use tonic::{CancellationHandle, Code, Status, Streaming};

use crate::books::Books;
use crate::client::{Connection, all, answered, by, in_time};
use crate::play::{cases, opened};
use crate::proto::{Draft, Note};
use crate::serving::draft;

mod tests {
    super::cases! {
        an_import_is_saved_by_the_time_it_is_answered
        an_import_with_a_bad_draft_saves_nothing
        a_stream_is_saved_with_its_status
        a_stream_that_fails_saves_nothing
        a_client_that_leaves_in_mid_stream_saves_nothing
        an_import_that_is_cancelled_saves_nothing
        one_connection_alternates_good_and_bad_imports
        imports_side_by_side
    }
}

async fn import(connection: &Connection, tenant: &str, titles: &[String]) -> Result<i64, Status> {
    let drafts: Vec<_> = titles.iter().map(|title| draft(title)).collect();
    let drafts = by(Caller::Everywhere, stream::iter(drafts));
    let stored = answered(connection.notes(tenant).import(drafts)).await?;
    Ok(stored.count)
}

fn numbered(count: usize, of: &str) -> Vec<String> {
    (0..count).map(|number| format!("{of} {number}")).collect()
}

fn is_refused(status: &Status) {
    let told = (status.code(), status.message());
    assert_eq!(told, (Code::InvalidArgument, "a note needs a title"));
}

/// A call that stores each draft as it comes.
struct Talk {
    say: mpsc::Sender<Draft>,
    hear: Streaming<Note>,
    cancel: CancellationHandle,
}

impl Talk {
    async fn begin(connection: &Connection, tenant: &str) -> Self {
        let (say, said) = mpsc::channel(1);
        let said = stream::unfold(said, async |mut said| Some((said.recv().await?, said)));
        let mut asked = by(Caller::Everywhere, said);
        let cancel = asked.cancellation_handle();
        let hear = answered(connection.notes(tenant).import_each(asked)).await;
        let hear = hear.unwrap();
        Self { say, hear, cancel }
    }

    /// These are stored, one by one, each with an answer before the next.
    async fn store(&mut self, titles: &[String]) {
        for title in titles {
            self.say.send(draft(title)).await.unwrap();
            let note = in_time(self.hear.message()).await.unwrap().unwrap();
            assert_eq!(note.title, *title);
        }
    }
}

async fn an_import_is_saved_by_the_time_it_is_answered(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for round in 0..60 {
        let tenant = TENANTS[round % TENANTS.len()];
        let titles = numbered(round % 7, &format!("round {round}"));
        let count = import(&connection, tenant, &titles).await.unwrap();
        assert_eq!(count, i64::try_from(titles.len()).unwrap());
        books.enter(tenant, titles);
        books.compare(program, "an import").await;
    }
    books.balance(program, "imports").await;
}

async fn an_import_with_a_bad_draft_saves_nothing(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for tenant in TENANTS {
        for bad in [0, 2, 4] {
            let mut titles = numbered(5, "half");
            titles[bad].clear();
            is_refused(&import(&connection, tenant, &titles).await.unwrap_err());
            books.balance(program, "a bad draft").await;
        }
    }
}

async fn a_stream_is_saved_with_its_status(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for tenant in TENANTS {
        let titles = numbered(20, tenant);
        let mut talk = Talk::begin(&connection, tenant).await;
        talk.store(&titles).await;
        books.compare(program, "it may fail still").await;
        drop(talk.say);
        assert!(in_time(talk.hear.message()).await.unwrap().is_none());
        books.enter(tenant, titles);
        books.balance(program, "a stream").await;
    }
}

async fn a_stream_that_fails_saves_nothing(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for tenant in TENANTS {
        let mut talk = Talk::begin(&connection, tenant).await;
        talk.store(&numbered(3, tenant)).await;
        talk.say.send(draft("")).await.unwrap();
        let (notes, ended) = all(talk.hear).await;
        assert!(notes.is_empty());
        is_refused(&ended.unwrap_err());
        books.balance(program, "a stream that fails").await;
    }
}

/// It resets the call, or closes its connection.
async fn a_client_that_leaves_in_mid_stream_saves_nothing(program: &Program) {
    let mut books = Books::default();
    for breaks_off in [true, false] {
        let connection = Connection::open(program).await;
        let mut talks = Vec::new();
        for tenant in TENANTS {
            let mut talk = Talk::begin(&connection, tenant).await;
            talk.store(&numbered(3, tenant)).await;
            talks.push(talk);
        }
        books.compare(program, "nothing is saved yet").await;
        // Nobody says that there are no more drafts.
        let mut unsaid = Vec::new();
        if breaks_off {
            connection.break_off();
        }
        for Talk { say, hear, cancel } in talks {
            if !breaks_off {
                cancel.cancel();
            }
            unsaid.push((say, hear));
        }
        opened(program, 0).await;
        books.balance(program, "a client that leaves").await;
    }
}

/// The handler is shown the same end of its drafts as where all were sent, and is dropped.
async fn an_import_that_is_cancelled_saves_nothing(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for tenant in TENANTS {
        let (sent, mut taken) = mpsc::channel(1);
        let drafts = stream::iter(numbered(3, tenant)).then(move |title| {
            let sent = sent.clone();
            async move {
                sent.send(()).await.unwrap();
                draft(&title)
            }
        });
        let mut asked = by(Caller::Everywhere, drafts.chain(stream::pending()));
        let cancel = asked.cancellation_handle();
        let mut notes = connection.notes(tenant);
        let import = tokio::spawn(async move { notes.import(asked).await });
        for _ in 0..3 {
            in_time(taken.recv()).await.unwrap();
        }
        opened(program, 1).await;
        cancel.cancel();
        assert!(in_time(import).await.unwrap().is_err());
        opened(program, 0).await;
        books.balance(program, "an import that is cancelled").await;
    }
}

async fn one_connection_alternates_good_and_bad_imports(program: &Program) {
    let mut books = Books::default();
    let connection = Connection::open(program).await;
    for round in 0..150 {
        let tenant = TENANTS[round % TENANTS.len()];
        let mut titles = numbered(3, &format!("round {round}"));
        if round % 2 == 0 {
            import(&connection, tenant, &titles).await.unwrap();
            books.enter(tenant, titles);
        } else {
            titles[2].clear();
            is_refused(&import(&connection, tenant, &titles).await.unwrap_err());
        }
    }
    books.balance(program, "good and bad in turns").await;
}

/// Those of one tenant wait for each other, and none has half of another's.
async fn imports_side_by_side(program: &Program) {
    const EACH: usize = 8;
    let connection = Connection::open(program).await;
    let calls = (0..EACH * TENANTS.len()).map(|number| {
        let (connection, tenant) = (&connection, TENANTS[number % TENANTS.len()]);
        async move {
            let mut titles = numbered(5, &number.to_string());
            if number % 2 == 0 {
                return import(connection, tenant, &titles).await.map(drop);
            }
            titles[4].clear();
            is_refused(&import(connection, tenant, &titles).await.unwrap_err());
            Ok(())
        }
    });
    for stored in join_all(calls).await {
        stored.unwrap();
    }
    opened(program, 0).await;
    for tenant in TENANTS {
        let stored = crate::serving::titles(&connection, Caller::Everywhere, tenant).await;
        let stored = stored.unwrap();
        assert_eq!(stored.len(), 1 + 5 * EACH / 2);
        for import in stored[1..].chunks(5) {
            let (number, _) = import[0].split_once(' ').unwrap();
            assert_eq!(import, numbered(5, number), "one behind the other");
        }
    }
}
