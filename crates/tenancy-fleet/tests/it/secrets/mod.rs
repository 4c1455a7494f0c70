//! Sealed credentials.

mod fuzz;
mod keys;
mod passwords;
mod sealing;

use secrecy::SecretString;
use tenancy_core::TenantId;
use tenancy_fleet::secrets::{Keyring, SealingKey};

pub(crate) fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn keyring(id: &str) -> Keyring {
    Keyring::new(SealingKey::generate(id).unwrap())
}
