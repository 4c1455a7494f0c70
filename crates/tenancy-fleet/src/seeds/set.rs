//! Seeds in their order.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::migrations::{SetError, folder};
use crate::script::text;

/// The seeds of a folder, in the order of their names. Cheap to clone.
#[derive(Clone)]
pub struct SeedSet {
    pub(super) seeds: Arc<[Seed]>,
}

pub(super) struct Seed {
    /// Without `.sql`.
    pub(super) name: String,
    pub(super) sql: Arc<str>,
    pub(super) checksum: Vec<u8>,
}

impl SeedSet {
    /// The files `NAME.sql` of a folder. A number before the name orders them.
    ///
    /// # Errors
    /// [`SetError::Folder`], [`SetError::Name`], [`SetError::Empty`], [`SetError::Changed`].
    pub async fn from_folder(folder: impl AsRef<Path>) -> Result<Self, SetError> {
        let scripts = folder::scripts(folder.as_ref().to_owned()).await?;
        let mut seeds = Vec::with_capacity(scripts.len());
        for (file, sql) in scripts {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let name = file.strip_suffix(".sql").unwrap_or(&file);
            if name.is_empty() || name.len() > 200 || !name.bytes().all(allowed) {
                return Err(SetError::Name {
                    name: folder::tame(&file),
                    reason: "a seed's name is 1 to 200 characters of a-z A-Z 0-9 - _ .",
                });
            }
            seeds.push(Seed {
                name: name.to_owned(),
                checksum: Sha256::digest(&sql).to_vec(),
                sql: sql.into(),
            });
        }
        seeds.sort_by(|one, other| one.name.cmp(&other.name));
        if seeds.is_empty() {
            return Err(SetError::Empty);
        }
        Ok(Self {
            seeds: seeds.into(),
        })
    }

    /// A digest over names and texts: two sets with the same digest are the same.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for seed in self.seeds.iter() {
            hasher.update(seed.name.len().to_be_bytes());
            hasher.update(&seed.name);
            hasher.update(&seed.checksum);
        }
        text::hex(&hasher.finalize())
    }

    /// Their names, in order.
    pub fn names(&self) -> Vec<&str> {
        self.seeds.iter().map(|seed| seed.name.as_str()).collect()
    }
}

impl fmt::Debug for SeedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedSet")
            .field("names", &self.names())
            .finish()
    }
}
