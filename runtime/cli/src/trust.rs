//! From bytes to [`Opened`], which is all that a host takes. A plain local file is signed in memory with this user's
//! development key first, and says so: there is one path, and no second constructor.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mote_host::{ForeignConfig, Host, HostConfig, LoadError, Model, Wasi};
use mote_release::{Draft, Target};
use mote_seal::{
    Class, Hashed, Kind, OpenError, Opened, Role, Sealed, Standing, Target as Place, TrustedKey, check_release,
};

use crate::args::{CodeArgs, TrustArgs};
use crate::console::Console;
use crate::report::Failure;
use crate::source::{Artifact, guest_image};
use crate::{keys, places};

/// Instances that one command has at once, with room for comparisons.
const SLOTS: u32 = 8;

/// An artifact with the manifest that vouches for it and the keys that are trusted.
pub(crate) struct Vouched {
    artifact: Hashed<Arc<[u8]>>,
    manifest: Vec<u8>,
    ring: Vec<TrustedKey>,
    hash_time: Duration,
}

impl Vouched {
    /// Signs a plain file for this run.
    pub(crate) fn locally(artifact: Artifact, console: Console) -> Result<Self, Failure> {
        let (draft, key) = match artifact.kind {
            Kind::Foreign => {
                let key = keys::generate(Role::Foreign, Standing::Development)?;
                (Draft::foreign("foreign", artifact.bytes), key)
            }
            kind => (Draft::of_file(kind, artifact.bytes, &[Target::Gateway])?, keys::development()?),
        };
        let manifest = draft.vouch(&key)?;
        let bytes = draft.artifacts().first().map(|artifact| Arc::clone(&artifact.bytes)).unwrap_or_default();
        let (bytes, hash_time) = hashed(bytes);
        console.note(format_args!("signed for this run with development key {}", key.public().id()));
        Ok(Self { artifact: bytes, manifest, ring: vec![key.trusted()], hash_time })
    }

    /// Takes a sealed file apart; the keys of the options vouch for it.
    pub(crate) fn sealed(bytes: &[u8], trust: &TrustArgs) -> Result<Self, Failure> {
        let sealed = Sealed::split(bytes).map_err(|error| refused(&error))?;
        let (artifact, hash_time) = hashed(sealed.artifact.into());
        Ok(Self { artifact, manifest: sealed.manifest.to_vec(), ring: keys::ring(&trust.keys)?, hash_time })
    }

    /// How long hashing the artifact took.
    pub(crate) fn hash_time(&self) -> Duration {
        self.hash_time
    }

    /// Checks everything. A sealed file is opened as the artifact that it holds, wherever that is meant to run.
    pub(crate) fn open(&self) -> Result<Opened<'_>, Failure> {
        let ring = mote_seal::Keyring::new(&self.ring);
        let checked = check_release(&self.manifest, &ring).map_err(|error| refused(&error))?;
        let release = *checked.release();
        let held = release.artifacts.iter().find(|listed| listed.blob.digest == self.artifact.digest());
        let listed = held.or_else(|| release.artifacts.iter().next());
        let (class, variant) = listed.map_or((Class::Gateway, ""), |listed| (listed.class, listed.variant));
        let target = Place { class, variant, model: None, floor: release.floor, max_bytes: u64::MAX };
        checked.select(&target).and_then(|found| found.open_hashed(&self.artifact)).map_err(|error| refused(&error))
    }
}

fn hashed(bytes: Arc<[u8]>) -> (Hashed<Arc<[u8]>>, Duration) {
    let start = Instant::now();
    let hashed = Hashed::new(bytes);
    (hashed, start.elapsed())
}

/// What the seal says is wrong, with what to do about it.
pub(crate) fn refused(error: &OpenError) -> Failure {
    let failure = Failure::model("seal.refused", error).at("the seal");
    match error {
        OpenError::UnknownKey { .. } => failure.hint("name the publisher's key file with --keys FILE"),
        OpenError::WrongDigest | OpenError::WrongLength { .. } | OpenError::BadSignature => {
            failure.hint("the file is damaged or was tampered with; fetch it again")
        }
        OpenError::BadMagic => failure.hint("damaged, or transferred as text"),
        _ => failure,
    }
}

/// The host of one command.
pub(crate) fn host(trust: &TrustArgs) -> Result<Host, Failure> {
    let foreign = trust.foreign.wasi().map(|wasi| ForeignConfig { wasi });
    let cache_dir = if trust.no_cache { None } else { places::cache_dir() };
    Host::new(&HostConfig { slots: SLOTS, cache_dir, foreign }).map_err(|error| {
        Failure::usage("host.set-up", error)
            .hint("--no-cache runs without a code cache; `mote doctor` shows what there is")
    })
}

/// Loads what was opened with the options of the command line.
pub(crate) fn load(host: &Host, opened: &Opened<'_>, code: &CodeArgs, console: Console) -> Result<Model, Failure> {
    let _progress = console.progress("compiling for this machine");
    let loaded = if opened.kind() == Kind::Foreign {
        host.load_foreign(opened, mote_host::Limits::default())
    } else {
        let options = mote_host::LoadOptions {
            code: code.code.into(),
            profile: code.profile.into(),
            limits: mote_host::Limits::default(),
        };
        host.load(opened, &guest_image(), &options)
    };
    loaded.map_err(|error| unloadable(&error))
}

/// What the host says is wrong, with what to do about it.
pub(crate) fn unloadable(error: &LoadError) -> Failure {
    let failure = Failure::model("host.refused", error);
    match error {
        LoadError::ForeignDisabled => failure.hint("--foreign sandbox enables hand-written guests"),
        LoadError::NoCodeInFile => failure.hint("--code derived, or weld it: mote compile X.onnx -o X.wasm"),
        LoadError::ImportRefused { .. } => failure.hint("--foreign wasi gives clocks, random bytes and stderr"),
        _ => failure,
    }
}

impl crate::args::ForeignArg {
    fn wasi(self) -> Option<Wasi> {
        match self {
            Self::Refuse => None,
            Self::Sandbox => Some(Wasi::Refused),
            Self::Wasi => Some(Wasi::Subset),
        }
    }
}
