//! What an envelope says, in bytes.
//!
//! `mode` (1 byte), `expires` (8, milliseconds since 1970, big-endian), the audience's length (1)
//! and name, and the tenant's id or the central reason up to the end. One value has one form.

use crate::{EnvelopeError, TenantId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) subject: Subject,
    pub(super) expires: u64,
    /// Empty for none.
    pub(super) audience: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Tenant(TenantId),
    Central { reason: String },
}

const TENANT: u8 = 1;
const CENTRAL: u8 = 2;
pub(super) const MAX_AUDIENCE: usize = 64;
const MAX_REASON: usize = 200;

impl Payload {
    pub(super) fn encode(&self) -> Result<Vec<u8>, EnvelopeError> {
        let (mode, subject) = match &self.subject {
            Subject::Tenant(id) => (TENANT, id.as_str()),
            Subject::Central { reason } if reason.len() > MAX_REASON => {
                return Err(EnvelopeError::ReasonTooLong);
            }
            Subject::Central { reason } => (CENTRAL, reason.as_str()),
        };
        let length = u8::try_from(self.audience.len()).ok();
        let length = length.filter(|_| self.audience.len() <= MAX_AUDIENCE);
        let length = length.ok_or(EnvelopeError::InvalidAudience)?;
        let mut bytes = vec![mode];
        bytes.extend(self.expires.to_be_bytes());
        bytes.push(length);
        bytes.extend(self.audience.as_bytes());
        bytes.extend(subject.as_bytes());
        Ok(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Self::read(bytes).ok_or(EnvelopeError::Malformed)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&mode, rest) = bytes.split_first()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (&length, rest) = rest.split_first()?;
        let (audience, subject) = rest.split_at_checked(usize::from(length))?;
        let subject = std::str::from_utf8(subject).ok()?;
        Some(Self {
            subject: match mode {
                TENANT => Subject::Tenant(TenantId::new(subject).ok()?),
                CENTRAL => Subject::Central {
                    reason: subject.to_owned(),
                },
                _ => return None,
            },
            expires: u64::from_be_bytes(*expires),
            audience: std::str::from_utf8(audience).ok()?.to_owned(),
        })
    }
}

/// Whether this names an audience; the empty one means none.
pub(super) fn is_audience(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=MAX_AUDIENCE).contains(&name.len()) && name.bytes().all(allowed)
}
