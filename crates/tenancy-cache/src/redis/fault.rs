//! What is told of an error: its kind. Redis repeats arguments in some of its messages, which are
//! keys and values here.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;

use ::redis::{ErrorKind, RedisError};

use super::CacheValue;
use crate::CacheError;

pub(super) fn connecting(error: &RedisError) -> CacheError {
    CacheError::Connect {
        reason: kind(error),
    }
}

pub(super) fn unanswered(error: &RedisError) -> CacheError {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => CacheError::Refused {
            code: error.code().unwrap_or("ERR").to_owned(),
        },
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => CacheError::Foreign,
        _ => CacheError::Unanswered {
            reason: kind(error),
        },
    }
}

pub(super) fn written<V: CacheValue>(value: &V) -> Result<Cow<'_, [u8]>, CacheError> {
    value
        .to_bytes()
        .map_err(|_| CacheError::Value { doing: "written" })
}

fn kind(error: &RedisError) -> String {
    let io = error.source().and_then(|source| source.downcast_ref());
    io.map_or_else(
        || error.category().to_owned(),
        |io: &io::Error| io.kind().to_string(),
    )
}
