//! The types and lengths of tenant ids that are measured.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;
use tenancy_core::{InvalidTenantId, Tenant, TenantId};
use tenancy_postgres::seal::TenantKind;

/// A type of tenant column, and how long its ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    /// Text of 16 bytes.
    Text16,
    /// Text of 63 bytes, the longest there is.
    Text63,
    /// A UUID.
    Uuid,
    /// A number.
    Bigint,
}

impl Key {
    /// The column's type.
    pub fn kind(self) -> TenantKind {
        match self {
            Self::Text16 | Self::Text63 => TenantKind::Text,
            Self::Uuid => TenantKind::Uuid,
            Self::Bigint => TenantKind::Bigint,
        }
    }

    /// The column's type with its collation, as a table is made with it.
    pub fn column(self) -> &'static str {
        match self {
            Self::Text16 | Self::Text63 => "text COLLATE \"C\"",
            Self::Uuid => "uuid",
            Self::Bigint => "bigint",
        }
    }

    /// The id of tenant number `n`.
    ///
    /// # Errors
    /// None for the numbers that a benchmark has.
    pub fn tenant(self, n: u32) -> Result<TenantId, InvalidTenantId> {
        TenantId::new(match self {
            Self::Text16 => format!("tenant-{n:0>9}"),
            Self::Text63 => format!("tenant-{n:0>56}"),
            Self::Uuid => format!("00000000-0000-4000-8000-{n:0>12}"),
            Self::Bigint => (1_000_000 + n).to_string(),
        })
    }

    /// The tenants from number 1 to this one, on shared tables.
    ///
    /// # Errors
    /// As [`tenant`](Self::tenant).
    pub fn tenants(self, last: u32) -> Result<Vec<Tenant>, InvalidTenantId> {
        (1..=last)
            .map(|n| self.tenant(n).map(Tenant::new))
            .collect()
    }

    /// The same id in SQL, of the column `n`.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text16 => "'tenant-' || lpad(n::text, 9, '0')",
            Self::Text63 => "'tenant-' || lpad(n::text, 56, '0')",
            Self::Uuid => "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid",
            Self::Bigint => "1000000 + n",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text16 => "text16",
            Self::Text63 => "text63",
            Self::Uuid => "uuid",
            Self::Bigint => "bigint",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn ids_have_their_length_and_are_canonical() {
        assert_eq!(Key::Text16.tenant(42).unwrap().as_str().len(), 16);
        assert_eq!(Key::Text63.tenant(42).unwrap().as_str().len(), 63);
        for key in [Key::Text16, Key::Text63, Key::Uuid, Key::Bigint] {
            assert!(key.kind().check(&key.tenant(42).unwrap()).is_ok());
        }
    }
}
