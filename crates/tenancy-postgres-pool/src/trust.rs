//! Why a connection is trusted: what it is allowed to do was looked at.
//!
//! The whole verification runs before the first connection is handed out. A fingerprint of what may
//! have changed about the role is taken on each new connection; another one means that the whole
//! verification runs again before the connection is used.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tenancy_postgres::ident::Identifier;
use tenancy_postgres::pinned::Pinned;
use tenancy_postgres::verify::{
    Code, Expectations, Finding, Severity, Snapshot, judge, snapshot_sql, unreadable,
};

use crate::link::Link;
use crate::manager::LinkManager;
use crate::route::Target;
use crate::settings::Accepted;
use crate::{Driver, DriverError, Error, Findings, Row};

/// On a connection whose settings are pinned and on which nothing else ran yet.
const FINGERPRINT: &str = "SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(\
 pg_catalog.concat_ws('|', pg_catalog.current_setting('server_version_num'), session_user, current_user, \
 r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication, \
 (SELECT pg_catalog.string_agg(m.roleid::text, ',' ORDER BY m.roleid) FROM pg_catalog.pg_auth_members AS m WHERE m.member = r.oid), \
 (SELECT pg_catalog.string_agg(s.setdatabase::text || ':' || s.setrole::text || '=' || pg_catalog.array_to_string(s.setconfig, ';'), ',' ORDER BY s.setdatabase, s.setrole) \
 FROM pg_catalog.pg_db_role_setting AS s WHERE s.setrole IN (0, r.oid) AND s.setdatabase IN (0, d.oid))), 'UTF8')), 'hex') \
 FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d \
 WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()";

/// Whose connection it is, and whom it acts for.
const LOGIN: &str = "SELECT session_user, current_user";

/// What is wrong with the central login: a code, what it means, and what mends it.
const CENTRAL: &str = "SELECT f.code, f.what, f.mend FROM (SELECT r.*, \
 EXISTS (SELECT FROM pg_catalog.pg_roles AS above WHERE above.rolsuper AND above.oid <> r.oid AND pg_catalog.pg_has_role(r.oid, above.oid, 'MEMBER')) AS reaches_superuser, \
 pg_catalog.quote_ident(r.rolname) AS name FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user) AS r \
 CROSS JOIN LATERAL (VALUES \
 (r.rolsuper, 'attribute', 'it is a superuser, so whoever takes it takes the server', 'ALTER ROLE ' || r.name || ' NOSUPERUSER'), \
 (r.reaches_superuser AND NOT r.rolsuper, 'membership', 'it is a member of a superuser', 'REVOKE that role from ' || r.name), \
 (NOT r.rolbypassrls, 'attribute', 'it has no BYPASSRLS, so it stands under the wall and would read nothing', 'ALTER ROLE ' || r.name || ' BYPASSRLS'), \
 (r.rolcreaterole OR r.rolcreatedb OR r.rolreplication, 'attribute', 'it may create roles or databases, or replicate', 'ALTER ROLE ' || r.name || ' NOCREATEROLE NOCREATEDB NOREPLICATION') \
 ) AS f(wrong, code, what, mend) WHERE f.wrong";

/// Whose connections these are.
#[derive(Debug)]
pub(crate) enum Whose {
    /// The runtime role's, and what is expected of it and of the database.
    Runtime(Identifier, Box<Expectations>),
    /// The central role's.
    Central,
}

/// What is expected, what is accepted all the same, and what was last found sound.
pub(crate) struct Trust {
    whose: Whose,
    accepted: Vec<Accepted>,
    /// For each server.
    sound: Mutex<HashMap<Option<String>, String>>,
}

impl Trust {
    pub(crate) fn new(whose: Whose, accepted: Vec<Accepted>) -> Self {
        Self {
            whose,
            accepted,
            sound: Mutex::default(),
        }
    }

    /// Refuses a connection that leads elsewhere than to the server, or whose role or database is not
    /// as it must be.
    pub(crate) async fn admit<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        target: &Target,
        pinned: &Pinned,
        link: &mut Link<D::Connection>,
    ) -> Result<(), Error> {
        let rows = manager
            .message(link, format!("{}; {FINGERPRINT}", Pinned::SQL))
            .await?;
        let [own, fingerprint] = rows.as_slice() else {
            return Err(Error::OutOfStep);
        };
        pinned.check(column(own, 0))?;
        let fingerprint = column(fingerprint, 0).ok_or(Error::OutOfStep)?;
        if self.is_sound(target, fingerprint) {
            return Ok(());
        }
        // Never accepted: what is expected of the runtime role says nothing about another one.
        if let Some(finding) = self.wrong_login(manager, link).await? {
            return Err(Error::Unsafe(Findings(vec![finding])));
        }
        let findings = self.findings(manager, link).await?;
        let (holes, rest): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|finding| finding.is_hole() && !self.accepts(finding));
        if !holes.is_empty() {
            return Err(Error::Unsafe(Findings(holes)));
        }
        for finding in &rest {
            tracing::warn!(%finding, "served all the same");
        }
        self.sound
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(target.server.clone(), fingerprint.to_owned());
        Ok(())
    }

    fn is_sound(&self, target: &Target, fingerprint: &str) -> bool {
        let sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner);
        sound
            .get(&target.server)
            .is_some_and(|known| known == fingerprint)
    }

    fn accepts(&self, finding: &Finding) -> bool {
        self.accepted
            .iter()
            .any(|(code, object)| *code == finding.code && *object == finding.object)
    }

    /// The expectations are about the runtime role by its name, whoever asks.
    async fn wrong_login<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        link: &mut Link<D::Connection>,
    ) -> Result<Option<Finding>, Error> {
        let Whose::Runtime(runtime, _) = &self.whose else {
            return Ok(None);
        };
        let rows = manager.message(link, LOGIN.to_owned()).await?;
        let row = rows.first().ok_or(Error::OutOfStep)?;
        if [column(row, 0), column(row, 1)] == [Some(runtime.as_str()); 2] {
            return Ok(None);
        }
        Ok(Some(Finding {
            code: Code::RoleAttribute,
            severity: Severity::Hole,
            object: "the pool's login".to_owned(),
            what: "it is not the runtime role of the installation, so the wall may not hold for it"
                .to_owned(),
            mend: format!(
                "connect as {}, or name the roles of the installation",
                runtime.quoted()
            ),
        }))
    }

    /// The whole verification, accepted findings among it.
    pub(crate) async fn findings<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        link: &mut Link<D::Connection>,
    ) -> Result<Vec<Finding>, Error> {
        let expectations = match &self.whose {
            Whose::Runtime(_, expectations) => expectations,
            Whose::Central => return central(manager, link).await,
        };
        let answer = manager
            .driver
            .message(link, snapshot_sql(expectations))
            .await;
        let rows = match answer {
            Ok(rows) => rows,
            Err(error) => {
                let error = DriverError::new(&manager.driver, error);
                return match error.code().filter(|_| !error.is_lost()) {
                    Some(code) => Ok(vec![unreadable(code)]),
                    None => Err(Error::opening(error)),
                };
            }
        };
        let json = rows
            .last()
            .and_then(|row| column(row, 0))
            .ok_or(Error::OutOfStep)?;
        Ok(judge(&Snapshot::parse(json)?, expectations))
    }
}

fn column(row: &Row, at: usize) -> Option<&str> {
    row.get(at)?.as_deref()
}

async fn central<D: Driver>(
    manager: &LinkManager<D>,
    link: &mut Link<D::Connection>,
) -> Result<Vec<Finding>, Error> {
    let rows = manager.message(link, CENTRAL.to_owned()).await?;
    rows.iter()
        .map(|row| {
            let part = |at| column(row, at).map(str::to_owned).ok_or(Error::OutOfStep);
            let code = match column(row, 0) {
                Some("attribute") => Code::RoleAttribute,
                Some("membership") => Code::Membership,
                _ => return Err(Error::OutOfStep),
            };
            let object = "the central login".to_owned();
            let (what, mend) = (part(1)?, part(2)?);
            Ok(Finding {
                code,
                severity: Severity::Hole,
                object,
                what,
                mend,
            })
        })
        .collect()
}
