//! The keys that a page trusts.

use mote_seal::{Keyring, TrustedKey, parse_keys};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Refusal;

/// Public keys, owned.
#[wasm_bindgen]
#[derive(Debug)]
pub struct KeyRing {
    keys: Vec<TrustedKey>,
}

#[wasm_bindgen]
impl KeyRing {
    /// Reads the text of public key files, as `mote keygen` writes them.
    ///
    /// # Errors
    /// `key.malformed`, or `key.none` for text without a key.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<Self, Refusal> {
        let keys = parse_keys(text).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(Refusal::of("key.none", "no key in this text", Some("`mote keygen` writes FILE.pub")));
        }
        Ok(Self { keys })
    }
}

impl KeyRing {
    /// The ring for opening.
    #[must_use]
    pub fn ring(&self) -> Keyring<'_> {
        Keyring::new(&self.keys)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }
}
