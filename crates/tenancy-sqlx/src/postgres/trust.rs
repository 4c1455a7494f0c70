//! Why a connection may be used: its role and its database were looked at.
//!
//! The whole verification runs for a pool's first connection. What decides about a connection by
//! itself (the server's version, the role's rights and memberships, the settings kept for it) is
//! taken as a fingerprint then, and compared on each new connection; another one means that the
//! whole verification runs again before the connection is used.

use std::fmt;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use sqlx::postgres::PgConnection;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::verify::{
    Code, Expectations, Finding, Severity, Snapshot, judge, snapshot_sql, unreadable,
};

use super::wire::{is_lost, message, opening_failed, text};
use crate::Error;

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

/// What was found wrong with a database or a role, each with its mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Deref for Findings {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.0
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the database is not safe to serve tenants from ({} found), so no connection is handed out:",
            self.0.len()
        )?;
        self.0
            .iter()
            .try_for_each(|finding| write!(f, "\n- {finding}"))
    }
}

/// Whose connections these are.
pub(super) enum Login {
    /// The runtime role, and what is expected of it and of the database.
    Tenant(Identifier, Box<Expectations>),
    Central,
}

/// A finding that is served over, by its kind and the thing that it is about.
pub(super) type Accepted = (Code, String);

/// What is expected, what is accepted all the same, and what was last found sound.
pub(super) struct Trust {
    login: Login,
    accepted: Vec<Accepted>,
    sound: Mutex<Option<String>>,
}

impl Trust {
    pub(super) fn new(login: Login, accepted: Vec<Accepted>) -> Self {
        Self {
            login,
            accepted,
            sound: Mutex::new(None),
        }
    }

    /// Refuses a connection whose role or database is not as it must be.
    pub(super) async fn admit(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let rows = message(connection, FINGERPRINT.to_owned())
            .await
            .map_err(opening_failed)?;
        let fingerprint = rows
            .first()
            .and_then(|row| text(row, 0))
            .ok_or(Error::OutOfStep)?;
        let sound = self
            .sound
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if sound.as_deref() == Some(fingerprint) {
            return Ok(());
        }
        // Never accepted: what is expected of the runtime role says nothing about another one.
        if let Some(finding) = self.wrong_login(connection).await? {
            return Err(Error::Unsafe(Findings(vec![finding])));
        }
        let (holes, rest): (Vec<_>, Vec<_>) = self
            .findings(connection)
            .await?
            .into_iter()
            .partition(|finding| finding.is_hole() && !self.accepts(finding));
        if !holes.is_empty() {
            return Err(Error::Unsafe(Findings(holes)));
        }
        for finding in &rest {
            tracing::warn!(%finding, "served all the same");
        }
        let fingerprint = fingerprint.to_owned();
        *self.sound.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        Ok(())
    }

    fn accepts(&self, finding: &Finding) -> bool {
        self.accepted
            .iter()
            .any(|(code, object)| *code == finding.code && *object == finding.object)
    }

    /// The expectations are about the runtime role by its name, whoever asks.
    async fn wrong_login(&self, connection: &mut PgConnection) -> Result<Option<Finding>, Error> {
        let Login::Tenant(runtime, _) = &self.login else {
            return Ok(None);
        };
        let rows = message(connection, LOGIN.to_owned())
            .await
            .map_err(opening_failed)?;
        let row = rows.first().ok_or(Error::OutOfStep)?;
        if [text(row, 0), text(row, 1)] == [Some(runtime.as_str()); 2] {
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
    pub(super) async fn findings(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<Finding>, Error> {
        let expectations = match &self.login {
            Login::Tenant(_, expectations) => expectations,
            Login::Central => return central(connection).await,
        };
        let rows = match message(connection, snapshot_sql(expectations)).await {
            Ok(rows) => rows,
            Err(error) => {
                let code = error
                    .as_database_error()
                    .and_then(sqlx::error::DatabaseError::code);
                return match code.filter(|_| !is_lost(&error)) {
                    Some(code) => Ok(vec![unreadable(&code)]),
                    None => Err(opening_failed(error)),
                };
            }
        };
        let json = rows
            .last()
            .and_then(|row| text(row, 0))
            .ok_or(Error::OutOfStep)?;
        Ok(judge(&Snapshot::parse(json)?, expectations))
    }
}

async fn central(connection: &mut PgConnection) -> Result<Vec<Finding>, Error> {
    let rows = message(connection, CENTRAL.to_owned())
        .await
        .map_err(opening_failed)?;
    rows.iter()
        .map(|row| {
            let column = |at| text(row, at).map(str::to_owned).ok_or(Error::OutOfStep);
            let code = match text(row, 0) {
                Some("attribute") => Code::RoleAttribute,
                Some("membership") => Code::Membership,
                _ => return Err(Error::OutOfStep),
            };
            let object = "the central login".to_owned();
            let (what, mend) = (column(1)?, column(2)?);
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
