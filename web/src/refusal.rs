//! What is thrown at JavaScript; the package turns it into a `MoteError`.

use mote_seal::{KeyTextError, OpenError};
use mote_stream::StreamError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Why something was refused: a code for programs, a sentence for people, and what to do where that is known.
#[wasm_bindgen]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: &'static str,
    message: String,
    hint: Option<&'static str>,
}

#[wasm_bindgen]
impl Refusal {
    /// Stable, lower-case, in dotted words.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn code(&self) -> String {
        self.code.to_owned()
    }

    /// The culprit and the facts.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn message(&self) -> String {
        self.message.clone()
    }

    /// What to do.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint.map(str::to_owned)
    }
}

impl Refusal {
    /// A refusal in the words of `error`.
    pub(crate) fn of(code: &'static str, error: impl std::fmt::Display, hint: Option<&'static str>) -> Self {
        Self { code, message: error.to_string(), hint }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        let damaged = Some("the file is damaged or was tampered with; fetch it again");
        let (code, hint) = match error {
            OpenError::BadMagic => {
                ("seal.magic", Some("`mote release` writes sealed models; damaged if it was sent as text"))
            }
            OpenError::UnsupportedVersion { .. } => ("seal.version", Some("update the package")),
            OpenError::TooLong { .. } => ("seal.too-long", None),
            OpenError::UnknownKey { .. } => {
                ("seal.unknown-key", Some("pass the publisher's public key file to Keys.from"))
            }
            OpenError::WrongRole { .. } => ("seal.role", Some("models are signed by keys of the role `release`")),
            OpenError::BadSignature => ("seal.signature", damaged),
            OpenError::WrongModel => ("seal.model", None),
            OpenError::NoArtifactFor { .. } => {
                ("seal.no-artifact", Some("seal the model for browsers; a gateway's file does not run in a page"))
            }
            OpenError::BelowFloor { .. } => ("seal.below-floor", None),
            OpenError::WrongLength { .. } => {
                ("seal.length", Some("the file is damaged, or is its release's file for another place than a page"))
            }
            OpenError::WrongDigest => ("seal.digest", damaged),
            _ => ("seal.malformed", damaged),
        };
        Self::of(code, error, hint)
    }
}

impl From<KeyTextError> for Refusal {
    fn from(error: KeyTextError) -> Self {
        Self::of("key.malformed", error, Some("one `mote-public-1 ...` line per key, as `mote keygen` writes FILE.pub"))
    }
}

impl From<StreamError> for Refusal {
    fn from(error: StreamError) -> Self {
        let code = match error {
            StreamError::WrongLength { .. } => "stream.length",
            StreamError::BadRule => "stream.rule",
            _ => "stream.shape",
        };
        Self::of(code, error, None)
    }
}
