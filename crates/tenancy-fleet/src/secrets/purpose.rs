//! What a sealed value is for.

use super::SecretsError;

/// What a sealed value is for, in one word, such as `login`: a value sealed for one purpose does
/// not open for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Purpose(&'static str);

impl Purpose {
    /// A tenant's login at its database.
    pub const LOGIN: Self = Self("login");
    const MAX: usize = 32;

    /// A purpose of the application's own.
    ///
    /// # Errors
    /// [`SecretsError::Purpose`] when it is not 1 to 32 characters of `a-z -`.
    pub fn new(word: &'static str) -> Result<Self, SecretsError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        if (1..=Self::MAX).contains(&word.len()) && word.bytes().all(allowed) {
            Ok(Self(word))
        } else {
            Err(SecretsError::Purpose)
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}
