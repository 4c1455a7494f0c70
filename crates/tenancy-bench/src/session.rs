//! A connection that enters and leaves scopes by hand, as the pools do it.

use tenancy_core::TenantId;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres::scrub::{Nonce, ScrubAnswer, scrub_sql};
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
        let messages = self.client.simple_query(&scrub_sql(&nonce)).await?;
        let answer = messages.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let answer = answer.ok_or("the scrub was not answered")?;
        let columns: Vec<_> = (0..answer.len()).map(|at| answer.get(at)).collect();
        Ok(ScrubAnswer::parse(&columns, &nonce)?)
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
