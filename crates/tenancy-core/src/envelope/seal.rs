//! Signs and checks: `te1.KEY.PAYLOAD.SIGNATURE`, the last two in base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::Mac;

use super::keys::is_key_id;
use super::payload::Payload;
use crate::{EnvelopeError, EnvelopeKeys, ScopeEnvelope};

const VERSION: &str = "te1";
/// So that nothing else that is signed with the same key is ever an envelope.
const CONTEXT: &[u8] = b"tenancy scope envelope\0";

pub(super) fn seal(keys: &EnvelopeKeys, payload: &Payload) -> Result<ScopeEnvelope, EnvelopeError> {
    let key = keys.signing();
    let signed = format!(
        "{VERSION}.{}.{}",
        key.id(),
        BASE64.encode(payload.encode()?)
    );
    let signature = key
        .mac()?
        .chain_update(CONTEXT)
        .chain_update(&signed)
        .finalize()
        .into_bytes();
    ScopeEnvelope::new(format!("{signed}.{}", BASE64.encode(signature)))
}

/// What the envelope says, if all of it holds now. Nothing is read from the payload before its
/// signature has been checked.
pub(super) fn open(
    keys: &EnvelopeKeys,
    envelope: &ScopeEnvelope,
    audience: &str,
) -> Result<Payload, EnvelopeError> {
    let (signed, signature) = envelope
        .as_str()
        .rsplit_once('.')
        .ok_or(EnvelopeError::Malformed)?;
    let mut parts = signed.split('.');
    let (Some(version), Some(key), Some(payload), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(EnvelopeError::Malformed);
    };
    if version != VERSION {
        return Err(EnvelopeError::UnknownVersion);
    }
    if !is_key_id(key) {
        return Err(EnvelopeError::Malformed);
    }
    // Strict: no padding, no stray bits, so that one envelope has one text.
    let signature = BASE64
        .decode(signature)
        .map_err(|_| EnvelopeError::Malformed)?;
    let payload = BASE64
        .decode(payload)
        .map_err(|_| EnvelopeError::Malformed)?;
    let mac = keys
        .find(key)?
        .mac()?
        .chain_update(CONTEXT)
        .chain_update(signed);
    mac.verify_slice(&signature)
        .map_err(|_| EnvelopeError::Forged)?;
    let payload = Payload::decode(&payload)?;
    if keys.now()? >= payload.expires {
        return Err(EnvelopeError::Expired);
    }
    if payload.audience != audience {
        return Err(EnvelopeError::WrongAudience);
    }
    Ok(payload)
}
