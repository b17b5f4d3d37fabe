//! What JavaScript is asked to do, and what it is asked to keep.

use mote_fleet::{Keep, Part, Slot};
use wasm_bindgen::prelude::wasm_bindgen;

/// Something to do.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// Make `bytes`, the record, and everything kept so far durable, then say `persisted`; nothing follows before.
    Persist,
    /// Publish `bytes` on `topic` with `qos` and `retain`.
    Publish,
    /// Subscribe to `topic`, and no longer to the one subscribed to by the action before.
    Subscribe,
    /// Order: forget all kept bytes but the manifest.
    Prepare,
    /// Order: `verify` what has been kept.
    Verify,
    /// Order: compile what has been kept, and remember it by `release`.
    Stage,
    /// Order: run the golden vectors (`selfTest`).
    SelfTest,
    /// Order: answer with `release` from the next inference on.
    Activate,
    /// Order: answer with no model.
    Deactivate,
}

/// An action. Orders carry a `ticket` to report them under.
#[wasm_bindgen(getter_with_clone)]
#[derive(Debug, Clone)]
pub struct Action {
    /// What to do.
    pub kind: ActionKind,
    /// The order's ticket.
    pub ticket: u32,
    /// The release that an order is about: SHA-256 of its document, in hex.
    pub release: String,
    /// Where to.
    pub topic: String,
    /// What.
    pub bytes: Vec<u8>,
    /// 0 or 1.
    pub qos: u8,
    /// Whether the broker keeps it.
    pub retain: bool,
}

impl Action {
    fn plain(kind: ActionKind) -> Self {
        let (release, topic, bytes) = (String::new(), String::new(), Vec::new());
        Self { kind, ticket: 0, release, topic, bytes, qos: 0, retain: false }
    }

    pub(super) fn persist(record: &[u8]) -> Self {
        Self { bytes: record.into(), ..Self::plain(ActionKind::Persist) }
    }

    pub(super) fn publish(topic: &str, bytes: Vec<u8>, qos: u8, retain: bool) -> Self {
        Self { topic: topic.into(), bytes, qos, retain, ..Self::plain(ActionKind::Publish) }
    }

    pub(super) fn subscribe(topic: &str) -> Self {
        Self { topic: topic.into(), ..Self::plain(ActionKind::Subscribe) }
    }

    pub(super) fn order(kind: ActionKind, ticket: u32, slot: Option<&Slot>) -> Self {
        let release = slot.map(|slot| slot.release.to_string()).unwrap_or_default();
        Self { ticket, release, ..Self::plain(kind) }
    }
}

/// Which bytes are kept.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptPart {
    /// The release document; it replaces any kept before.
    Manifest,
    /// A piece of the golden vectors.
    Golden,
    /// A piece of the artifact.
    Artifact,
}

/// Bytes to keep before anything else is done. The next `Persist` makes them durable.
#[wasm_bindgen(getter_with_clone)]
#[derive(Debug, Clone)]
pub struct Kept {
    /// Of what.
    pub part: KeptPart,
    /// Where in it, in bytes.
    pub offset: f64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl From<Keep<'_>> for Kept {
    fn from(keep: Keep<'_>) -> Self {
        match keep {
            Keep::Manifest(bytes) => Self { part: KeptPart::Manifest, offset: 0.0, bytes: bytes.into() },
            Keep::Chunk { part, offset, bytes } => {
                let part = match part {
                    Part::Golden => KeptPart::Golden,
                    Part::Artifact => KeptPart::Artifact,
                };
                // Offsets stay below the 64 MiB or so that a page takes.
                Self { part, offset: offset as f64, bytes: bytes.into() }
            }
        }
    }
}
