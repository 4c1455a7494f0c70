//! The sealed scope: a challenge from the server, a proof from the application, used once.
//!
//! `tenancy.leave()` ends whatever scope is open and answers with a fresh challenge.
//! [`SealingKey::prove`] answers it for one tenant; `tenancy.enter(..)` checks the proof, consumes
//! the challenge and puts the tenant where no SQL of the runtime role can write or read it. The
//! server's functions enforce all of it; the checks here only fail earlier and cheaper.
//!
//! Rules for the caller:
//! - an error from `enter` or `leave`, or none in time, does not mean that no scope is open:
//!   `leave` with success, or drop the connection;
//! - never `enter` after a `SAVEPOINT`, and never a second tenant in one transaction or message;
//! - `enter` before `BEGIN READ ONLY` (it writes, though no WAL).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tenancy_core::TenantId;

use crate::Error;
use crate::ident::hex;
use crate::key::{KeyId, SealingKey};

/// Ends the scope; answers one row with one text, the [`Challenge`].
pub const LEAVE: &str = "SELECT tenancy.leave()";

/// Opens a scope, with the parameters of [`Proof::parameters`] in their order (`integer` twice,
/// `bigint` eight times, `bytea`); answers one row with one text, see [`Proof::is_answered_by`].
pub const ENTER: &str = "SELECT tenancy.enter($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// How long a scope lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// Until the transaction ends: the only one behind a transaction pooler.
    Transaction,
    /// Until `leave()`.
    Session,
}

/// The type of the tenant columns. It is part of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TenantKind {
    /// `text`: every [`TenantId`].
    Text,
    /// `uuid`: ids in PostgreSQL's own spelling, lower case with four hyphens.
    Uuid,
    /// `bigint`: decimal ids from 0 up, without leading zeros.
    Bigint,
}

impl TenantKind {
    /// The type's name in SQL.
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Bigint => "bigint",
        }
    }

    /// The function that reads the current tenant as this type, with its schema.
    pub fn reader(self) -> &'static str {
        match self {
            Self::Text => "tenancy.current_tenant",
            Self::Uuid => "tenancy.current_tenant_uuid",
            Self::Bigint => "tenancy.current_tenant_bigint",
        }
    }

    /// Whether `id` is the one spelling of its value in this type.
    ///
    /// # Errors
    /// [`Error::NotCanonical`] when it is another spelling, or no value of the type at all.
    ///
    /// ```
    /// use tenancy_core::TenantId;
    /// use tenancy_postgres::seal::TenantKind;
    ///
    /// assert!(TenantKind::Bigint.check(&TenantId::new("1000")?).is_ok());
    /// assert!(TenantKind::Bigint.check(&TenantId::new("01000")?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(self, id: &TenantId) -> Result<(), Error> {
        self.pack(id).map(drop)
    }

    /// The id in 8-byte pieces, and its length in bytes.
    fn pack(self, id: &TenantId) -> Result<([i64; 8], u8), Error> {
        let wrong = |form| Error::NotCanonical { kind: self, form };
        let text = id.as_str();
        match self {
            Self::Text => {
                let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
                Ok((pieces(text.as_bytes()), length))
            }
            Self::Uuid => {
                let bytes = uuid_bytes(text)
                    .ok_or(wrong("lower-case hexadecimal in groups of 8-4-4-4-12"))?;
                Ok((pieces(&bytes), 16))
            }
            Self::Bigint => {
                let number = text
                    .parse::<i64>()
                    .ok()
                    .filter(|number| number.to_string() == text && *number >= 0)
                    .ok_or(wrong(
                        "decimal digits without leading zeros, up to 2^63 - 1",
                    ))?;
                Ok(([number, 0, 0, 0, 0, 0, 0, 0], 8))
            }
        }
    }
}

impl fmt::Display for TenantKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql_type())
    }
}

/// Big-endian, zero bytes behind, as the server's `int8send` reads them back. A [`TenantId`] has
/// at most 63 bytes, so all fit.
fn pieces(bytes: &[u8]) -> [i64; 8] {
    let mut pieces = [0; 8];
    for (piece, chunk) in pieces.iter_mut().zip(bytes.chunks(8)) {
        let mut block = [0; 8];
        block[..chunk.len()].copy_from_slice(chunk);
        *piece = i64::from_be_bytes(block);
    }
    pieces
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let well_placed = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        });
    if !well_placed {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16)
        .ok()
        .map(u128::to_be_bytes)
}

/// What `leave()` answered: 16 random bytes that one proof may answer. Not a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge([u8; 16]);

impl Challenge {
    /// Reads the answer: 32 digits of lower-case hexadecimal.
    ///
    /// # Errors
    /// [`Error::Challenge`] for anything else, which means: drop the connection.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(lower_hex) {
            return Err(Error::Challenge);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| Error::Challenge)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// A proof that opens one tenant's scope, once, on the connection that gave the challenge.
///
/// It is spent by the first `enter`, also by one that fails.
#[derive(Clone)]
pub struct Proof {
    key: KeyId,
    meta: i32,
    pieces: [i64; 8],
    mac: [u8; 32],
}

/// The first byte of what is signed: another use of the same key, or a later protocol, must
/// never read the same.
const PROTOCOL: i64 = 1;

impl SealingKey {
    /// Proves that the holder of this key lets `challenge`'s connection enter `tenant`.
    ///
    /// # Errors
    /// [`Error::NotCanonical`] when the id is not the one spelling of its value in `kind`. The
    /// server refuses the same with `TN003`.
    pub fn prove(
        &self,
        tenant: &TenantId,
        kind: TenantKind,
        binding: Binding,
        challenge: &Challenge,
    ) -> Result<Proof, Error> {
        let (pieces, length) = kind.pack(tenant)?;
        let kind_bits = match kind {
            TenantKind::Text => 1 << 6,
            TenantKind::Uuid => 2 << 6,
            TenantKind::Bigint => 3 << 6,
        };
        let binding_bit = match binding {
            Binding::Transaction => 0,
            Binding::Session => 1 << 8,
        };
        let meta = binding_bit | kind_bits | i32::from(length);
        Ok(self.sign(meta, pieces, challenge))
    }

    fn sign(&self, meta: i32, pieces: [i64; 8], challenge: &Challenge) -> Proof {
        let header = (i64::from(self.id().get()) << 32) | (PROTOCOL << 16) | i64::from(meta);
        // HMAC takes keys of every length.
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret()).expect("any length will do");
        mac.update(&header.to_be_bytes());
        mac.update(&challenge.0);
        for piece in pieces {
            mac.update(&piece.to_be_bytes());
        }
        Proof {
            key: self.id(),
            meta,
            pieces,
            mac: mac.finalize().into_bytes().into(),
        }
    }
}

impl Proof {
    /// The bare call as text: digits and hexadecimal only, so it can be joined with `BEGIN` in
    /// one simple message under any setting of the session.
    pub fn enter_sql(&self) -> String {
        let pieces = self
            .pieces
            .map(|piece| format!("({piece})::pg_catalog.int8"))
            .join(", ");
        format!(
            "SELECT tenancy.enter({}, {}, {pieces}, pg_catalog.decode('{}', 'hex'))",
            self.key,
            self.meta,
            hex(&self.mac)
        )
    }

    /// The parameters of [`ENTER`]: key, what is bound and how, the id in eight pieces, and the
    /// HMAC.
    pub fn parameters(&self) -> (i32, i32, &[i64; 8], &[u8; 32]) {
        (self.key.get(), self.meta, &self.pieces, &self.mac)
    }

    /// Whether `answer` is what the server says to this very proof. Another answer means that the
    /// connection is out of step: drop it.
    pub fn is_answered_by(&self, answer: &str) -> bool {
        hex(&self.mac) == answer
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("key", &self.key.get())
            .finish_non_exhaustive()
    }
}
