//! The keys of one service.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::{SealingKey, SecretsError};

/// The keys of one service: the current one seals, and all of them open. Cheap to clone.
///
/// ```
/// use tenancy_fleet::secrets::{Keyring, SealingKey};
///
/// let old = SealingKey::generate("2026-10")?;
/// let keyring = Keyring::new(SealingKey::generate("2026-11")?).accept(old)?;
/// assert_eq!(keyring.current(), "2026-11");
/// assert_eq!(format!("{keyring:?}"), r#"Keyring { ids: ["2026-11", "2026-10"], .. }"#);
/// # Ok::<(), tenancy_fleet::secrets::SecretsError>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    /// The current one first; never empty.
    keys: Arc<[SealingKey]>,
}

impl Keyring {
    /// Seals with this key, and opens what it sealed.
    pub fn new(current: SealingKey) -> Self {
        Self {
            keys: Arc::from([current]),
        }
    }

    /// Opens what this key sealed, too.
    ///
    /// # Errors
    /// [`SecretsError::DuplicateKey`] where its id is taken.
    pub fn accept(self, key: SealingKey) -> Result<Self, SecretsError> {
        if self.keys.iter().any(|known| known.id() == key.id()) {
            return Err(SecretsError::DuplicateKey);
        }
        let keys = self.keys.iter().cloned().chain([key]).collect();
        Ok(Self { keys })
    }

    /// Reads keys, each `ID:BASE64`, the current one first, apart by line ends, spaces or commas. A
    /// line that starts with `#` is left out.
    ///
    /// # Errors
    /// [`SecretsError::NoKey`] where there is none; [`SecretsError::MalformedKey`],
    /// [`SecretsError::KeyId`], [`SecretsError::WeakKey`], [`SecretsError::DuplicateKey`].
    pub fn parse(text: &SecretString) -> Result<Self, SecretsError> {
        let mut words = text
            .expose_secret()
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split([' ', '\t', ',', '\r']))
            .filter(|word| !word.is_empty());
        let current = words.next().ok_or(SecretsError::NoKey)?.parse()?;
        words.try_fold(Self::new(current), |keyring, word| {
            keyring.accept(word.parse()?)
        })
    }

    /// The id of the key that seals.
    pub fn current(&self) -> &str {
        self.keys[0].id()
    }

    pub(super) fn current_key(&self) -> &SealingKey {
        &self.keys[0]
    }

    pub(super) fn find(&self, id: &str) -> Result<&SealingKey, SecretsError> {
        self.keys
            .iter()
            .find(|key| key.id() == id)
            .ok_or(SecretsError::UnknownKey)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(SealingKey::id).collect();
        f.debug_struct("Keyring")
            .field("ids", &ids)
            .finish_non_exhaustive()
    }
}
