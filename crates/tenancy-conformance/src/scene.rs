//! What a case sees: an adapter, a judge, and two tenants of which one attacks.

use std::time::Duration;

use tenancy_core::TenantScope;
use tokio::time::{Instant, sleep, timeout};

use crate::direct::Direct;
use crate::place::{literal, quoted, unqualified};
use crate::side::{OpenScope, Side, open};
use crate::stage::Stage;
use crate::tier::Tier;
use crate::verdict::{Stop, Verdict, ensure};
use crate::watched::{Watched, WatchedSession, WatchedTransaction};
use crate::{Body, Harness, Row};

/// How long an adapter may take to hand a connection out: longer than every scrub.
const PATIENCE: Duration = Duration::from_secs(8);

/// A tenant with its scope open.
pub(crate) struct Player {
    pub(crate) side: Side,
    open: OpenScope,
}

impl Player {
    pub(crate) async fn new(side: &Side) -> Verdict<Self> {
        Ok(Self {
            side: side.clone(),
            open: open(&side.id, &side.placement).await?,
        })
    }

    pub(crate) fn scope(&self) -> &TenantScope {
        &self.open.scope
    }

    /// Ends the scope; its ticket stays.
    pub(crate) async fn end(&mut self) -> Verdict {
        self.open.end().await
    }
}

/// One direction of one case.
pub(crate) struct Scene<'s> {
    pub(crate) harness: &'s dyn Harness,
    pub(crate) stage: &'s Stage,
    /// Who attacks.
    pub(crate) me: Player,
    /// Whose rows must not be reached.
    pub(crate) other: Player,
}

impl<'s> Scene<'s> {
    pub(crate) async fn new(
        harness: &'s dyn Harness,
        stage: &'s Stage,
        [me, other]: [&Side; 2],
    ) -> Verdict<Self> {
        Ok(Self {
            harness,
            stage,
            me: Player::new(me).await?,
            other: Player::new(other).await?,
        })
    }

    /// The other of the two.
    pub(crate) fn opposite(&self, player: &Player) -> &Player {
        if player.side.id == self.me.side.id {
            &self.other
        } else {
            &self.me
        }
    }

    /// A session in `player`'s scope, which fails the case when the other's rows come back on it.
    pub(crate) async fn acquire<'a>(&'a self, player: &'a Player) -> Verdict<WatchedSession<'a>> {
        let session = in_time(self.harness.acquire(player.scope())).await?;
        Ok(Watched::new(
            session,
            &self.opposite(player).side,
            self.tier(),
        ))
    }

    /// The same for a transaction.
    pub(crate) async fn begin<'a>(&'a self, player: &'a Player) -> Verdict<WatchedTransaction<'a>> {
        let session = in_time(self.harness.begin(player.scope())).await?;
        Ok(Watched::new(
            session,
            &self.opposite(player).side,
            self.tier(),
        ))
    }

    /// The closure's verb. The error is the adapter's or the body's.
    pub(crate) async fn transaction(
        &self,
        player: &Player,
        body: &Body,
    ) -> Verdict<Result<Vec<Row>, String>> {
        let body = self.body(body);
        timeout(PATIENCE, self.harness.transaction(player.scope(), &body))
            .await
            .map(|result| result.map_err(|error| error.to_string()))
            .map_err(|_| no_connection())
    }

    /// A session again, after something that may have cost the adapter its connection: a few
    /// errors are allowed, never a wrong row.
    pub(crate) async fn acquire_again<'a>(
        &'a self,
        player: &'a Player,
    ) -> Verdict<WatchedSession<'a>> {
        let mut last = None;
        for _ in 0..5 {
            match self.acquire(player).await {
                Ok(mut session) => match session.attempt("SELECT 1").await? {
                    Ok(_) => return Ok(session),
                    Err(error) => last = Some(Stop::failed(error)),
                },
                Err(stop) => last = Some(stop),
            }
        }
        Err(last.unwrap_or_else(no_connection))
    }

    /// After `left` was given back: fails when the next session runs on another connection while
    /// that one lives, for then a case about what is left behind would prove nothing.
    pub(crate) async fn same_or_gone(&self, left: &str, next: &mut WatchedSession<'_>) -> Verdict {
        if next.pid().await? == left {
            return Ok(());
        }
        self.until(
            &format!(
                "SELECT pg_catalog.count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE pid = {left}"
            ),
            "the connection that the last scope used still lives, and another was handed out: \
             build the harness with one connection",
        )
        .await
    }

    /// Waits for the judge, in the attacker's place, to answer `t`.
    pub(crate) async fn until(&self, sql: &str, or_else: &str) -> Verdict {
        let deadline = Instant::now() + PATIENCE;
        while self.me.side.place.ask(sql).await? != "t" {
            ensure!(Instant::now() < deadline, "{or_else}");
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// `player`'s session reads exactly what the judge says that `player` has.
    pub(crate) async fn reads_own(
        &self,
        player: &Player,
        session: &mut WatchedSession<'_>,
    ) -> Verdict {
        const READ: &str = "SELECT id::text, title::text FROM conformance.notes ORDER BY id";
        let rows = session.prepared(READ, &[]).await?;
        self.is_all_of(player, &rows).await
    }

    /// `rows` of id and title are all of `player`'s notes.
    pub(crate) async fn is_all_of(&self, player: &Player, rows: &[Row]) -> Verdict {
        let mut seen: Vec<String> = rows
            .iter()
            .map(|row| row.iter().flatten().cloned().collect::<Vec<_>>().join(" "))
            .collect();
        let there = player
            .side
            .place
            .ask(&format!(
                "SELECT pg_catalog.string_agg(id || ' ' || title, ';') \
                 FROM conformance.notes WHERE tenant_id = {}",
                player.side.literal()
            ))
            .await?;
        let mut there: Vec<&str> = there.split_terminator(';').collect();
        seen.sort_unstable();
        there.sort_unstable();
        ensure!(
            seen == there,
            "read {seen:?} where the judge sees {there:?}"
        );
        Ok(())
    }

    /// A scope of `player`'s works, and reads its own rows.
    pub(crate) async fn still_serves(&self, player: &Player) -> Verdict {
        let mut session = self.acquire_again(player).await?;
        self.reads_own(player, &mut session).await
    }

    /// The administrator ends a server process, and sees it gone.
    pub(crate) async fn kill(&self, pid: &str) -> Verdict {
        self.end(&format!("pid = {pid}")).await
    }

    /// The next checkout is made on a connection that is new.
    pub(crate) async fn new_connection(&self) -> Verdict {
        self.end(&self.stage.connections()).await
    }

    /// By their process ids: a pooler may have opened others by then.
    async fn end(&self, which: &str) -> Verdict {
        let pids = self
            .stage
            .ask(&format!(
                "SELECT pg_catalog.string_agg(pid::text, ',') FROM pg_catalog.pg_stat_activity WHERE {which}"
            ))
            .await?;
        if pids.is_empty() {
            return Ok(());
        }
        self.stage
            .administer(&format!(
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.unnest('{{{pids}}}'::int[]) AS pid"
            ))
            .await?;
        let ended = format!(
            "SELECT pg_catalog.count(*) = 0 FROM pg_catalog.pg_stat_activity WHERE pid IN ({pids})"
        );
        self.until(&ended, "a connection that was killed lives on")
            .await
    }

    /// How many of `player`'s notes satisfy a condition, by the judge.
    pub(crate) async fn count(&self, player: &Player, condition: &str) -> Verdict<u64> {
        let sql = format!(
            "SELECT pg_catalog.count(*) FROM conformance.notes WHERE tenant_id = {} AND ({condition})",
            player.side.literal()
        );
        player
            .side
            .place
            .ask(&sql)
            .await?
            .parse()
            .map_err(Stop::failed)
    }

    /// How the tenants are kept apart here.
    pub(crate) fn tier(&self) -> Tier {
        self.stage.tier
    }

    /// A case's statement as an application writes it here.
    pub(crate) fn written(&self, sql: &str) -> String {
        if self.tier().is_walled() {
            sql.to_owned()
        } else {
            unqualified(sql)
        }
    }

    /// The same for a closure's statements.
    pub(crate) fn body(&self, body: &Body) -> Body {
        body.written(|sql| self.written(sql))
    }

    /// A write that is acknowledged: nothing after this takes it back.
    pub(crate) async fn write(&self, player: &Player, sql: &str) -> Verdict {
        if self.tier().is_pooled() {
            let mut transaction = self.begin(player).await?;
            transaction.rows(sql).await?;
            return transaction
                .commit()
                .await?
                .map_err(|error| Stop::failed(format!("commit: {error}")));
        }
        let mut session = self.acquire_again(player).await?;
        session.rows(sql).await.map(drop)
    }

    /// The role that `player`'s connections log in as.
    pub(crate) fn role<'a>(&'a self, player: &'a Player) -> &'a str {
        match &player.side.login {
            Some(login) => &login.role,
            None => &self.stage.runtime_role,
        }
    }

    /// The same, for SQL.
    pub(crate) fn role_quoted(&self, player: &Player) -> String {
        quoted(self.role(player))
    }

    /// A connection past the adapter that has `player`'s scope open, as far as its login and the
    /// key lead: with `player`'s tables in its path.
    pub(crate) async fn inside(&self, player: &Player) -> Verdict<Direct> {
        let Some(login) = &player.side.login else {
            let attacker = self.stage.attacker().await?;
            attacker
                .enter(
                    self.stage.key()?,
                    &player.side.id,
                    self.stage.kind,
                    tenancy_postgres::seal::Binding::Session,
                )
                .await?;
            return Ok(attacker);
        };
        let attacker = Direct::connect(&login.config)
            .await
            .map_err(|error| Stop::failed(format!("a tenant's login can't log in: {error}")))?;
        if !self.tier().is_walled() {
            let path = literal(&player.side.place.quoted());
            attacker
                .simple(&format!(
                    "SELECT pg_catalog.set_config('search_path', {path}, false)"
                ))
                .await
                .map_err(Stop::failed)?;
        }
        Ok(attacker)
    }
}

async fn in_time<T>(
    checkout: impl Future<Output = Result<T, tenancy_core::BoxError>>,
) -> Verdict<T> {
    match timeout(PATIENCE, checkout).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(Stop::failed(format!(
            "the adapter opened no scope: {}",
            chain(&*error)
        ))),
        Err(_) => Err(no_connection()),
    }
}

/// An error with its sources, which is where adapters keep what the server said.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn no_connection() -> Stop {
    Stop::failed(format!(
        "the adapter handed no connection out within {} s",
        PATIENCE.as_secs()
    ))
}
