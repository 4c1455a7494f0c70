//! Credentials sealed at rest, the keys that seal them, and passwords worth sealing.
//!
//! A [`Keyring`] seals a text for one tenant and one [`Purpose`] with AES-256-GCM. The [`Sealed`]
//! text may lie in a table, a backup or a log: whoever holds it and no key learns its length. It
//! opens for that tenant and purpose alone, so that a value copied to another row is refused.
//!
//! ```
//! use secrecy::ExposeSecret;
//! use tenancy_core::TenantId;
//! use tenancy_fleet::secrets::{Keyring, Purpose, SealingKey, generate_password};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Keyring::new(SealingKey::generate("2026-11")?);
//! let (acme, beta) = (TenantId::new("acme")?, TenantId::new("beta")?);
//! let login = Purpose::new("login")?;
//!
//! let password = generate_password()?;
//! let sealed = keyring.seal(&acme, login, &password)?;
//! let opened = keyring.open(&acme, login, &sealed)?;
//! assert_eq!(opened.expose_secret(), password.expose_secret());
//! assert!(keyring.open(&beta, login, &sealed).is_err());
//! # Ok(()) }
//! ```
//!
//! Keys come from the environment ([`Keyring::from_env`]) or from a file ([`Keyring::from_file`]),
//! never from a command line, which every user of the machine can read. Without a key there is no
//! keyring, and nothing is ever kept in the clear instead.
//!
//! To rotate: put the new key first and keep the old one behind it, [`reseal`](Keyring::reseal)
//! every value, then drop the old key. One key seals at most 2³² values: each takes 96 random bits
//! as its nonce.

mod encoding;
mod error;
mod key;
mod keyring;
mod password;
mod purpose;
mod seal;
mod sealed;
mod source;

pub use error::SecretsError;
pub use key::SealingKey;
pub use keyring::Keyring;
pub use password::{PASSWORD_LEN, generate_password};
pub use purpose::Purpose;
pub use sealed::{MAX_PLAINTEXT, Sealed};
