//! Makes, cleans and binds PostgreSQL connections for the pool.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tenancy_core::TenantId;
use tenancy_pool::Manager;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::pooler::{BeginAnswer, Pinned, begin_isolated_sql};
use tenancy_postgres::schema::RESTING_PATH;
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::{Binding, Challenge};
use tokio::time::{Instant, timeout};

use crate::link::{Link, Stage};
use crate::opening::Opening;
use crate::purpose::Purpose;
use crate::route::{Route, Target};
use crate::scrub::{Ends, Suspicion, scrub, stay};
use crate::separation::{Kind, Separation};
use crate::settings::Settings;
use crate::trust::{Admission, Trust};
use crate::{Connect, Driver, DriverError, Error, Isolation};

/// What the pool asks for its connections.
pub struct LinkManager<D: Driver> {
    pub(crate) driver: D,
    pub(crate) settings: Settings<D>,
    pub(crate) separation: Separation,
    pub(crate) purpose: Purpose,
    pub(crate) trust: Trust,
}

impl<D: Driver> LinkManager<D> {
    fn ends(&self) -> Ends {
        match self.purpose {
            Purpose::Sealed { .. } => Ends::Seal,
            Purpose::Pooled { .. } => Ends::Transaction,
            Purpose::Routed | Purpose::Own | Purpose::Central => Ends::Nothing,
        }
    }

    /// What opens this route's scope on a clean connection. Uses its challenge up: whatever happens
    /// now, the connection is not clean any more.
    pub(crate) fn opening(
        &self,
        link: &mut Link<D::Connection>,
        route: &Arc<Route>,
        binding: Binding,
    ) -> Result<Opening, Error> {
        let Stage::Clean(challenge) = std::mem::replace(&mut link.stage, Stage::Opening) else {
            return Err(Error::OutOfStep);
        };
        link.route = Some(Arc::clone(route));
        link.bound_at = (binding == Binding::Session).then(Instant::now);
        match &self.purpose {
            Purpose::Sealed { key, kind } | Purpose::Pooled { key, kind, .. } => {
                let challenge = challenge.ok_or(Error::OutOfStep)?;
                match key.prove(&route.tenant, *kind, binding, &challenge) {
                    Ok(proof) => Ok(Opening::Proof(proof)),
                    Err(error) => {
                        // Nothing was sent.
                        link.stage = Stage::Clean(Some(challenge));
                        Err(error.into())
                    }
                }
            }
            Purpose::Routed => Ok(Opening::Schema {
                schema: route.schema.clone().ok_or(Error::Placement)?,
                binding,
            }),
            Purpose::Own | Purpose::Central => Ok(Opening::Nothing),
        }
    }

    /// Whether a scope of the session was opened for this tenant, and not too long ago: its key may
    /// have been withdrawn, so it is proven anew now and then.
    pub(crate) fn is_bound_to(&self, link: &Link<D::Connection>, tenant: &TenantId) -> bool {
        let is_theirs = link
            .route
            .as_ref()
            .is_some_and(|route| route.tenant == *tenant);
        let is_fresh = link
            .bound_at
            .is_some_and(|since| since.elapsed() < self.settings.rebind);
        is_theirs && is_fresh
    }

    /// Through a transaction pooler, the challenge comes with the transaction: what begins it, and
    /// what its answer says. A refusal leaves a connection that is not used again.
    pub(crate) async fn begin_pooled(
        &self,
        link: &mut Link<D::Connection>,
        isolation: Isolation,
        login: &Identifier,
    ) -> Result<Challenge, Error> {
        let nonce = Nonce::random()?;
        let sql = begin_isolated_sql(&nonce, isolation);
        // Cut off from here on, the scrub rolls it back. Closed instead, PgBouncer 1.18 may lose the
        // server connection that it is resetting, for good.
        link.opened();
        let begun = self.message(link, sql).await.and_then(|rows| {
            let row = rows.last().ok_or(Error::OutOfStep)?;
            let columns: Vec<_> = row.iter().map(Option::as_deref).collect();
            Ok(BeginAnswer::parse(&columns, &nonce, login)?)
        });
        if begun.is_err() {
            link.stage = Stage::Opening;
        }
        begun
    }

    /// Opens a scope, and waits for the answer.
    pub(crate) async fn open(
        &self,
        link: &mut Link<D::Connection>,
        opening: &Opening,
    ) -> Result<(), Error> {
        if let Some(sql) = opening.sql() {
            let rows = self.message(link, sql).await?;
            if !opening.is_answered_by(&rows) {
                return Err(Error::OutOfStep);
            }
        }
        link.opened();
        Ok(())
    }

    /// A message of ours before a scope is open.
    pub(crate) async fn message(
        &self,
        link: &mut Link<D::Connection>,
        sql: String,
    ) -> Result<Vec<crate::Row>, Error> {
        let answer = self.driver.message(link, sql).await;
        answer.map_err(|error| Error::opening(DriverError::new(&self.driver, error)))
    }

    /// Whether a connection is there, and in step.
    pub(crate) async fn answers(&self, link: &mut Link<D::Connection>) -> Result<(), Error> {
        let nonce = Nonce::random()?;
        let rows = self
            .message(link, format!("SELECT '{nonce}'::pg_catalog.text"))
            .await?;
        match rows.first().and_then(|row| row.first()?.as_deref()) {
            Some(echo) if echo == nonce.as_str() => Ok(()),
            _ => Err(Error::OutOfStep),
        }
    }

    async fn made(&self, target: &Target) -> Result<Link<D::Connection>, Error> {
        let pinned = Pinned::random()?;
        let (connection, login) = self.connected(target, &pinned).await?;
        let mut link = Link::new(connection);
        let admission = Admission {
            target,
            login,
            pinned: (!self.purpose.is_pooled()).then_some(&pinned),
        };
        self.trust.admit(self, &admission, &mut link).await?;
        if let Some(sql) = self.purpose.opening_sql() {
            let prepared = self.driver.prepare(&mut link, sql).await;
            prepared.map_err(|error| Error::opening(DriverError::new(&self.driver, error)))?;
        }
        let scrubbed = scrub(&self.driver, &mut link, self.ends(), None).await;
        let (challenge, known) = scrubbed.map_err(|suspicion| match suspicion {
            Suspicion::Driver(error) => Error::opening(DriverError::new(&self.driver, error)),
            Suspicion::Answer(error) => error.into(),
            _ => Error::OutOfStep,
        })?;
        link.stage = Stage::Clean(challenge);
        link.known = Some(known);
        Ok(link)
    }

    /// The bare connection, and as which tenant's login it was made. A password that is refused may
    /// have been changed a moment ago, so it is asked for once more before anybody hears of it.
    async fn connected(
        &self,
        target: &Target,
        pinned: &Pinned,
    ) -> Result<(D::Connection, Option<Identifier>), Error> {
        /// `invalid_password`
        const REFUSED: &str = "28P01";
        let options = self.settings.options(target.server())?;
        let mut asked_again = false;
        loop {
            let (connect, login) = self.connect_as(target, pinned).await?;
            let error = match self.driver.connect(options, &connect).await {
                Ok(connection) => return Ok((connection, login)),
                Err(error) => DriverError::new(&self.driver, error),
            };
            if asked_again || login.is_none() || error.code() != Some(REFUSED) {
                return Err(Error::Connect(error));
            }
            asked_again = true;
        }
    }

    /// How to connect, and as which tenant's login.
    async fn connect_as(
        &self,
        target: &Target,
        pinned: &Pinned,
    ) -> Result<(Connect, Option<Identifier>), Error> {
        let mut connect = if self.purpose.is_pooled() {
            self.settings.connect_pooled()
        } else {
            self.settings.connect(pinned)
        };
        connect.database = target.database().map(str::to_owned);
        if matches!(self.separation.kind, Kind::RoutedSchemas { .. }) {
            connect.search_path(RESTING_PATH);
        }
        let (Some(tenant), Some(credentials)) = (target.tenant(), self.separation.credentials())
        else {
            return Ok((connect, None));
        };
        let credential = credentials
            .credential(tenant)
            .await
            .map_err(|error| Error::Credential(Arc::new(error)))?;
        let login = Identifier::new(credential.user())?;
        if let Some(schema) = self.separation.schema_of(tenant)? {
            connect.search_path(schema.search_path());
        }
        if let Some(database) = self.separation.database_of(tenant, &login)? {
            connect.search_path(database.search_path());
        }
        connect.login = Some(credential.into_parts());
        Ok((connect, Some(login)))
    }

    async fn scrubbed(&self, link: &mut Link<D::Connection>) -> bool {
        let (ends, known) = (self.ends(), link.known);
        let scrubbing = scrub(&self.driver, link, ends, known);
        let Some((challenge, known)) = self.trusted(scrubbing).await else {
            return false;
        };
        link.stage = Stage::Clean(challenge);
        link.known = Some(known);
        link.bound_at = None;
        true
    }

    async fn stayed(&self, link: &mut Link<D::Connection>, tenant: &TenantId) -> bool {
        let known = link.known;
        let staying = stay(&self.driver, link, tenant, known);
        let Some(known) = self.trusted(staying).await else {
            return false;
        };
        link.stage = Stage::Bound;
        link.known = Some(known);
        true
    }

    /// What an answer says that is there soon, and can be trusted.
    async fn trusted<T>(
        &self,
        scrubbing: impl Future<Output = Result<T, Suspicion<D::Error>>>,
    ) -> Option<T> {
        let scrubbed = if self.driver.can_cancel() {
            let Ok(scrubbed) = timeout(self.settings.abandon, scrubbing).await else {
                tracing::debug!("something still runs on a connection that came back");
                return None;
            };
            scrubbed
        } else {
            scrubbing.await
        };
        if let Err(suspicion) = &scrubbed {
            tracing::warn!(
                why = suspicion.words(),
                "connection dropped rather than used again"
            );
        }
        scrubbed.ok()
    }
}

impl<D: Driver> Manager for LinkManager<D> {
    type Target = Target;
    type Connection = Link<D::Connection>;
    type Error = Error;

    async fn connect(&self, target: &Target) -> Result<Link<D::Connection>, Error> {
        self.made(target).await
    }

    async fn clean(&self, link: &mut Link<D::Connection>) -> bool {
        match std::mem::replace(&mut link.stage, Stage::Opening) {
            // Nothing was said on it since it was scrubbed.
            Stage::Clean(challenge) => {
                link.stage = Stage::Clean(challenge);
                true
            }
            Stage::Bound | Stage::Open => {
                self.driver.settled(link).await && self.scrubbed(link).await
            }
            Stage::Fresh | Stage::Opening => {
                tracing::debug!("connection dropped: a scope was being opened on it");
                false
            }
        }
    }

    async fn bind(&self, link: &mut Link<D::Connection>, tenant: &TenantId) -> Option<bool> {
        if !self.purpose.shelves() {
            return None;
        }
        let route = link.route.clone().filter(|route| route.tenant == *tenant)?;
        let bound = match self.opening(link, &route, Binding::Session) {
            Ok(opening) => self.open(link, &opening).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &bound {
            tracing::debug!(%error, "no scope could be opened ahead of need");
        } else {
            link.stage = Stage::Bound;
        }
        Some(bound.is_ok())
    }

    async fn keep(&self, link: &mut Link<D::Connection>, tenant: &TenantId) -> Option<bool> {
        if !self.purpose.shelves() || !self.is_bound_to(link, tenant) {
            return None;
        }
        match link.stage {
            // Nothing was said on it since it was bound.
            Stage::Bound => Some(true),
            Stage::Open => {
                link.stage = Stage::Opening;
                Some(self.driver.settled(link).await && self.stayed(link, tenant).await)
            }
            Stage::Fresh | Stage::Clean(_) | Stage::Opening => None,
        }
    }

    fn is_alive(&self, link: &Link<D::Connection>) -> bool {
        self.driver.is_alive(link)
    }

    async fn ping(&self, link: &mut Link<D::Connection>) -> bool {
        self.answers(link).await.is_ok()
    }

    async fn close(&self, link: Link<D::Connection>) {
        // A pooler may die of a cancel whose client is gone by then; it closes its server connection
        // with ours, which the server looks for.
        let may_be_at_work =
            !self.purpose.is_pooled() && !matches!(link.stage, Stage::Clean(_) | Stage::Bound);
        self.driver.close(link.into_inner(), may_be_at_work).await;
    }
}

impl<D: Driver> fmt::Debug for LinkManager<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkManager")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}
