//! Where keys are read from: the environment, or a file that nobody else can read.

use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::path::Path;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Keyring, SecretsError};

const MAX_BYTES: usize = 64 * 1024;

impl Keyring {
    /// The keys in the environment variable `name`, in the form of [`parse`](Self::parse).
    ///
    /// # Errors
    /// [`SecretsError::Variable`] where it is not set; those of [`parse`](Self::parse).
    pub fn from_env(name: &str) -> Result<Self, SecretsError> {
        let text = std::env::var(name).map_err(|_| SecretsError::Variable)?;
        Self::parse(&text.into())
    }

    /// The keys in a file, in the form of [`parse`](Self::parse). On Unix it must be a file that
    /// only its owner may write and no stranger may read; its group may read it.
    ///
    /// # Errors
    /// [`SecretsError::File`], [`SecretsError::NotAFile`], [`SecretsError::OpenFile`],
    /// [`SecretsError::TooManyKeys`]; those of [`parse`](Self::parse).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SecretsError> {
        let failed = |error: std::io::Error| SecretsError::File(error.kind());
        // Before it is opened, for opening a pipe waits for its other end.
        if !fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(SecretsError::NotAFile);
        }
        let file = File::open(&path).map_err(failed)?;
        // Asked of what was opened: the path may lead elsewhere by now.
        check(&file.metadata().map_err(failed)?)?;
        // Never grown, so that no copy is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
        file.take(MAX_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() > MAX_BYTES {
            return Err(SecretsError::TooManyKeys);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| SecretsError::MalformedKey)?;
        Self::parse(&SecretString::from(text))
    }
}

fn check(found: &Metadata) -> Result<(), SecretsError> {
    if !found.is_file() {
        return Err(SecretsError::NotAFile);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        const OTHERS_AND_GROUP_WRITE: u32 = 0o027;
        if found.mode() & OTHERS_AND_GROUP_WRITE != 0 {
            return Err(SecretsError::OpenFile);
        }
    }
    Ok(())
}
