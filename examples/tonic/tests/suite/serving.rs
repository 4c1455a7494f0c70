//! Calls that are served, of all four kinds.

use futures_util::stream;
use tenancy_http_suite::client::Caller;
use tenancy_http_suite::program::Program;
use tokio::sync::mpsc;
use tonic::{Code, Status};

use crate::client::{Connection, all, answered, by, in_time};
use crate::play::cases;
use crate::proto::{Draft, Empty};

/// More than come before one that tells of a note.
const MANY_EVENTS: usize = 200;

mod tests {
    super::cases! {
        each_tenant_has_its_own_notes
        a_streamed_list_reads_in_its_scope
        a_clients_stream_is_stored_in_its_scope
        a_stream_in_both_directions_stores_and_answers_in_its_scope
        events_are_read_in_their_scope
        central_services_are_the_administrators
        open_services_have_no_scope
        a_forgotten_layer_is_an_internal_error
    }
}

pub(crate) fn draft(title: &str) -> Draft {
    let title = title.to_owned();
    Draft { title }
}

pub(crate) async fn titles(
    connection: &Connection,
    caller: Caller,
    tenant: &str,
) -> Result<Vec<String>, Status> {
    let listed = answered(connection.notes(tenant).list(by(caller, Empty {}))).await?;
    Ok(listed.notes.into_iter().map(|note| note.title).collect())
}

async fn each_tenant_has_its_own_notes(program: &Program) {
    let connection = Connection::open(program).await;
    for (tenant, own) in [("acme", "rocket skates"), ("globex", "weather machine")] {
        let listed = titles(&connection, Caller::Everywhere, tenant).await;
        assert_eq!(listed.unwrap(), [own]);
    }
    let anvil = by(Caller::Acme, draft("anvil"));
    let added = answered(connection.notes("acme").add(anvil)).await.unwrap();
    assert_eq!(added.title, "anvil");
    let acme = titles(&connection, Caller::Acme, "acme").await.unwrap();
    assert_eq!(acme, ["rocket skates", "anvil"]);
    let globex = titles(&connection, Caller::Globex, "globex").await;
    assert_eq!(globex.unwrap(), ["weather machine"]);
    // Spoofed metadata do not help whoever is no member.
    let mut request = by(Caller::Globex, Empty {});
    let named = "acme".parse().unwrap();
    request.metadata_mut().insert("x-tenant-id", named);
    let refused = answered(connection.nowhere().list(request)).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
}

async fn a_streamed_list_reads_in_its_scope(program: &Program) {
    let connection = Connection::open(program).await;
    for number in 0..20 {
        let note = by(Caller::Acme, draft(&format!("note {number}")));
        answered(connection.notes("acme").add(note)).await.unwrap();
    }
    for (tenant, count, first) in [
        ("acme", 21, "rocket skates"),
        ("globex", 1, "weather machine"),
    ] {
        let request = by(Caller::Everywhere, Empty {});
        let exported = answered(connection.notes(tenant).export(request)).await;
        let (notes, ended) = all(exported.unwrap()).await;
        ended.unwrap();
        assert_eq!((notes.len(), &*notes[0].title), (count, first));
    }
}

async fn a_clients_stream_is_stored_in_its_scope(program: &Program) {
    let connection = Connection::open(program).await;
    let drafts = stream::iter((0..20).map(|number| draft(&format!("note {number}"))));
    let stored = answered(connection.notes("acme").import(by(Caller::Acme, drafts))).await;
    assert_eq!(stored.unwrap().count, 20);
    let acme = titles(&connection, Caller::Acme, "acme").await.unwrap();
    assert_eq!(acme.len(), 21);
    let globex = titles(&connection, Caller::Globex, "globex").await;
    assert_eq!(globex.unwrap(), ["weather machine"]);
}

/// Two tenants talk in turns over one connection: each message is stored, and answered, in its own.
async fn a_stream_in_both_directions_stores_and_answers_in_its_scope(program: &Program) {
    let connection = Connection::open(program).await;
    let mut talks = Vec::new();
    for tenant in ["acme", "globex"] {
        let (say, said) = mpsc::channel(1);
        let said = stream::unfold(said, async |mut said| Some((said.recv().await?, said)));
        let mut notes = connection.notes(tenant);
        let talk = answered(notes.converse(by(Caller::Everywhere, said))).await;
        talks.push((tenant, say, talk.unwrap()));
    }
    for number in 0..50 {
        for (tenant, say, talk) in &mut talks {
            let title = format!("{tenant} {number}");
            say.send(draft(&title)).await.unwrap();
            let note = in_time(talk.message()).await.unwrap().unwrap();
            assert_eq!((note.id, note.title), (number + 2, title));
        }
    }
    for (tenant, say, mut talk) in talks {
        drop(say);
        assert!(in_time(talk.message()).await.unwrap().is_none(), "{tenant}");
        let stored = titles(&connection, Caller::Everywhere, tenant)
            .await
            .unwrap();
        assert_eq!(stored.len(), 51);
        assert!(stored[1..].iter().all(|title| title.starts_with(tenant)));
    }
}

async fn events_are_read_in_their_scope(program: &Program) {
    let connection = Connection::open(program).await;
    let watched = answered(connection.notes("acme").watch(by(Caller::Acme, Empty {}))).await;
    let mut events = watched.unwrap();
    // Another tenant's notes are not counted; this tenant's are, while the stream is being sent.
    let unheard = by(Caller::Globex, draft("unheard"));
    answered(connection.notes("globex").add(unheard))
        .await
        .unwrap();
    let mut heard = 0;
    for wanted in [1, 2] {
        for _ in 0..MANY_EVENTS {
            heard = in_time(events.message()).await.unwrap().unwrap().count;
            assert!(heard <= wanted, "{heard}");
            if heard == wanted {
                break;
            }
        }
        assert_eq!(heard, wanted);
        if wanted == 1 {
            let note = by(Caller::Acme, draft("heard"));
            answered(connection.notes("acme").add(note)).await.unwrap();
        }
    }
}

async fn central_services_are_the_administrators(program: &Program) {
    let connection = Connection::open(program).await;
    let count = async |caller| {
        let mut administration = connection.administration();
        answered(administration.count_notes(by(caller, Empty {}))).await
    };
    assert_eq!(count(Caller::Administrator).await.unwrap().count, 3);
    for caller in [Caller::Acme, Caller::Everywhere, Caller::Nobody] {
        let refused = count(caller).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::NotFound, "not found")
        );
    }
    // An administrator is no tenant's member.
    let refused = titles(&connection, Caller::Administrator, "acme").await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
}

async fn open_services_have_no_scope(program: &Program) {
    let connection = Connection::open(program).await;
    let health = answered(connection.diagnostics().health(Empty {})).await;
    assert_eq!(health.unwrap().text, "ok");
    // Also where the call names a tenant, and shows a member's token.
    for named in ["acme", "nobody"] {
        let mut request = by(Caller::Acme, Empty {});
        request
            .metadata_mut()
            .insert("x-tenant-id", named.parse().unwrap());
        let ambient = answered(connection.outside().ambient(request)).await;
        assert_eq!(ambient.unwrap().text, "none");
    }
}

async fn a_forgotten_layer_is_an_internal_error(program: &Program) {
    let connection = Connection::open(program).await;
    let mut request = by(Caller::Acme, Empty {});
    request
        .metadata_mut()
        .insert("x-tenant-id", "acme".parse().unwrap());
    let status = answered(connection.outside().forgotten(request)).await;
    let status = status.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "internal error")
    );
}
