//! Opening a scope on a connection that is checked out.

use std::sync::Arc;

use tenancy_conformance::SqlError;
use tenancy_core::{BoxError, TenantId, TenantScope};
use tenancy_postgres::pooler::{BeginAnswer, begin_sql};
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::{Binding, Challenge, ENTER, LEAVE};
use tokio_postgres::types::ToSql;

use super::way::{Target, Way};
use super::{Checkout, Connection, Fault, last_row};

impl Checkout {
    pub(super) fn connection(&mut self) -> Result<&mut Connection, SqlError> {
        self.connection
            .as_mut()
            .ok_or_else(|| SqlError::without_code("given back"))
    }

    pub(super) async fn enter(
        &mut self,
        tenant: &TenantId,
        binding: Binding,
    ) -> Result<(), BoxError> {
        let pool = Arc::clone(&self.pool);
        let tenant = pool.bound(tenant);
        let begin = match binding {
            Binding::Session if !pool.is(Fault::SessionForTransaction) => "",
            _ => "BEGIN; ",
        };
        let binding = match pool.fault {
            Some(Fault::SessionForTransaction | Fault::ScopeRemembered) => Binding::Session,
            _ => binding,
        };
        let (key, kind) = pool.way.key().ok_or("no key")?;
        let connection = self.connection()?;
        if pool.is(Fault::ScopeRemembered) {
            let before = connection.set_for.replace(tenant.clone());
            if before.as_ref() == Some(&tenant) {
                connection.client.simple_query(begin).await?;
                return Ok(());
            }
            let rows = connection.client.simple_query(LEAVE).await?;
            let challenge = last_row(&rows).and_then(|row| row[0].clone());
            connection.challenge = Challenge::parse(&challenge.unwrap_or_default())?;
        }
        let mut proof = key.prove(&tenant, kind, binding, &connection.challenge)?;
        if pool.is(Fault::ProofKept) {
            proof = connection
                .kept
                .entry(tenant.clone())
                .or_insert(proof)
                .clone();
        }
        match pool.fault {
            Some(Fault::NoBind) => {
                connection
                    .client
                    .simple_query(&format!("{begin}SELECT 1"))
                    .await?;
            }
            Some(Fault::BindElsewhere) => {
                connection
                    .client
                    .simple_query(&format!("{begin}SELECT 1"))
                    .await?;
                let elsewhere = pool.connect(Target::default(), &tenant).await?;
                let proof = key.prove(&tenant, kind, binding, &elsewhere.challenge)?;
                elsewhere.client.simple_query(&proof.enter_sql()).await?;
            }
            Some(Fault::EnterPrepared) => {
                connection.client.simple_query(begin).await?;
                let statement = connection.statement(ENTER).await?;
                let (key, meta, pieces, mac) = proof.parameters();
                let mac = &mac[..];
                let mut params: Vec<&(dyn ToSql + Sync)> = vec![&key, &meta];
                params.extend(pieces.iter().map(|piece| piece as &(dyn ToSql + Sync)));
                params.push(&mac);
                connection.client.query(&statement, &params).await?;
            }
            _ => {
                let rows = connection
                    .client
                    .simple_query(&format!("{begin}{}", proof.enter_sql()))
                    .await?;
                let answer = last_row(&rows)
                    .and_then(|row| row[0].clone())
                    .unwrap_or_default();
                if !proof.is_answered_by(&answer) {
                    return Err("another answer came back from enter".into());
                }
            }
        }
        Ok(())
    }
}

impl Checkout {
    /// Opens a scope for one transaction, behind a pooler.
    pub(super) async fn enter_pooled(&mut self, tenant: &TenantId) -> Result<(), BoxError> {
        let pool = Arc::clone(&self.pool);
        let tenant = pool.bound(tenant);
        let nonce = Nonce::random()?;
        let mut begin = begin_sql(&nonce);
        if pool.is(Fault::NoScrub) {
            let (before, rest) = begin
                .split_once("SELECT pg_catalog.setseed(")
                .expect("the seed's statement");
            let (_, after) = rest.split_once(';').unwrap_or(("", rest));
            begin = format!("{before}{after}");
        }
        let connection = self.connection()?;
        let rows = connection.client.simple_query(&begin).await?;
        let row = last_row(&rows).unwrap_or_default();
        let row: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
        let challenge = if pool.is(Fault::NoIdentityCheck) {
            Challenge::parse(row[0].unwrap_or_default())?
        } else {
            BeginAnswer::parse(&row, &nonce, &pool.way.user()?)?
        };
        let (key, kind) = pool.way.key().ok_or("no key")?;
        let proof = key.prove(&tenant, kind, Binding::Transaction, &challenge)?;
        let enter = format!(
            "SELECT pg_catalog.set_config('client_connection_check_interval', '100', true); {}",
            proof.enter_sql()
        );
        let rows = connection.client.simple_query(&enter).await?;
        let answer = last_row(&rows).and_then(|row| row[0].clone());
        if !proof.is_answered_by(&answer.unwrap_or_default()) {
            return Err("another answer came back from enter".into());
        }
        Ok(())
    }

    /// Opens a scope on a connection that no key opens: by its path, or by who is logged in.
    pub(super) async fn route(
        &mut self,
        scope: &TenantScope,
        binding: Binding,
    ) -> Result<(), BoxError> {
        let pool = Arc::clone(&self.pool);
        let begin = match binding {
            Binding::Transaction => "BEGIN; ",
            Binding::Session => "",
        };
        let connection = self.connection()?;
        let Some(bind) = pool.way.bind_sql(scope, binding, pool.fault)? else {
            connection.client.simple_query(begin).await?;
            return Ok(());
        };
        if pool.is(Fault::PathRemembered) {
            let before = connection.set_for.replace(scope.tenant_id().clone());
            connection.client.simple_query(begin).await?;
            if before.as_ref() == Some(scope.tenant_id()) {
                return Ok(());
            }
            connection.client.simple_query(&bind).await?;
            return Ok(());
        }
        let rows = connection
            .client
            .simple_query(&format!("{begin}{bind}"))
            .await?;
        let row = last_row(&rows).unwrap_or_default();
        match pool.fault {
            // Its answer is not a binding's.
            Some(Fault::NoIdentityCheck | Fault::PathWritten(_)) => Ok(()),
            _ => Way::is_bound(scope, &row),
        }
    }
}
