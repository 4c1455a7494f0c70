//! Why a connection is trusted: what it is allowed to do was looked at.
//!
//! The whole verification runs before the first connection is handed out. A fingerprint of what may
//! have changed about the role is taken on each new connection; another one means that the whole
//! verification runs again before the connection is used.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tenancy_core::Tenant;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::identity::{Identity, Judgement};
use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::pooler::{Pinned, Probe, Probed, unseen};
use tenancy_postgres::schema::routed_identity;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::settings::{FROM_ROLE, unexpected};
use tenancy_postgres::verify::{
    Code, Expectations, Finding, Severity, Snapshot, judge, snapshot_sql, unreadable,
};

use crate::link::Link;
use crate::manager::LinkManager;
use crate::route::Target;
use crate::settings::Accepted;
use crate::{Driver, DriverError, Error, Findings, Row, Separation};

/// How many places' fingerprints are kept.
const REMEMBERED: usize = 65_536;

/// How often a pooler is asked for the same server connection twice.
const PROBES: usize = 32;

/// In a fingerprint's place, of a database that was verified.
const VERIFIED: &str = "verified";

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

/// Whose connections these are, and what is expected of them.
pub(crate) enum Whose {
    /// The role's that all tenants share, and what is expected of it and of the database.
    Runtime {
        role: Identifier,
        expectations: Box<Expectations>,
        /// Settings that the role is expected to have.
        role_settings: Vec<String>,
    },
    /// Each one tenant's, row-level, and what is expected of all of them and of the database.
    Logins {
        logins: TenantLogins,
        kind: TenantKind,
        expectations: Box<Expectations>,
    },
    /// Each of the login that its schema or database is for; for routed schemas, of this one.
    Places {
        separation: Separation,
        runtime: Option<Identifier>,
        below_floor: bool,
        role_settings: Vec<String>,
    },
    /// The central role's.
    Central,
}

/// A connection that asks to be let in.
pub(crate) struct Admission<'a> {
    pub(crate) target: &'a Target,
    /// As whom it connected, where each tenant has a login.
    pub(crate) login: Option<Identifier>,
    /// What was pinned in its startup message.
    pub(crate) pinned: Option<&'a Pinned>,
}

/// What is expected, what is accepted all the same, and what was last found sound.
pub(crate) struct Trust {
    whose: Whose,
    accepted: Vec<Accepted>,
    /// For each place.
    sound: Mutex<HashMap<Target, String>>,
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
        admission: &Admission<'_>,
        link: &mut Link<D::Connection>,
    ) -> Result<(), Error> {
        match (&self.whose, admission.target.tenant()) {
            (Whose::Logins { .. }, Some(tenant)) => {
                self.admit_login(manager, admission, tenant, link).await
            }
            (Whose::Places { .. }, _) => self.admit_to_place(manager, admission, link).await,
            (Whose::Runtime { .. } | Whose::Central | Whose::Logins { .. }, _) => {
                self.admit_shared(manager, admission, link).await
            }
        }
    }

    async fn admit_shared<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        admission: &Admission<'_>,
        link: &mut Link<D::Connection>,
    ) -> Result<(), Error> {
        let sql = format!("{FINGERPRINT}; {FROM_ROLE}");
        let [fingerprint, from_role] = first_answers(manager, admission, link, &sql).await?;
        let fingerprint = fingerprint.ok_or(Error::OutOfStep)?;
        self.check_session(from_role.as_deref())?;
        if self.is_sound(admission.target, &fingerprint) {
            return Ok(());
        }
        // Never accepted: what is expected of the runtime role says nothing about another one.
        if let Some(finding) = self.wrong_login(manager, link).await? {
            return Err(Error::Unsafe(Findings(vec![finding])));
        }
        self.weigh(self.findings(manager, link).await?)?;
        if admission.pinned.is_none() {
            see_pooler_reset(manager, link).await?;
        }
        self.remember(admission.target.clone(), fingerprint);
        Ok(())
    }

    /// A setting that the role had for a moment, while this very connection was made, is on it and
    /// nowhere in the catalog.
    fn check_session(&self, from_role: Option<&str>) -> Result<(), Error> {
        let Whose::Runtime { role_settings, .. } = &self.whose else {
            return Ok(());
        };
        let found = unexpected(from_role, role_settings);
        if found.is_empty() {
            return Ok(());
        }
        Err(Error::Unsafe(Findings(vec![Finding {
            code: Code::RoleSetting,
            severity: Severity::Hole,
            object: "a new connection".to_owned(),
            what: format!(
                "it began with settings of its role that were not installed ({}): a role may set its own, so injected SQL may have",
                found.join(", ")
            ),
            mend: "ALTER ROLE .. RESET each of them, or name them with expect_role_setting; the connection was closed".to_owned(),
        }])))
    }

    /// The login on each connection, since it may have changed its own settings; the database that
    /// all share the first time.
    async fn admit_login<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        admission: &Admission<'_>,
        tenant: &Tenant,
        link: &mut Link<D::Connection>,
    ) -> Result<(), Error> {
        let Whose::Logins { logins, kind, .. } = &self.whose else {
            return Err(Error::OutOfStep);
        };
        let sql = logins.identity_sql();
        let [answer] = first_answers(manager, admission, link, &sql).await?;
        let answer = answer.ok_or(Error::OutOfStep)?;
        let judgement = logins.judge_identity(*kind, tenant.id(), &answer)?;
        self.weigh(judgement.findings)?;
        let server = Target::shared(admission.target.server(), None);
        if !self.is_sound(&server, VERIFIED) {
            self.weigh(self.findings(manager, link).await?)?;
            self.remember(server, VERIFIED.to_owned());
        }
        Ok(())
    }

    async fn admit_to_place<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        admission: &Admission<'_>,
        link: &mut Link<D::Connection>,
    ) -> Result<(), Error> {
        let identity = self.identity(admission)?;
        let sql = identity.fingerprint_sql();
        let [fingerprint] = first_answers(manager, admission, link, &sql).await?;
        let fingerprint = fingerprint.ok_or(Error::OutOfStep)?;
        if self.is_sound(admission.target, &fingerprint) {
            return Ok(());
        }
        let judgement = judged(manager, link, &identity).await?;
        self.weigh(judgement.findings)?;
        self.remember(admission.target.clone(), judgement.fingerprint);
        Ok(())
    }

    /// What the connection must be, where schemas or databases keep tenants apart.
    fn identity(&self, admission: &Admission<'_>) -> Result<Identity, Error> {
        let Whose::Places {
            separation,
            runtime,
            below_floor,
            role_settings,
        } = &self.whose
        else {
            return Err(Error::OutOfStep);
        };
        let identity = match (admission.target.tenant(), &admission.login, runtime) {
            (Some(tenant), Some(login), _) => {
                match (
                    separation.schema_of(tenant)?,
                    separation.database_of(tenant, login)?,
                ) {
                    (Some(schema), _) => schema.identity(login),
                    (None, Some(database)) => database.identity(),
                    (None, None) => return Err(Error::Placement),
                }
            }
            (None, _, Some(runtime)) => routed_identity(runtime),
            _ => return Err(Error::Placement),
        };
        let identity = if *below_floor {
            identity.allow_version_below_floor()
        } else {
            identity
        };
        let expecting =
            |identity: Identity, setting: &String| identity.expect_role_setting(setting);
        Ok(role_settings.iter().fold(identity, expecting))
    }

    /// Lets through what is no hole, and what was accepted.
    fn weigh(&self, findings: Vec<Finding>) -> Result<(), Error> {
        let (holes, rest): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|finding| finding.is_hole() && !self.accepts(finding));
        if !holes.is_empty() {
            return Err(Error::Unsafe(Findings(holes)));
        }
        for finding in &rest {
            tracing::warn!(%finding, "served all the same");
        }
        Ok(())
    }

    fn is_sound(&self, target: &Target, fingerprint: &str) -> bool {
        let sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner);
        sound.get(target).is_some_and(|known| known == fingerprint)
    }

    fn remember(&self, target: Target, fingerprint: String) {
        let mut sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is forgotten is looked at again.
        if sound.len() >= REMEMBERED {
            sound.clear();
        }
        sound.insert(target, fingerprint);
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
        let Whose::Runtime { role: runtime, .. } = &self.whose else {
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

    /// All that is to be found out about a tenant's connection and what it leads to, accepted findings
    /// among it.
    pub(crate) async fn findings_for<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        tenant: &Tenant,
        link: &mut Link<D::Connection>,
    ) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        if let Whose::Logins { logins, kind, .. } = &self.whose {
            let rows = manager.message(link, logins.identity_sql()).await?;
            let answer = rows.last().and_then(|row| column(row, 0));
            let answer = answer.ok_or(Error::OutOfStep)?;
            findings = logins.judge_identity(*kind, tenant.id(), answer)?.findings;
        }
        if let (Whose::Places { .. }, Some(route)) = (&self.whose, link.route.clone()) {
            let rows = manager.message(link, LOGIN.to_owned()).await?;
            let login = rows.first().and_then(|row| column(row, 0));
            let admission = Admission {
                target: &route.target,
                login: login.map(Identifier::new).transpose()?,
                pinned: None,
            };
            let identity = self.identity(&admission)?;
            return Ok(judged(manager, link, &identity).await?.findings);
        }
        findings.extend(self.findings(manager, link).await?);
        Ok(findings)
    }

    /// The whole verification of what all tenants share, accepted findings among it.
    pub(crate) async fn findings<D: Driver>(
        &self,
        manager: &LinkManager<D>,
        link: &mut Link<D::Connection>,
    ) -> Result<Vec<Finding>, Error> {
        let expectations = match &self.whose {
            Whose::Runtime { expectations, .. } | Whose::Logins { expectations, .. } => {
                expectations
            }
            Whose::Places { .. } => {
                let admission = Admission {
                    target: &Target::base(),
                    login: None,
                    pinned: None,
                };
                let identity = self.identity(&admission)?;
                return Ok(judged(manager, link, &identity).await?.findings);
            }
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

/// The first thing that is asked on a connection: whether it is the one that was made, and the one
/// value of each of `sql`'s `N` queries.
async fn first_answers<D: Driver, const N: usize>(
    manager: &LinkManager<D>,
    admission: &Admission<'_>,
    link: &mut Link<D::Connection>,
    sql: &str,
) -> Result<[Option<String>; N], Error> {
    let rows = match admission.pinned {
        Some(pinned) => {
            let sql = format!("{}; {sql}", Pinned::SQL);
            let mut rows = manager.message(link, sql).await?;
            if rows.is_empty() {
                return Err(Error::OutOfStep);
            }
            pinned.check(column(&rows.remove(0), 0))?;
            rows
        }
        None => manager.message(link, sql.to_owned()).await?,
    };
    let values: Vec<_> = rows
        .iter()
        .map(|row| column(row, 0).map(str::to_owned))
        .collect();
    values.try_into().map_err(|_| Error::OutOfStep)
}

async fn judged<D: Driver>(
    manager: &LinkManager<D>,
    link: &mut Link<D::Connection>,
    identity: &Identity,
) -> Result<Judgement, Error> {
    let rows = manager.message(link, identity.sql()).await?;
    let answer = rows.last().and_then(|row| column(row, 0));
    Ok(identity.judge(answer.ok_or(Error::OutOfStep)?)?)
}

/// Leaves things behind in one transaction, and sees that they are gone in the next.
async fn see_pooler_reset<D: Driver>(
    manager: &LinkManager<D>,
    link: &mut Link<D::Connection>,
) -> Result<(), Error> {
    for _ in 0..PROBES {
        let probe = Probe::random()?;
        let rows = manager.message(link, probe.plant_sql()).await?;
        let planted = rows.last().and_then(|row| column(row, 0));
        let planted = planted.ok_or(Error::OutOfStep)?.to_owned();
        let rows = manager.message(link, probe.look_sql()).await?;
        let row = rows.last().ok_or(Error::OutOfStep)?;
        let columns: Vec<_> = row.iter().map(Option::as_deref).collect();
        if probe.judge(&planted, &columns)? == Probed::Reset {
            return Ok(());
        }
    }
    Err(unseen().into())
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
