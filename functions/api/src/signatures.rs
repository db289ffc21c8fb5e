//! Signatures of tokens by `ring`, whose TLS is here anyway: the token library is built without any
//! cryptography of its own.
//!
//! It checks with every kind of public key that issuers publish (RFC 7518), and with the secret of
//! development, which alone it signs with.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error as Mismatch, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // They make sets of keys, which nobody does here.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has the token library of this process sign and check by these.
pub(crate) fn install() {
    // Only the first call of a process matters, and all say the same.
    let _ = PROVIDER.install_default();
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    match algorithm {
        Algorithm::HS256 => Ok(Box::new(Secret::of(key.as_bytes()))),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => Ok(Box::new(Rsa {
            algorithm: *algorithm,
            parameters: rsa(*algorithm)?,
            key: RsaPublicKeyComponents {
                n: significant(n),
                e: significant(e),
            },
        })),
        DecodingKeyKind::SecretOrDer(bytes) if *algorithm == Algorithm::HS256 => {
            Ok(Box::new(Secret::of(bytes)))
        }
        DecodingKeyKind::SecretOrDer(bytes) => Ok(Box::new(Curve {
            algorithm: *algorithm,
            key: UnparsedPublicKey::new(curve(*algorithm)?, bytes.clone()),
        })),
    }
}

fn rsa(algorithm: Algorithm) -> Result<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Ok(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Ok(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Ok(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Ok(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Ok(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Ok(&RSA_PSS_2048_8192_SHA512),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn curve(algorithm: Algorithm) -> Result<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Ok(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Ok(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Ok(&ED25519),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

/// A number without the zeros before it, which some issuers write and `ring` refuses.
fn significant(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number[zeros..].to_vec()
}

/// A secret, for HMAC with SHA-256.
struct Secret(hmac::Key);

impl Secret {
    fn of(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl Signer<Vec<u8>> for Secret {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Mismatch> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Secret {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Mismatch> {
        hmac::verify(&self.0, message, signature).map_err(|_| Mismatch::new())
    }
}

impl JwtSigner for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

/// A public key of RSA, by its numbers.
struct Rsa {
    algorithm: Algorithm,
    parameters: &'static RsaParameters,
    key: RsaPublicKeyComponents<Vec<u8>>,
}

impl Verifier<Vec<u8>> for Rsa {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Mismatch> {
        let checked = self.key.verify(self.parameters, message, signature);
        checked.map_err(|_| Mismatch::new())
    }
}

impl JwtVerifier for Rsa {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// A public key that is a point of a curve.
struct Curve {
    algorithm: Algorithm,
    key: UnparsedPublicKey<Vec<u8>>,
}

impl Verifier<Vec<u8>> for Curve {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Mismatch> {
        let checked = self.key.verify(message, signature);
        checked.map_err(|_| Mismatch::new())
    }
}

impl JwtVerifier for Curve {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use taskmill::Timestamp;

    use super::*;
    use crate::identity::{ClaimNames, Unknown};
    use crate::keys::Keys;
    use crate::token;

    const NOW: Timestamp = Timestamp::from_millis(1_795_296_000_000);
    /// Keys, and tokens that another implementation signed with them.
    const ISSUED: &str = include_str!("signatures/issued.json");

    fn issued() -> Value {
        serde_json::from_str(ISSUED).unwrap()
    }

    async fn verify(token: &str) -> std::result::Result<(), Unknown> {
        let keys = Keys::given(ISSUED).unwrap();
        let verifier = token::Verifier::new("issuer", "us", keys, ClaimNames::default());
        verifier.verify(token, NOW).await.map(drop)
    }

    /// The token with its part of this number changed in the middle.
    fn forged(token: &str, part: usize) -> String {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let middle = parts[part].len() / 2;
        let other = match &parts[part][middle..=middle] {
            "A" => "B",
            _ => "A",
        };
        parts[part].replace_range(middle..=middle, other);
        parts.join(".")
    }

    #[tokio::test]
    async fn every_kind_of_signature_that_issuers_make_is_checked() {
        let issued = issued();
        let tokens = issued["tokens"].as_object().unwrap();
        assert_eq!(tokens.len(), 9);
        for (algorithm, token) in tokens {
            let token = token.as_str().unwrap();
            assert_eq!(verify(token).await, Ok(()), "{algorithm}");
            for part in [1, 2] {
                let refused = verify(&forged(token, part)).await;
                let is_bad = matches!(refused, Err(Unknown::BadToken(_)));
                assert!(is_bad, "{algorithm} with part {part} forged: {refused:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_signature_of_one_kind_is_none_of_another() {
        let issued = issued();
        let tokens = issued["tokens"].as_object().unwrap();
        let [rsa, pss] = ["RS256", "PS256"].map(|name| tokens[name].as_str().unwrap());
        let (signed, _) = rsa.rsplit_once('.').unwrap();
        let (_, signature) = pss.rsplit_once('.').unwrap();
        let mixed = verify(&format!("{signed}.{signature}")).await;
        assert!(matches!(mixed, Err(Unknown::BadToken(_))), "{mixed:?}");
    }

    #[test]
    fn zeros_before_a_number_are_no_part_of_it() {
        assert_eq!(significant(&[0, 0, 1, 0]), [1, 0]);
        assert_eq!(significant(&[0]), [0; 0]);
    }
}
