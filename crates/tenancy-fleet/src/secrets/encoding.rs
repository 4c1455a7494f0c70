//! Base64 in one spelling for each value.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Of sealed values: without padding. Bits that carry nothing must be zero.
const SEALED: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Of keys: as `openssl rand -base64 32` writes it, also without the padding.
const KEY: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn sealed_text(bytes: &[u8]) -> String {
    SEALED.encode(bytes)
}

pub(super) fn sealed_bytes(text: &str) -> Option<Vec<u8>> {
    SEALED.decode(text).ok()
}

pub(super) fn key_text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(KEY.encode(bytes))
}

pub(super) fn key_bytes(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    KEY.decode(text).ok().map(Zeroizing::new)
}
