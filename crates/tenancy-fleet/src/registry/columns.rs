//! Reads a row from left to right, and believes nothing about it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::RegistryError;
use crate::db::Cell;

pub(crate) struct Columns(std::vec::IntoIter<Cell>);

impl Columns {
    pub(crate) fn of(row: Vec<Cell>) -> Self {
        Self(row.into_iter())
    }

    pub(crate) fn optional_text(
        &mut self,
        what: &'static str,
    ) -> Result<Option<String>, RegistryError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            _ => Err(RegistryError::Malformed { what }),
        }
    }

    pub(crate) fn text(&mut self, what: &'static str) -> Result<String, RegistryError> {
        self.optional_text(what)?
            .ok_or(RegistryError::Malformed { what })
    }

    pub(crate) fn optional_int(
        &mut self,
        what: &'static str,
    ) -> Result<Option<i64>, RegistryError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Int(number)) => Ok(Some(number)),
            _ => Err(RegistryError::Malformed { what }),
        }
    }

    pub(crate) fn int(&mut self, what: &'static str) -> Result<i64, RegistryError> {
        self.optional_int(what)?
            .ok_or(RegistryError::Malformed { what })
    }

    /// Milliseconds since 1970.
    pub(crate) fn optional_time(
        &mut self,
        what: &'static str,
    ) -> Result<Option<SystemTime>, RegistryError> {
        let malformed = RegistryError::Malformed { what };
        let Some(millis) = self.optional_int(what)? else {
            return Ok(None);
        };
        let millis = u64::try_from(millis).map_err(|_| malformed.clone())?;
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        time.map(Some).ok_or(malformed)
    }

    /// Milliseconds since 1970.
    pub(crate) fn time(&mut self, what: &'static str) -> Result<SystemTime, RegistryError> {
        self.optional_time(what)?
            .ok_or(RegistryError::Malformed { what })
    }
}
