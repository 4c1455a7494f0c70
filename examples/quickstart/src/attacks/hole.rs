//! A hole in the database itself, and the check before serving that finds it.

use tenancy::sqlx::postgres::PoolError;

use super::shows_rows_of;
use crate::administrator::Administrator;
use crate::error::Error;
use crate::show::Show;
use crate::stage::Side;

/// What a hurried administrator does, and forgets.
const HOLE: &str = "ALTER TABLE notes DISABLE ROW LEVEL SECURITY";

/// Makes a hole, shows that it is one, and has it mended.
pub(crate) async fn play(
    show: &mut Show,
    administrator: &mut Administrator,
    attacker: &Side<'_>,
    victim: &Side<'_>,
) -> Result<(), Error> {
    show.section("A hole in the wall: the pool refuses to serve, and says what mends it");
    let sound = administrator.connect_service().await;
    show.check(
        "before: the pool looks for holes, finds none, and serves",
        sound.is_ok(),
    );
    if let Ok(pool) = sound {
        pool.close().await;
    }

    administrator.run(HOLE).await?;
    // A service that was started earlier is still running, so the hole can be looked through.
    let union = "nothing' UNION SELECT id, title FROM notes; --";
    let reply = attacker.client.search(union).await?;
    show.check(
        format_args!(
            "a hole is made, and it is real: {} reads notes of {}",
            attacker.id(),
            victim.id()
        ),
        shows_rows_of(&reply, victim, attacker),
    );
    show.asked(format_args!("as the administrator: {HOLE}"));
    show.asked(format_args!("q = {union}"));
    show.answered(&reply);

    let findings = match administrator.connect_service().await {
        Err(tenancy::sqlx::Error::Pool(PoolError::Unsafe(findings))) => findings.to_vec(),
        Err(error) => return Err(Error::Setup(error.into())),
        Ok(_) => Vec::new(),
    };
    show.check("a service that starts now is refused", !findings.is_empty());
    for finding in &findings {
        show.answered(format_args!("{}: {}", finding.object, finding.what));
        show.answered(format_args!("mend: {}", finding.mend));
    }
    for finding in &findings {
        administrator.run(&finding.mend).await?;
    }

    let mended = administrator.connect_service().await;
    let reply = attacker.client.search(union).await?;
    show.check(
        "mended by the statement it gave: it serves again, and the hole is closed",
        mended.is_ok() && reply.status.is_success() && !shows_rows_of(&reply, victim, attacker),
    );
    show.asked(format_args!("q = {union}"));
    show.answered(&reply);
    if let Ok(pool) = mended {
        pool.close().await;
    }
    Ok(())
}
