//! Makes, cleans and binds PostgreSQL connections for the pool.

use std::fmt;
use std::sync::Arc;

use tenancy_core::TenantId;
use tenancy_pool::Manager;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::pinned::Pinned;
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::{Binding, TenantKind};
use tokio::time::timeout;

use crate::link::{Link, Stage};
use crate::opening::Opening;
use crate::route::{Route, Target};
use crate::scrub::{Ends, Suspicion, scrub};
use crate::settings::Settings;
use crate::trust::Trust;
use crate::{Driver, DriverError, Error};

/// What the pool asks for its connections.
pub struct LinkManager<D: Driver> {
    pub(crate) driver: D,
    pub(crate) settings: Settings<D>,
    pub(crate) purpose: Purpose,
    pub(crate) trust: Trust,
}

/// What the connections are for.
#[derive(Debug)]
pub(crate) enum Purpose {
    Tenants { key: SealingKey, kind: TenantKind },
    Central,
}

impl<D: Driver> LinkManager<D> {
    fn ends(&self) -> Ends {
        match self.purpose {
            Purpose::Tenants { .. } => Ends::Seal,
            Purpose::Central => Ends::Nothing,
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
        let Purpose::Tenants { key, kind } = &self.purpose else {
            return Ok(Opening::Nothing);
        };
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
        let options = self.settings.options(target.server.as_deref())?;
        let pinned = Pinned::random()?;
        let connect = self.settings.connect(&pinned);
        let connection = self
            .driver
            .connect(options, &connect)
            .await
            .map_err(|error| Error::Connect(DriverError::new(&self.driver, error)))?;
        let mut link = Link::new(connection);
        self.trust.admit(self, target, &pinned, &mut link).await?;
        if matches!(self.purpose, Purpose::Tenants { .. }) {
            let prepared = self.driver.prepare(&mut link).await;
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

    async fn scrubbed(&self, link: &mut Link<D::Connection>) -> bool {
        let (ends, known) = (self.ends(), link.known);
        let scrubbing = scrub(&self.driver, link, ends, known);
        let scrubbed = if self.driver.can_cancel() {
            let Ok(scrubbed) = timeout(self.settings.abandon, scrubbing).await else {
                tracing::debug!("something still runs on a connection that came back");
                return false;
            };
            scrubbed
        } else {
            scrubbing.await
        };
        match scrubbed {
            Ok((challenge, known)) => {
                link.stage = Stage::Clean(challenge);
                link.known = Some(known);
                true
            }
            Err(suspicion) => {
                tracing::warn!(
                    why = suspicion.words(),
                    "connection dropped rather than used again"
                );
                false
            }
        }
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
        if matches!(self.purpose, Purpose::Central) {
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

    fn is_alive(&self, link: &Link<D::Connection>) -> bool {
        self.driver.is_alive(link)
    }

    async fn ping(&self, link: &mut Link<D::Connection>) -> bool {
        self.answers(link).await.is_ok()
    }

    async fn close(&self, link: Link<D::Connection>) {
        let may_be_at_work = !matches!(link.stage, Stage::Clean(_) | Stage::Bound);
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
