//! A moment with nothing going on: everything is looked at.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::eye::Eye;
use super::field::{Field, a_moment};
use super::ledger::{FIRST, Known};
use crate::scene::Player;
use crate::verdict::{Stop, Verdict, ensure};
use crate::watched::{Watched, WatchedSession};

/// What is abandoned must have come to its end within this.
const PATIENCE: Duration = Duration::from_secs(10);

impl Field<'_> {
    /// Nothing is at work, nothing is out, everyone is served, and every row is where it belongs.
    pub(super) async fn quiet(&self, players: &[Player; 2]) -> Verdict {
        self.nothing_at_work().await?;
        self.nothing_out().await?;
        self.everyone_is_served(players).await?;
        for (side, player) in players.iter().enumerate() {
            self.every_row(side, player).await?;
        }
        self.nothing_out().await?;
        self.nothing_at_work().await?;
        self.forget(players).await?;
        self.count(|tally| tally.quiet_points += 1);
        Ok(())
    }

    /// No statement and no transaction of the adapter's is left on the server.
    async fn nothing_at_work(&self) -> Verdict {
        // By the locks: the runtime role's activity is not tracked.
        let sql = format!(
            "SELECT pg_catalog.concat_ws(' ', pid, wait_event, pg_catalog.left(query, 80)) \
             FROM pg_catalog.pg_stat_activity WHERE {} AND pid IN \
             (SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'virtualxid' AND granted)",
            self.stage.connections()
        );
        let deadline = Instant::now() + PATIENCE;
        loop {
            let rows = self.eye.ask(&sql).await?;
            let Some(first) = rows.into_iter().flatten().flatten().next() else {
                return Ok(());
            };
            ensure!(
                Instant::now() < deadline,
                "a connection is at work with nobody there: {first}"
            );
            a_moment().await;
        }
    }

    /// No connection and no permit was lost: by the adapter's word, and the server's.
    async fn nothing_out(&self) -> Verdict {
        let deadline = Instant::now() + PATIENCE;
        while let Some(now) = self.harness.connections() {
            if now.in_use == 0 && now.waiting == 0 && now.size <= self.connections {
                break;
            }
            ensure!(
                Instant::now() < deadline,
                "nobody uses the adapter, and it says {now:?}"
            );
            a_moment().await;
        }
        if self.stage.tier().is_pooled() {
            // The pooler's connections, not the adapter's.
            return Ok(());
        }
        let count = format!(
            "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE {}",
            self.stage.connections()
        );
        loop {
            let there = self.eye.number(&count).await?;
            if there <= self.connections {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{there} connections on the server where {} are allowed",
                self.connections
            );
            a_moment().await;
        }
    }

    /// As many checkouts at once as there are connections. A connection that was lost may cost an
    /// error when that is noticed; then it must be served.
    async fn everyone_is_served(&self, players: &[Player; 2]) -> Verdict {
        let at_once = if self.stage.tier().is_pooled() {
            1
        } else {
            self.connections
        };
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            let served = timeout(2 * PATIENCE, self.at_once(players, at_once)).await;
            let error = match served {
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(error))) => error,
                Ok(Err(stop)) => return Err(stop),
                Err(_) => "no answer".to_owned(),
            };
            ensure!(
                Instant::now() < deadline,
                "{at_once} checkouts at once are refused, and nobody else uses the adapter: {error}"
            );
            a_moment().await;
        }
    }

    async fn at_once(&self, players: &[Player; 2], at_once: u32) -> Verdict<Option<String>> {
        let opening = (0..at_once).map(async |at| {
            let side = usize::from(at % 2 == 1);
            let known = self.ledger.known(side);
            let session = self.harness.acquire(players[side].scope()).await;
            (side, known, session)
        });
        let mut refused = None;
        let mut sessions = Vec::new();
        for (side, known, session) in join_all(opening).await {
            match session {
                Ok(session) => sessions.push((
                    side,
                    known,
                    Watched::new(session, &players[1 - side].side, self.stage.tier()),
                )),
                Err(error) => refused = Some(error.to_string()),
            }
        }
        for (side, known, session) in &mut sessions {
            if let Err(error) = self.served(*side, &players[*side], known, session).await? {
                refused = Some(error);
            }
        }
        Ok(refused)
    }

    async fn served(
        &self,
        side: usize,
        player: &Player,
        known: &Known,
        session: &mut WatchedSession<'_>,
    ) -> Verdict<Result<(), String>> {
        let sql =
            format!("SELECT id::text, title::text FROM conformance.notes WHERE id >= {FIRST}");
        let rows = match session.attempt(&sql).await? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut seen = BTreeSet::new();
        for row in &rows {
            seen.insert(own(row, player)?);
        }
        self.ledger.judge(side, known, &seen)?;
        Ok(Ok(()))
    }

    /// By the oracle's own connection, past everything.
    async fn every_row(&self, side: usize, player: &Player) -> Verdict {
        let place = &player.side.place;
        let whose = if self.stage.tier().is_walled() {
            format!(" AND tenant_id = {}", player.side.literal())
        } else {
            String::new()
        };
        let sql = place.written(&format!(
            "SELECT id::text, title FROM conformance.notes WHERE id >= {FIRST}{whose}"
        ));
        let mut seen = BTreeSet::new();
        for row in Eye::new(place.admin()).ask(&sql).await? {
            seen.insert(own(&row, player)?);
        }
        let known = self.ledger.known(side);
        self.ledger
            .judge(side, &known, &seen)
            .map_err(|stop| match stop {
                Stop::Failed(what) => Stop::Failed(format!("in the database itself: {what}")),
                other => other,
            })
    }

    /// The run's rows go, so that reads stay short.
    pub(super) async fn forget(&self, players: &[Player; 2]) -> Verdict {
        for player in players {
            let place = &player.side.place;
            let sql = place.written(&format!(
                "SET lock_timeout = '10s'; DELETE FROM conformance.notes WHERE id >= {FIRST}"
            ));
            Eye::new(place.admin()).ask(&sql).await?;
        }
        self.ledger.clear();
        Ok(())
    }
}

/// The id of a row that carries its tenant's mark.
fn own(row: &crate::Row, player: &Player) -> Verdict<i64> {
    let [Some(id), Some(title)] = row.as_slice() else {
        return Err(Stop::failed(format!("{row:?} is no row of the table's")));
    };
    ensure!(
        title.contains(&player.side.mark),
        "row {id} is {}'s, and says `{title}`",
        player.side.id
    );
    id.parse().map_err(Stop::failed)
}
