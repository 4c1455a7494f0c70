use std::fmt::Write as _;

use crate::Error;

/// This many random bytes as hex digits: for names that don't meet and passwords that aren't guessed.
pub(crate) fn random_hex(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(Error::Random)?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
