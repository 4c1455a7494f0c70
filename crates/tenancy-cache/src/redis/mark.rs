//! The mark of a space: whose it is, and since which clearing.

use std::fmt::Write as _;

use tenancy_core::KeySpace;

use crate::CacheError;

/// `SPACE#` and 32 hex digits that nobody guesses and that never come again. It lies beside the
/// values, and each value starts with the one that it was written under: a value under another one
/// is as good as gone. So one key's removal clears a tenant, in one step and whatever is being
/// written at that moment; and where the server has thrown the mark away, all is cleared, rather
/// than something old found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(Vec<u8>);

impl Mark {
    pub(super) fn fresh(space: KeySpace<'_>) -> Result<Self, CacheError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(CacheError::Random)?;
        let mut text = format!("{space}#");
        for byte in random {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text.into_bytes()))
    }

    /// The mark that the server has, if it is this space's.
    pub(super) fn read(space: KeySpace<'_>, bytes: Vec<u8>) -> Result<Self, CacheError> {
        let whose = format!("{space}#");
        let random = bytes.strip_prefix(whose.as_bytes());
        if random.is_some_and(|random| random.len() == 32) {
            Ok(Self(bytes))
        } else {
            Err(CacheError::Foreign)
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What was written under this mark; `None` for what was written before a clearing.
    pub(super) fn payload(
        &self,
        space: KeySpace<'_>,
        mut stored: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        let length = stored.first().copied().ok_or(CacheError::Foreign)?;
        let end = usize::from(length) + 1;
        let theirs = stored.get(1..end).ok_or(CacheError::Foreign)?;
        let theirs = Self::read(space, theirs.to_vec())?;
        Ok((theirs == *self).then(|| stored.split_off(end)))
    }
}
