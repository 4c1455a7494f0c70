//! Passwords that nobody has to remember.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::SecretsError;

/// How long a password is: 238 bits of chance.
pub const PASSWORD_LEN: usize = 40;

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A new password from the system's random source: [`PASSWORD_LEN`] letters and digits of ASCII,
/// a letter first. It means itself in a URL, an SQL literal, a shell, YAML and an `.env` file, with
/// and without quotes.
///
/// # Errors
/// [`SecretsError::NoRandomness`].
pub fn generate_password() -> Result<SecretString, SecretsError> {
    let mut password = Zeroizing::new(String::with_capacity(PASSWORD_LEN));
    password.push(pick(LETTERS)?);
    while password.len() < PASSWORD_LEN {
        password.push(pick(LETTERS_AND_DIGITS)?);
    }
    Ok(SecretString::from(password.as_str()))
}

/// Each with the same chance: a byte beyond the last whole multiple is thrown away.
fn pick(alphabet: &[u8]) -> Result<char, SecretsError> {
    let fair = 256 - 256 % alphabet.len();
    loop {
        let mut byte = Zeroizing::new([0_u8]);
        getrandom::fill(&mut *byte).map_err(|_| SecretsError::NoRandomness)?;
        let number = usize::from(byte[0]);
        if number < fair {
            return Ok(char::from(alphabet[number % alphabet.len()]));
        }
    }
}
