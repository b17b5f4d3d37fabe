//! Keys and what each may sign.

use core::fmt;

use ed25519_dalek::ed25519::signature::MultipartVerifier as _;
use ed25519_dalek::{Signature, VerifyingKey};

use crate::key_text::write_hex;
use crate::{Digest, OpenError};

/// What a key is trusted to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Releases of Plans and Modules. Kept offline.
    Release,
    /// Assignments: which device runs which release. Kept online; cannot create code.
    Assignment,
    /// Releases of foreign guests: hand-written wasm without a Plan. A place that does not want any
    /// simply has no such key in its ring.
    Foreign,
}

impl Role {
    /// The word used in key files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Assignment => "assignment",
            Self::Foreign => "foreign",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a key guards anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The secret is kept secret.
    Production,
    /// Made for convenience on a developer's machine; whatever it signs is marked as such.
    Development,
}

impl Standing {
    /// The word used in key files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

/// Names a public key: the first eight bytes of its SHA-256. A hint for look-up, never a proof.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// An Ed25519 public key, as its 32 bytes; whether they are a point is found out when it is used.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// The key's identifier.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let Digest([a, b, c, d, e, f, g, h, ..]) = Digest::of(&self.0);
        KeyId([a, b, c, d, e, f, g, h])
    }

    /// Verifies `signature` over the concatenated `message` with the checks of `verify_strict`, which
    /// itself takes one slice only: a Sig_structure need not be copied together on a microcontroller.
    pub(crate) fn verify(&self, message: &[&[u8]], signature: &[u8; 64]) -> Result<(), OpenError> {
        let signature = Signature::from_bytes(signature);
        let point = |bytes| VerifyingKey::from_bytes(bytes).map_err(|_| OpenError::BadSignature);
        let (key, commitment) = (point(&self.0)?, point(signature.r_bytes())?);
        // RFC 8032 leaves small-order points open; one signature must not fit many messages or keys.
        if key.is_weak() || commitment.is_weak() {
            return Err(OpenError::BadSignature);
        }
        key.multipart_verify(message, &signature).map_err(|_| OpenError::BadSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// A public key and what it is trusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrustedKey {
    /// The key.
    pub public: PublicKey,
    /// What it may sign.
    pub role: Role,
    /// Whether it guards anything.
    pub standing: Standing,
}

/// The keys that a place trusts: borrowed, so that firmware keeps them in flash.
#[derive(Debug, Clone, Copy)]
pub struct Keyring<'k> {
    keys: &'k [TrustedKey],
}

impl<'k> Keyring<'k> {
    /// Trusts `keys` and no other.
    #[must_use]
    pub const fn new(keys: &'k [TrustedKey]) -> Self {
        Self { keys }
    }

    /// All keys.
    #[must_use]
    pub const fn keys(&self) -> &'k [TrustedKey] {
        self.keys
    }

    /// The key named `id` that has one of `roles`. One public key may be enrolled under several roles.
    pub(crate) fn find(&self, id: KeyId, roles: &[Role]) -> Result<&'k TrustedKey, OpenError> {
        let mut error = OpenError::UnknownKey { id };
        for key in self.keys.iter().filter(|key| key.public.id() == id) {
            if roles.contains(&key.role) {
                return Ok(key);
            }
            if let Some(&needed) = roles.first() {
                error = OpenError::WrongRole { needed, role: key.role };
            }
        }
        Err(error)
    }
}

/// A secret key and what it is meant to sign. Never printed by `Debug`; see [`SigningKey::to_text`].
#[derive(Clone)]
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    role: Role,
    standing: Standing,
}

impl SigningKey {
    /// The key whose secret is `seed`: 32 bytes from the caller's cryptographic random source.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32], role: Role, standing: Standing) -> Self {
        Self { secret: ed25519_dalek::SigningKey::from_bytes(seed), role, standing }
    }

    /// What it is meant to sign.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether it guards anything.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.secret.verifying_key().to_bytes())
    }

    /// The public half with its role, as a ring takes it.
    #[must_use]
    pub fn trusted(&self) -> TrustedKey {
        TrustedKey { public: self.public(), role: self.role, standing: self.standing }
    }

    pub(crate) fn seed(&self) -> &[u8; 32] {
        self.secret.as_bytes()
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer as _;
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {} {:?})", self.role, self.standing.name(), self.public().id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `verify_strict` itself says.
    fn strict(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&key.0)
            .and_then(|key| key.verify_strict(message, &Signature::from_bytes(signature)))
            .is_ok()
    }

    #[test]
    fn signatures_that_fit_any_message_are_refused() {
        // A = R = the identity and s = 0 satisfy the group equation for every message.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        let key = PublicKey(identity);
        assert!(!strict(&key, b"anything", &signature));
        assert_eq!(key.verify(&[b"anything"], &signature), Err(OpenError::BadSignature));
    }

    proptest! {
        #[test]
        fn piecewise_verification_is_verify_strict(
            seed in any::<[u8; 32]>(),
            message in proptest::collection::vec(any::<u8>(), 0..64),
            cut in any::<prop::sample::Index>(),
            flip in proptest::option::of((0usize..64, 1u8..)),
        ) {
            use ed25519_dalek::Signer as _;
            let key = SigningKey::from_seed(&seed, Role::Release, Standing::Production);
            let mut signature = key.secret.sign(&message).to_bytes();
            if let Some((at, change)) = flip {
                signature[at] ^= change;
            }
            let (head, tail) = message.split_at(cut.index(message.len() + 1));
            let public = key.public();
            let whole = strict(&public, &message, &signature);
            prop_assert_eq!(whole, flip.is_none());
            prop_assert_eq!(public.verify(&[head, tail], &signature).is_ok(), whole);
        }
    }
}
