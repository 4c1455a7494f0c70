//! Listens on PostgreSQL, and connects again where that was lost.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};

use super::Bell;
use crate::db::fault;
use crate::registry::error::RegistryError;
use crate::registry::names::Names;

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Ear {
    pool: PgPool,
    channel: String,
    listener: PgListener,
}

impl Ear {
    pub(super) async fn open(registry: &PgPool, names: &Names) -> Result<Self, RegistryError> {
        let options = registry.connect_options().as_ref().clone();
        // Its one connection is the listener's, and no other waits for it.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with(options);
        let channel = names.channel();
        let listener = listening(&pool, &channel)
            .await
            .map_err(|error| RegistryError::from(fault(error)))?;
        Ok(Self {
            pool,
            channel,
            listener,
        })
    }

    pub(super) async fn listen(self, bell: Arc<Bell>) {
        let Self {
            pool,
            channel,
            mut listener,
        } = self;
        loop {
            // `None`, and an error, mean that the connection is gone.
            while let Ok(Some(_)) = listener.try_recv().await {
                bell.ring();
            }
            // Before the next one is asked for: the pool has one only.
            drop(listener);
            listener = again(&pool, &channel).await;
            bell.ring_after_a_gap();
        }
    }
}

async fn again(pool: &PgPool, channel: &str) -> PgListener {
    loop {
        tokio::time::sleep(PAUSE).await;
        if let Ok(listener) = listening(pool, channel).await {
            return listener;
        }
    }
}

async fn listening(pool: &PgPool, channel: &str) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // We connect ourselves, so as to know when.
    listener.eager_reconnect(false);
    listener.listen(channel).await?;
    Ok(listener)
}
