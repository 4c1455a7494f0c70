//! What SQLx's pool runs around each checkout.
//!
//! A fresh connection meets `after_connect` and no other hook, one that was at rest `before_acquire`;
//! both run in the task that asks. `after_release` runs in a task of SQLx's, and `try_acquire` takes a
//! connection as that one left it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use tenancy_core::TenantScope;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::pooler::Pinned;
use tenancy_postgres::scrub::{Nonce, ScrubAnswer, scrub_sql};
use tenancy_postgres::seal::{Binding, Challenge, TenantKind};
use tenancy_postgres::verify::{Code, Finding};
use tenancy_postgres_pool::{Error as PoolError, Row};

use crate::Error;
use crate::postgres::TenantPool;
use crate::postgres::driver::message;

pub(super) struct Hooks {
    pub(super) verifier: TenantPool,
    pub(super) accepted: Vec<(Code, String)>,
    /// What tells that the login is what it was.
    pub(super) fingerprint_sql: String,
    /// Its answer when the verification last found it sound.
    pub(super) sound: Mutex<Option<String>>,
    pub(super) key: SealingKey,
    pub(super) kind: TenantKind,
    /// What tells this pool's connections from any other.
    pub(super) pinned: Pinned,
    pub(super) within: Duration,
}

impl Hooks {
    pub(super) fn hang_on(self: Arc<Self>, options: PgPoolOptions) -> PgPoolOptions {
        let (made, asked, back) = (Arc::clone(&self), Arc::clone(&self), self);
        options
            .after_connect(move |connection, _| {
                let hooks = Arc::clone(&made);
                Box::pin(async move { Ok(hooks.made(connection).await?) })
            })
            .before_acquire(move |connection, _| {
                let hooks = Arc::clone(&asked);
                Box::pin(async move { Ok(hooks.bind(connection).await.map(|()| true)?) })
            })
            .after_release(move |connection, _| {
                let hooks = Arc::clone(&back);
                Box::pin(async move { Ok(hooks.clean(connection).await.map(|_| true)?) })
            })
    }

    /// An error closes the connection, and SQLx makes another one until the time of who asks is over:
    /// over a hole nothing is served, not even without a scope.
    async fn made(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let fingerprint = self.fingerprint(connection).await?;
        if !self.is_sound(&fingerprint) {
            let findings = self.verifier.verify().await?;
            if let Some(hole) = findings.iter().find(|finding| self.is_new_hole(finding)) {
                let what = format!("the database is not safe to serve tenants from: {hole}");
                return Err(sqlx::Error::Configuration(what.into()).into());
            }
            // It may have changed while it was looked at.
            if self.fingerprint(connection).await? != fingerprint {
                return Err(PoolError::OutOfStep.into());
            }
            *self.sound() = Some(fingerprint);
        }
        self.bind(connection).await
    }

    async fn fingerprint(&self, connection: &mut PgConnection) -> Result<String, Error> {
        let mut rows = self
            .answer(connection, self.fingerprint_sql.clone())
            .await?;
        let answer = rows.pop().and_then(|row| row.into_iter().next()?);
        Ok(answer.ok_or(PoolError::OutOfStep)?)
    }

    fn is_sound(&self, fingerprint: &str) -> bool {
        self.sound().as_deref() == Some(fingerprint)
    }

    fn sound(&self) -> MutexGuard<'_, Option<String>> {
        self.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_new_hole(&self, finding: &Finding) -> bool {
        let is_accepted =
            |(code, object): &(Code, String)| *code == finding.code && *object == finding.object;
        finding.is_hole() && !self.accepted.iter().any(is_accepted)
    }

    /// An error closes the connection, and another one takes its place.
    async fn bind(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let challenge = self.clean(connection).await?;
        let Ok(scope) = TenantScope::current() else {
            return Ok(());
        };
        if let Err(error) = self.enter(connection, &scope, &challenge).await {
            tracing::warn!(%error, "a connection is handed out without a scope");
            self.clean(connection).await?;
        }
        Ok(())
    }

    async fn enter(
        &self,
        connection: &mut PgConnection,
        scope: &TenantScope,
        challenge: &Challenge,
    ) -> Result<(), Error> {
        scope.ensure_usable()?;
        let tenant = scope.tenant_id();
        // As in `Tenants::bound`: only a transaction can be made to read alone.
        let binding = if scope.is_read_only() {
            Binding::Transaction
        } else {
            Binding::Session
        };
        let proof = self.key.prove(tenant, self.kind, binding, challenge)?;
        let sql = match binding {
            Binding::Session => proof.enter_sql(),
            Binding::Transaction => {
                format!("BEGIN; {}; SET TRANSACTION READ ONLY", proof.enter_sql())
            }
        };
        let rows = self.answer(connection, sql).await?;
        match rows.last().and_then(|row| row.first()?.as_deref()) {
            Some(answer) if proof.is_answered_by(answer) => Ok(()),
            _ => Err(PoolError::OutOfStep.into()),
        }
    }

    /// One message: what was left behind is gone, no scope is open, and here is the next challenge.
    async fn clean(&self, connection: &mut PgConnection) -> Result<Challenge, Error> {
        let nonce = Nonce::random()?;
        let sql = format!("{}; {}", scrub_sql(&nonce), Pinned::SQL);
        let rows = self.answer(connection, sql).await?;
        let [.., answer, own] = rows.as_slice() else {
            return Err(PoolError::OutOfStep.into());
        };
        let columns: Vec<_> = answer.iter().map(Option::as_deref).collect();
        let answer = ScrubAnswer::read(&columns, &nonce)?;
        // One that was swapped in by `std::mem::swap` was never verified.
        self.pinned.check(own.first().and_then(Option::as_deref))?;
        let counted =
            usize::try_from(answer.seen().prepared) == Ok(connection.cached_statements_size());
        if !counted || connection.is_in_transaction() {
            return Err(PoolError::OutOfStep.into());
        }
        Ok(answer.into_challenge())
    }

    async fn answer(&self, connection: &mut PgConnection, sql: String) -> Result<Vec<Row>, Error> {
        let answer = tokio::time::timeout(self.within, message(connection, sql)).await;
        Ok(answer.map_err(|_| PoolError::ServerTimedOut)??)
    }
}
