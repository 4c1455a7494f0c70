//! What the service promises to its tenants, tried over HTTP. The same on both databases.

use axum::http::StatusCode;
use serde_json::json;
use tenancy::{TenantScope, TenantStatus};

use crate::data::FIRST_OWN_NOTE;
use crate::error::Error;
use crate::notes::Notes;
use crate::service::{Note, host_of};
use crate::show::Show;
use crate::stage::{Side, Stage};

/// Plays the sections that both databases share.
pub(crate) async fn play<N: Notes>(
    show: &mut Show,
    stage: &Stage<N>,
    one: &Side<'_>,
    other: &Side<'_>,
) -> Result<(), Error> {
    provisioned(show, stage).await?;
    one_id_two_notes(show, one, other).await?;
    forgotten_scope(show, one).await?;
    spoofed(show, one, other).await?;
    all_refusals_look_the_same(show, stage, one, other).await?;
    kept_ticket(show, one, other).await
}

async fn provisioned<N: Notes>(show: &mut Show, stage: &Stage<N>) -> Result<(), Error> {
    show.section("Tenants are provisioned, and each reads its own notes");
    show.say(format_args!("serving on http://{}", stage.server.address()));
    for tenant in stage.data.active() {
        let side = stage.side(tenant);
        let (reply, notes) = side.client.notes().await?;
        let count = tenant.notes.len();
        show.check(
            format_args!("{} reads its {count} notes, and no other", tenant.id),
            reply.is(StatusCode::OK) && notes == side.notes(),
        );
        show.asked(&reply.asked);
        show.answered(&reply);
    }
    Ok(())
}

/// In both directions: what one tenant does to a note never touches the other's of the same id.
async fn one_id_two_notes(show: &mut Show, one: &Side<'_>, other: &Side<'_>) -> Result<(), Error> {
    let ids = one
        .tenant
        .notes
        .iter()
        .chain(&other.tenant.notes)
        .map(|note| note.id);
    let id = ids.max().unwrap_or(0) + 1;
    show.section(&format!(
        "Both tenants have a note {id}: one primary key, two notes"
    ));
    let path = format!("/notes/{id}");
    for (first, second) in [(one, other), (other, one)] {
        let note_of = |side: &Side<'_>| Note {
            id,
            title: format!("written by {}", side.id()),
        };
        for side in [first, second] {
            side.client
                .put(&path, &json!({ "title": note_of(side).title }))
                .await?;
        }
        let reply = first.client.get(&path).await?;
        show.check(
            format_args!("{} wrote it first, and still reads its own", first.id()),
            reply.json() == Some(note_of(first)),
        );
        show.asked(&reply.asked);
        show.answered(&reply);

        let removed = first.client.delete(&path).await?;
        let gone = first.client.get(&path).await?;
        let stays = second.client.get(&path).await?;
        show.check(
            format_args!(
                "{} deletes it, and {} still has its own",
                first.id(),
                second.id()
            ),
            removed.is(StatusCode::NO_CONTENT)
                && gone.is(StatusCode::NOT_FOUND)
                && stays.json() == Some(note_of(second)),
        );
        show.asked(&removed.asked);
        show.answered(&removed);
        show.asked(&stays.asked);
        show.answered(&stays);
        second.client.delete(&path).await?;
    }
    new_note(show, one, other).await
}

async fn new_note(show: &mut Show, one: &Side<'_>, other: &Side<'_>) -> Result<(), Error> {
    let reply = one
        .client
        .post("/notes", &json!({ "title": "a new note" }))
        .await?;
    let id = reply.json::<Note>().map_or(FIRST_OWN_NOTE, |note| note.id);
    let elsewhere = other.client.get(&format!("/notes/{id}")).await?;
    show.check(
        format_args!("a new note of {} is not there for {}", one.id(), other.id()),
        reply.is(StatusCode::CREATED) && elsewhere.is(StatusCode::NOT_FOUND),
    );
    show.asked(&reply.asked);
    show.answered(&reply);
    show.asked(&elsewhere.asked);
    show.answered(&elsewhere);
    one.client.delete(&format!("/notes/{id}")).await?;
    show.check(
        "both are back to the notes that they began with",
        one.is_untouched().await? && other.is_untouched().await?,
    );
    Ok(())
}

async fn forgotten_scope(show: &mut Show, one: &Side<'_>) -> Result<(), Error> {
    show.section("A forgotten scope gives an error, never rows");
    let here = TenantScope::current();
    show.check("outside any request there is no scope", here.is_err());
    show.asked("TenantScope::current()");
    show.answered(here.map_or_else(|error| error.to_string(), |scope| format!("{scope:?}")));

    let reply = one.client.get("/careless/spawn").await?;
    show.check(
        "a task that a handler spawned, and gave no scope to, reads nothing",
        reply.is(StatusCode::INTERNAL_SERVER_ERROR) && reply.body.contains("no tenant scope"),
    );
    show.asked(
        "tokio::spawn(async { let scope = TenantScope::current()?; notes.list(&scope).await })",
    );
    show.answered(&reply);

    let reply = one.client.get("/careless/no-layer").await?;
    show.check(
        "a route that was left out of the tenancy layer is never served",
        reply.is(StatusCode::INTERNAL_SERVER_ERROR) && !reply.body.contains("never reached"),
    );
    show.asked(&reply.asked);
    show.answered(&reply);
    Ok(())
}

async fn spoofed(show: &mut Show, one: &Side<'_>, other: &Side<'_>) -> Result<(), Error> {
    show.section("A spoofed request gets nowhere");
    let (mine, theirs) = (host_of(one.id()), host_of(other.id()));

    let reply = one.client.at(&theirs).get("/notes").await?;
    show.check(
        format_args!("{}'s token at {}'s host", one.id(), other.id()),
        reply.is(StatusCode::NOT_FOUND),
    );
    show.asked(format_args!(
        "{}   (with {}'s token)",
        reply.asked,
        one.id()
    ));
    show.answered(&reply);

    for header in ["X-Tenant-Id", "X-Forwarded-Host"] {
        let value = if header == "X-Tenant-Id" {
            other.id().to_string()
        } else {
            theirs.clone()
        };
        let (reply, notes) = one.client.with(header, value).notes().await?;
        show.check(
            format_args!("{header} is not what names a tenant here, so it changes nothing"),
            notes == one.notes(),
        );
        show.asked(&reply.asked);
        show.answered(&reply);
    }

    let both = format!("Host: {mine}\r\nHost: {theirs}\r\n");
    let user = format!("Host: {mine}@{theirs}\r\n");
    for (what, headers) in [
        ("two hosts in one request", both),
        ("a host inside a host", user),
    ] {
        let answer = one.client.send_raw(&headers).await?;
        show.check(what, answer.starts_with("HTTP/1.1 400 "));
        show.asked(format_args!(
            "GET /notes   {}",
            headers.trim().replace("\r\n", "   ")
        ));
        show.answered(first_and_last_line(&answer));
    }

    let reply = one.client.showing("guess").get("/notes").await?;
    show.check(
        "a token that was made up",
        reply.is(StatusCode::UNAUTHORIZED),
    );
    show.asked(format_args!(
        "{}   Authorization: Bearer guess",
        reply.asked
    ));
    show.answered(&reply);
    Ok(())
}

/// Nobody can find out who is a customer, or who was.
async fn all_refusals_look_the_same<N: Notes>(
    show: &mut Show,
    stage: &Stage<N>,
    one: &Side<'_>,
    other: &Side<'_>,
) -> Result<(), Error> {
    show.section("Unknown, suspended and not yours: the same answer, byte for byte");
    let unknown = stage.unknown_host();
    let answer = one.client.at(&unknown).every_byte().await?;
    show.check(
        "a tenant that nobody knows",
        answer.starts_with("HTTP/1.1 404 "),
    );
    show.asked(format_args!("GET /notes   Host: {unknown}"));
    show.answered(
        answer
            .trim()
            .replace("\r\n\r\n", "\r\n")
            .replace("\r\n", " | "),
    );

    let same = |bytes: String| bytes == answer;
    let forbidden = one.client.at(host_of(other.id())).every_byte().await?;
    show.check(
        format_args!("{}: with {}'s token, the same", other.id(), one.id()),
        same(forbidden),
    );
    for tenant in stage.data.suspended() {
        let bytes = stage.side(tenant).client.every_byte().await?;
        show.check(
            format_args!(
                "{}: suspended, with its own valid token, the same",
                tenant.id
            ),
            same(bytes),
        );
    }

    let before = other.client.get("/notes").await?;
    stage.set_status(other.id(), TenantStatus::Suspended)?;
    let suspended = other.client.every_byte().await?;
    stage.set_status(other.id(), TenantStatus::Active)?;
    let after = other.client.get("/notes").await?;
    show.check(
        format_args!(
            "{}: served, suspended just now: the same; and served again",
            other.id()
        ),
        before.is(StatusCode::OK) && same(suspended) && after.is(StatusCode::OK),
    );
    show.say("(compared without the Date header, which is the clock's)");
    Ok(())
}

async fn kept_ticket(show: &mut Show, one: &Side<'_>, other: &Side<'_>) -> Result<(), Error> {
    show.section("A scope that is kept after its request opens nothing");
    let first = one.client.get("/careless/keep").await?;
    for (whose, side) in [
        ("its own next request", one),
        ("another tenant's request", other),
    ] {
        let reply = side.client.get("/careless/keep").await?;
        show.check(
            format_args!(
                "a scope of {} that was put aside, used in {whose}",
                one.id()
            ),
            first.is(StatusCode::OK)
                && reply.is(StatusCode::INTERNAL_SERVER_ERROR)
                && reply.body.contains("ended"),
        );
        show.asked(&reply.asked);
        show.answered(&reply);
    }
    Ok(())
}

fn first_and_last_line(answer: &str) -> String {
    let lines: Vec<&str> = answer.lines().filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, .., last] => format!("{} {last}", first.trim_start_matches("HTTP/1.1 ")),
    }
}
