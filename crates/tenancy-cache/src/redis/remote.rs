//! One cache in Redis, and every command that is sent to it.

use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, FromRedisValue};
use tenancy_core::KeySpace;

use super::CacheValue;
use super::fault::{unanswered, written};
use super::keys::Name;
use super::mark::Mark;
use crate::CacheError;

/// Mark and value, with a fresh mark where there is none.
const OPEN: &str = "\
local mark = redis.call('GET', KEYS[1])
if not mark then
  mark = ARGV[1]
  redis.call('SET', KEYS[1], mark, 'PX', ARGV[2])
end
return {mark, redis.call('GET', KEYS[2])}";

/// Writes under the mark that is there, or a fresh one. A mark lives as long as the last value.
const PUT: &str = "\
local mark = redis.call('GET', KEYS[1]) or ARGV[1]
redis.call('SET', KEYS[1], mark, 'PX', ARGV[2])
redis.call('SET', KEYS[2], string.char(#mark) .. mark .. ARGV[3], 'PX', ARGV[2])
return 1";

/// Writes under one mark, if it is still the one.
const KEEP: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], string.char(#ARGV[1]) .. ARGV[1] .. ARGV[3], 'PX', ARGV[2])
return 1";

pub(super) struct Remote<C> {
    pub(super) connection: C,
    pub(super) name: Name,
    pub(super) time_to_live: Duration,
}

/// What is there for a key, and under which mark a value may be put in its place.
pub(super) enum Found<V> {
    Value(V),
    Nothing(Mark),
}

impl<C: ConnectionLike + Clone + Send + Sync> Remote<C> {
    pub(super) async fn get<V: CacheValue>(
        &self,
        space: KeySpace<'_>,
        key: &[u8],
    ) -> Result<Option<V>, CacheError> {
        let mut command = ::redis::cmd("MGET");
        command
            .arg(self.name.mark(space))
            .arg(self.name.value(space, key));
        let (mark, stored): (Option<Vec<u8>>, Option<Vec<u8>>) = self.ask(&command).await?;
        let Some(mark) = mark else {
            return Ok(None);
        };
        read(&Mark::read(space, mark)?, space, stored)
    }

    /// The same, and a mark to write under if there is nothing. What can't be read is nothing.
    pub(super) async fn open<V: CacheValue>(
        &self,
        space: KeySpace<'_>,
        key: &[u8],
    ) -> Result<Found<V>, CacheError> {
        let fresh = Mark::fresh(space)?;
        let mut command = self.script(OPEN, space, key);
        command.arg(fresh.as_bytes()).arg(self.milliseconds());
        let (mark, stored): (Vec<u8>, Option<Vec<u8>>) = self.ask(&command).await?;
        let mark = Mark::read(space, mark)?;
        match read(&mark, space, stored) {
            Ok(Some(value)) => Ok(Found::Value(value)),
            Ok(None) | Err(CacheError::Value { .. }) => Ok(Found::Nothing(mark)),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn put<V: CacheValue>(
        &self,
        space: KeySpace<'_>,
        key: &[u8],
        value: &V,
    ) -> Result<(), CacheError> {
        let fresh = Mark::fresh(space)?;
        let mut command = self.script(PUT, space, key);
        command
            .arg(fresh.as_bytes())
            .arg(self.milliseconds())
            .arg(&*written(value)?);
        self.ask(&command).await
    }

    /// Writes what was loaded since `mark` was seen, unless the space was cleared meanwhile.
    pub(super) async fn keep<V: CacheValue>(
        &self,
        space: KeySpace<'_>,
        key: &[u8],
        mark: &Mark,
        value: &V,
    ) -> Result<(), CacheError> {
        let mut command = self.script(KEEP, space, key);
        command
            .arg(mark.as_bytes())
            .arg(self.milliseconds())
            .arg(&*written(value)?);
        self.ask(&command).await
    }

    pub(super) async fn remove(&self, space: KeySpace<'_>, key: &[u8]) -> Result<(), CacheError> {
        let mut command = ::redis::cmd("DEL");
        command.arg(self.name.value(space, key));
        self.ask(&command).await
    }

    pub(super) async fn clear(&self, space: KeySpace<'_>) -> Result<(), CacheError> {
        let mut command = ::redis::cmd("DEL");
        command.arg(self.name.mark(space));
        self.ask(&command).await
    }

    fn script(&self, script: &str, space: KeySpace<'_>, key: &[u8]) -> Cmd {
        let mut command = ::redis::cmd("EVAL");
        command
            .arg(script)
            .arg(2)
            .arg(self.name.mark(space))
            .arg(self.name.value(space, key));
        command
    }

    /// At least one, for Redis refuses none.
    fn milliseconds(&self) -> u64 {
        let time = u64::try_from(self.time_to_live.as_millis()).unwrap_or(u64::MAX);
        // About 300 years, which Redis can add to its clock.
        time.clamp(1, 1 << 43)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        // Clones of a connection are one connection, whose answers go to whoever asked.
        let mut connection = self.connection.clone();
        command
            .query_async(&mut connection)
            .await
            .map_err(|error| unanswered(&error))
    }
}

fn read<V: CacheValue>(
    mark: &Mark,
    space: KeySpace<'_>,
    stored: Option<Vec<u8>>,
) -> Result<Option<V>, CacheError> {
    let payload = match stored {
        Some(stored) => mark.payload(space, stored)?,
        None => None,
    };
    let Some(payload) = payload else {
        return Ok(None);
    };
    match V::from_bytes(payload) {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(CacheError::Value { doing: "read" }),
    }
}
