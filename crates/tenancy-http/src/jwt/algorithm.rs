//! The algorithms of public keys.

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm};

/// An algorithm that a public key may be for. Shared secrets, which are for HS256 alone, are given
/// by [`JwtKeys::from_secret`](super::JwtKeys::from_secret) and never found in a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSA-PSS with SHA-256.
    Ps256,
    /// RSA-PSS with SHA-384.
    Ps384,
    /// RSA-PSS with SHA-512.
    Ps512,
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// RSA PKCS #1 v1.5 with SHA-384.
    Rs384,
    /// RSA PKCS #1 v1.5 with SHA-512.
    Rs512,
}

impl JwtAlgorithm {
    pub(super) fn inner(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
        }
    }

    /// Whether this key may be used so, by its kind and by what it says of itself.
    pub(super) fn fits(self, key: &Jwk) -> bool {
        let of_this_kind = match &key.algorithm {
            AlgorithmParameters::RSA(_) => !matches!(self, Self::EdDsa | Self::Es256 | Self::Es384),
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => self == Self::Es256,
                EllipticCurve::P384 => self == Self::Es384,
                _ => false,
            },
            AlgorithmParameters::OctetKeyPair(key) => {
                self == Self::EdDsa && key.curve == EllipticCurve::Ed25519
            }
            _ => false,
        };
        let own = key.common.key_algorithm;
        of_this_kind && own.is_none_or(|own| own == KeyAlgorithm::from(self.inner()))
    }
}
