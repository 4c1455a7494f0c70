//! Keeping the service running, with lines to try.

use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::notes::Notes;
use crate::service::host_of;
use crate::show::Show;
use crate::stage::Stage;

/// Serves until Ctrl-C, and says what to try meanwhile.
pub(crate) async fn until_stopped<N: Notes>(
    show: &Show,
    stage: &Stage<N>,
    interrupt: &mut Interrupt,
) -> Result<bool, Error> {
    announce(show, stage)?;
    interrupt.come().await;
    show.say("stopping");
    Ok(true)
}

fn announce<N: Notes>(show: &Show, stage: &Stage<N>) -> Result<(), Error> {
    let (one, other) = stage.sides()?;
    let address = stage.server.address();
    let mine = &one.tenant.token;
    let curl = |host: &str, token: &str, rest: &str| {
        show.copyable(format_args!(
            "curl -s -H 'Host: {host}' -H 'Authorization: Bearer {token}' http://{address}{rest}"
        ));
    };
    let (here, there) = (host_of(one.id()), host_of(other.id()));
    show.say(format_args!("serving on http://{address}"));

    show.heading("Notes of two tenants");
    curl(&here, mine, "/notes");
    curl(&there, &other.tenant.token, "/notes");
    let json = "-H 'Content-Type: application/json'";
    curl(
        &here,
        mine,
        &format!("/notes {json} -d '{{\"title\":\"written with curl\"}}'"),
    );

    show.heading("Not yours, and not there: the same answer");
    curl(&there, mine, "/notes -i");
    curl(&stage.unknown_host(), mine, "/notes -i");

    show.heading(
        "Mistakes that fail closed: injected SQL, a bare spawn, a kept scope (call it twice)",
    );
    let injected = "q=nothing'\\'' UNION SELECT id, title FROM notes; --";
    curl(
        &here,
        mine,
        &format!("/search -G --data-urlencode '{injected}'"),
    );
    curl(&here, mine, "/careless/spawn");
    curl(&here, mine, "/careless/keep");

    show.heading("Ctrl-C stops it");
    Ok(())
}
