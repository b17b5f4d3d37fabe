//! Who the device is and whom it trusts: one sector, written at the factory.
//!
//! Magic, the lengths of the four names and the number of keys, the names (64 bytes each, filled up with zeros), the
//! keys (34 bytes each: key, role, standing), SHA-256 of all that.

use heapless::{String, Vec};
use mote_fleet::{Config, Limits};
use mote_seal::{Class, Digest, Keyring, PublicKey, Role, Standing, TrustedKey};

use crate::capacity::{CHUNK_BYTES, KEYS, NAME_BYTES, WINDOW_CHUNKS};
use crate::error::BootError;
use crate::flash::{view, write_padded};
use crate::layout::Layout;
use crate::port::Flash;

const MAGIC: [u8; 8] = *b"MIDENT01";
const NAMES: usize = 4;
const KEY_BYTES: usize = 34;
const HEAD: usize = MAGIC.len() + NAMES + 4;
const BODY: usize = HEAD + NAMES * NAME_BYTES + KEYS * KEY_BYTES;
const BYTES: usize = BODY + 32;

/// A name of a fleet, device, model or variant.
pub type Name = String<NAME_BYTES>;

/// Who the device is and whom it trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The fleet's name.
    pub fleet: Name,
    /// The device's name.
    pub device: Name,
    /// The one model that it runs.
    pub model: Name,
    /// Which of the Plans for microcontrollers it takes.
    pub variant: Name,
    /// The keys it trusts.
    pub keys: Vec<TrustedKey, KEYS>,
}

impl Identity {
    /// Reads what was provisioned.
    ///
    /// # Errors
    /// [`BootError::NoIdentity`] where nothing whole stands.
    pub fn read<F: Flash>(flash: &F, layout: &Layout) -> Result<Self, BootError> {
        let bytes = view(flash, layout.identity, BYTES as u32)?;
        Self::decode(bytes).ok_or(BootError::NoIdentity)
    }

    /// The settings of the update machine that follow from this, with this crate's capacities and `max_bytes` of
    /// [`Layout::max_bytes`].
    #[must_use]
    pub fn config(&self, runtime: &'static str, max_bytes: u32, limits: Limits) -> Config<'_> {
        Config {
            fleet: &self.fleet,
            device: &self.device,
            model: &self.model,
            ring: Keyring::new(&self.keys),
            class: Class::Mcu,
            variant: &self.variant,
            runtime,
            max_bytes: u64::from(max_bytes),
            chunk_bytes: CHUNK_BYTES,
            window: WINDOW_CHUNKS,
            limits,
        }
    }

    pub(crate) fn write<F: Flash>(&self, flash: &mut F, offset: u32) -> Result<(), BootError> {
        const { assert!(F::ERASE_SIZE >= BYTES, "a sector holds an identity") };
        Ok(write_padded(flash, offset, &self.encode())?)
    }

    fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let (body, digest) = bytes.split_at_mut(BODY);
        let (head, rest) = body.split_at_mut(HEAD);
        let (names, keys) = rest.split_at_mut(NAMES * NAME_BYTES);
        let texts = [&self.fleet, &self.device, &self.model, &self.variant];
        let lengths = texts.map(|text| text.len() as u8).into_iter().chain([self.keys.len() as u8]);
        for (to, byte) in head.iter_mut().zip(MAGIC.into_iter().chain(lengths)) {
            *to = byte;
        }
        for (place, text) in names.chunks_exact_mut(NAME_BYTES).zip(texts) {
            place.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
        }
        for (place, key) in keys.chunks_exact_mut(KEY_BYTES).zip(&self.keys) {
            let stated = key.public.0.into_iter().chain([role_code(key.role), standing_code(key.standing)]);
            place.iter_mut().zip(stated).for_each(|(to, byte)| *to = byte);
        }
        digest.copy_from_slice(&Digest::of(body).0);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_at_checked(BODY)?;
        if digest != Digest::of(body).0 || !body.starts_with(&MAGIC) {
            return None;
        }
        let (head, rest) = body.split_at_checked(HEAD)?;
        let (names, keys) = rest.split_at_checked(NAMES * NAME_BYTES)?;
        let lengths = head.get(MAGIC.len()..)?;
        let name = |index: usize| -> Option<Name> {
            let place = names.chunks_exact(NAME_BYTES).nth(index)?;
            let text = core::str::from_utf8(place.get(..usize::from(*lengths.get(index)?))?).ok()?;
            Name::try_from(text).ok()
        };
        let count = usize::from(*lengths.get(NAMES)?);
        let keys: Option<Vec<_, KEYS>> = keys.chunks_exact(KEY_BYTES).take(count).map(read_key).collect();
        Some(Self { fleet: name(0)?, device: name(1)?, model: name(2)?, variant: name(3)?, keys: keys? })
    }
}

fn read_key(bytes: &[u8]) -> Option<TrustedKey> {
    let (public, [role, standing]) = bytes.split_first_chunk()? else { return None };
    let role = [Role::Release, Role::Assignment, Role::Foreign].into_iter().find(|&known| role_code(known) == *role)?;
    let standing =
        [Standing::Production, Standing::Development].into_iter().find(|&known| standing_code(known) == *standing)?;
    Some(TrustedKey { public: PublicKey(*public), role, standing })
}

const fn role_code(role: Role) -> u8 {
    match role {
        Role::Release => 1,
        Role::Assignment => 2,
        Role::Foreign => 3,
    }
}

const fn standing_code(standing: Standing) -> u8 {
    match standing {
        Standing::Production => 1,
        Standing::Development => 2,
    }
}
