//! An artifact and the development-signed release that names it, in memory.

use mote_seal::{
    Artifact, Blob, Class, Digest, Keyring, Kind, Limits, OpenError, Opened, Release, Role, SigningKey, Standing,
    Target, TrustedKey, open_detached, sign_release,
};

/// What a gateway of the tests takes.
pub const TARGET: Target<'static> =
    Target { class: Class::Gateway, variant: "generic", model: None, floor: 0, max_bytes: 1 << 31 };

/// See the file.
pub struct Signed {
    artifact: Vec<u8>,
    manifest: Vec<u8>,
    keys: [TrustedKey; 1],
}

impl Signed {
    /// Signs one artifact for gateways.
    #[must_use]
    pub fn new(artifact: Vec<u8>, kind: Kind) -> Self {
        Self::limited(artifact, kind, Limits::default())
    }

    /// Signs one artifact for gateways, with limits stated in the release.
    ///
    /// # Panics
    /// Never: the release is a sound one.
    #[must_use]
    pub fn limited(artifact: Vec<u8>, kind: Kind, limits: Limits) -> Self {
        let role = if kind == Kind::Foreign { Role::Foreign } else { Role::Release };
        let key = SigningKey::from_seed(&[7; 32], role, Standing::Development);
        let blob = Blob { digest: Digest::of(&artifact), length: artifact.len() as u64 };
        let listed = [Artifact { class: Class::Gateway, variant: "generic", kind, blob }];
        let release = Release {
            model: "test",
            version: 1,
            floor: 0,
            artifacts: listed.as_slice().into(),
            golden: None,
            limits,
            compiler: "test",
        };
        let manifest = sign_release(&release, &key).unwrap();
        Self { artifact, manifest, keys: [key.trusted()] }
    }

    /// The sealed file.
    ///
    /// # Panics
    /// Never: the manifest is a short one.
    #[must_use]
    pub fn sealed(&self) -> Vec<u8> {
        mote_seal::seal(&self.manifest, &self.artifact).unwrap()
    }

    /// The text of the file of keys that a gateway trusts.
    #[must_use]
    pub fn key_text(&self) -> String {
        format!("{}\n", self.keys[0])
    }

    /// Opens it.
    ///
    /// # Errors
    /// What opening says, which here it has no reason to.
    pub fn open(&self) -> Result<Opened<'_>, OpenError> {
        open_detached(&self.manifest, &self.artifact, &Keyring::new(&self.keys), &TARGET)
    }
}
