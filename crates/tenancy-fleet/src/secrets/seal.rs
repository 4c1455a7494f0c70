//! Sealing and opening.

use aes_gcm::aead::AeadInOut as _;
use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::TenantId;
use zeroize::Zeroizing;

use super::sealed::{NONCE_BYTES, TAG_BYTES, VERSION};
use super::{Keyring, MAX_PLAINTEXT, Purpose, Sealed, SecretsError};

impl Keyring {
    /// Seals `secret` for this tenant and purpose, with the current key.
    ///
    /// # Errors
    /// [`SecretsError::TooLong`], [`SecretsError::NoRandomness`].
    pub fn seal(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        secret: &SecretString,
    ) -> Result<Sealed, SecretsError> {
        let secret = secret.expose_secret().as_bytes();
        if secret.len() > MAX_PLAINTEXT {
            return Err(SecretsError::TooLong);
        }
        let key = self.current_key();
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| SecretsError::NoRandomness)?;
        // Room for the tag, so that the vector never moves and leaves a copy behind.
        let mut body = Zeroizing::new(Vec::with_capacity(secret.len() + TAG_BYTES));
        body.extend_from_slice(secret);
        let tag = key
            .cipher()?
            .encrypt_inout_detached(
                &nonce.into(),
                &associated(key.id(), tenant, purpose),
                body.as_mut_slice().into(),
            )
            .map_err(|_| SecretsError::TooLong)?;
        body.extend_from_slice(&tag);
        Ok(Sealed::new(key.id(), nonce, std::mem::take(&mut *body)))
    }

    /// Opens what was sealed for this tenant and purpose, with whichever key it names.
    ///
    /// # Errors
    /// [`SecretsError::UnknownKey`]; [`SecretsError::Refused`] for a value that was changed, or is
    /// another tenant's or purpose's.
    pub fn open(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        sealed: &Sealed,
    ) -> Result<SecretString, SecretsError> {
        let key = self.find(sealed.key_id())?;
        let (body, tag) = sealed
            .body
            .split_last_chunk::<TAG_BYTES>()
            .ok_or(SecretsError::Malformed)?;
        let mut plain = Zeroizing::new(body.to_vec());
        key.cipher()?
            .decrypt_inout_detached(
                &sealed.nonce.into(),
                &associated(key.id(), tenant, purpose),
                plain.as_mut_slice().into(),
                &(*tag).into(),
            )
            .map_err(|_| SecretsError::Refused)?;
        // Only text is sealed.
        let text = std::str::from_utf8(&plain).map_err(|_| SecretsError::Refused)?;
        Ok(SecretString::from(text))
    }

    /// Seals the same secret again with the current key. What the current key sealed stays as it
    /// is: `None`.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) and [`seal`](Self::seal).
    pub fn reseal(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        sealed: &Sealed,
    ) -> Result<Option<Sealed>, SecretsError> {
        // Opened also where nothing is to be done: a value that does not open is not fine.
        let secret = self.open(tenant, purpose, sealed)?;
        if sealed.key_id() == self.current() {
            return Ok(None);
        }
        self.seal(tenant, purpose, &secret).map(Some)
    }
}

/// What a value is tied to. No part can hold the NUL byte that parts them.
fn associated(key_id: &str, tenant: &TenantId, purpose: Purpose) -> Vec<u8> {
    [VERSION, key_id, purpose.as_str(), tenant.as_str()]
        .join("\0")
        .into_bytes()
}
