//! A connection that enters and leaves scopes by hand, as the pools do it.

use tenancy_core::TenantId;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::scrub::{Nonce, ScrubAnswer, read_stay, scrub_sql, stay_sql};
use tenancy_postgres::seal::{Binding, Challenge, ENTER, LEAVE, Proof, TenantKind};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, Statement};

use crate::Failed;
use crate::place::Place;

/// A connection of the runtime role.
#[derive(Debug)]
pub struct Session {
    pub(crate) client: Client,
    leave: Statement,
    enter: Statement,
    key: SealingKey,
    kind: TenantKind,
    tenant: TenantId,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// The database's.
    pub async fn connect(place: &Place) -> Result<Self, Failed> {
        let (client, connection) = tokio_postgres::connect(&place.runtime_url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self {
            leave: client.prepare(LEAVE).await?,
            enter: client.prepare(ENTER).await?,
            client,
            key: place.sealing_key.clone(),
            kind: place.key.kind(),
            tenant: place.scope.tenant_id().clone(),
        })
    }

    /// Ends the scope.
    ///
    /// # Errors
    /// The database's.
    pub async fn leave(&self) -> Result<Challenge, Failed> {
        let answer: String = self.client.query_one(&self.leave, &[]).await?.get(0);
        Ok(Challenge::parse(&answer)?)
    }

    /// Proves whose scope it is.
    ///
    /// # Errors
    /// None here: the tenant's id is canonical.
    pub fn prove(&self, challenge: &Challenge) -> Result<Proof, Failed> {
        let proof = self
            .key
            .prove(&self.tenant, self.kind, Binding::Session, challenge);
        Ok(proof?)
    }

    /// Opens the scope.
    ///
    /// # Errors
    /// The database's.
    pub async fn enter(&self, proof: &Proof) -> Result<(), Failed> {
        let (key, meta, pieces, mac) = proof.parameters();
        let mac = mac.as_slice();
        let pieces = pieces.iter().map(|piece| piece as &(dyn ToSql + Sync));
        let parameters: Vec<_> = [&key as &(dyn ToSql + Sync), &meta]
            .into_iter()
            .chain(pieces)
            .chain([&mac as &(dyn ToSql + Sync)])
            .collect();
        self.client.query_one(&self.enter, &parameters).await?;
        Ok(())
    }

    /// Cleans the connection, and ends the scope.
    ///
    /// # Errors
    /// The database's.
    pub async fn scrub(&self) -> Result<Challenge, Failed> {
        let nonce = Nonce::random()?;
        let answer = self.last(&scrub_sql(&nonce)).await?;
        Ok(ScrubAnswer::parse(&[Some(&answer)], &nonce)?)
    }

    /// Cleans the connection, and keeps the scope.
    ///
    /// # Errors
    /// The database's.
    pub async fn stay(&self) -> Result<(), Failed> {
        let nonce = Nonce::random()?;
        let answer = self.last(&stay_sql(&nonce)).await?;
        read_stay(&[Some(&answer)], &nonce, &self.tenant)?;
        Ok(())
    }

    /// The last row of a simple message.
    async fn last(&self, sql: &str) -> Result<String, Failed> {
        let messages = self.client.simple_query(sql).await?;
        let last = messages.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        Ok(last.ok_or("the message was not answered")?.to_owned())
    }

    /// What a machine does between two scopes: cleans a connection, and binds it.
    ///
    /// # Errors
    /// The database's.
    pub async fn turn(&self) -> Result<(), Failed> {
        let challenge = self.scrub().await?;
        self.enter(&self.prove(&challenge)?).await
    }
}
