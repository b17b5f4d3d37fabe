//! What a host tells the device and what the device asks of its host.

use mote_seal::Blob;
use mote_wire::{Chunk, Get, MAX_WINDOW};

use crate::Trouble;
use crate::record::{RECORD_BYTES, Slot};

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'e> {
    /// Time has passed. Any event says that too; this one says nothing else.
    Tick,
    /// The link is up and `dn/#` is subscribed. `session` is the number that the birth message carries.
    Connected {
        /// Drawn anew for each connection.
        session: u64,
    },
    /// The link is down.
    Disconnected,
    /// A message on `dn/want`: a signed assignment.
    Want(&'e [u8]),
    /// A message on `_pub/rel/...`: a signed release.
    Release(&'e [u8]),
    /// A message on `dn/c/...`.
    Chunk(Chunk<'e>),
    /// A message on `dn/ask` that asks for the twin.
    Ask {
        /// Its nonce.
        nonce: u64,
    },
    /// The bytes of the last [`Action::Persist`] are durable.
    Persisted,
    /// An order has been carried out, or not.
    Done {
        /// The order's ticket.
        ticket: u32,
        /// How it went.
        result: Result<(), Trouble>,
    },
    /// What [`Keep`] asked for could not be stored.
    StorageFailed,
    /// The active model answered, or did not.
    Outcomes(Outcomes),
    /// Updates are not welcome (power, shift, user), or are again.
    Hold(Hold),
}

/// Whether updates are welcome. A running trial is finished either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Hold {
    /// They are.
    #[default]
    Off,
    /// They wait.
    On,
}

/// Inferences of the active model since the last such event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Outcomes {
    /// Those that gave an answer in time.
    pub answered: u32,
    /// Those that did not.
    pub failed: u32,
}

/// What to store before anything else is done with the event: the staging area is the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep<'e> {
    /// The manifest of the release that is about to be fetched; it replaces any kept before.
    Manifest(&'e [u8]),
    /// Bytes of one part. [`Action::Persist`] makes them durable too.
    Chunk {
        /// Of which part.
        part: Part,
        /// Where in it, in bytes.
        offset: u64,
        /// The bytes.
        bytes: &'e [u8],
    },
}

/// What is fetched, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The golden vectors, if the release has any.
    Golden = 0,
    /// The artifact.
    Artifact = 1,
}

/// Something to do. Carried out in the order given; [`Action::Persist`] alone holds up what follows.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "no allocator to box with; one action lives at a time")]
pub enum Action {
    /// Make these bytes and everything kept so far durable, then say [`Event::Persisted`]; until then there is
    /// no further action. See [`crate::newest`] for where to write them. If storage refuses, try again or
    /// restart: the device goes nowhere without it, and what runs keeps running.
    Persist([u8; RECORD_BYTES]),
    /// Carry out an order, then say [`Event::Done`]. A new order takes the place of one not done yet.
    Work(Order),
    /// Subscribe to the wanted release's topic (again, if already subscribed, so that it is sent again).
    FetchRelease {
        /// The release's version; the model is the device's.
        version: u64,
    },
    /// Publish on `up/get`.
    Request(Request),
    /// Publish on `up/e`.
    PublishEvent(mote_wire::Event),
    /// Publish [`crate::Device::twin`] on `up/twin`, retained.
    PublishTwin,
}

/// Work, and the ticket to report it under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Names this order.
    pub ticket: u32,
    /// What to do.
    pub work: Work,
}

/// Work that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Make room for both parts and forget any bytes of them. The good model's storage is not touched.
    Prepare {
        /// The golden vectors, if any.
        golden: Option<Blob>,
        /// The artifact.
        artifact: Blob,
    },
    /// Open the kept manifest and artifact with [`crate::Device::target`], and the golden vectors by their digest.
    Verify(Slot),
    /// Compile, or write to its place; remember it by `release`.
    Stage(Slot),
    /// Run the golden vectors.
    SelfTest(Slot),
    /// Run beside the active model on live inputs and compare.
    Shadow(Slot),
    /// Answer with this model from the next inference on.
    Activate(Slot),
    /// Answer with no model.
    Deactivate,
}

/// A chunk request, with its bitmap inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    digest: [u8; 32],
    xfer: u32,
    chunk_bytes: u32,
    first: u32,
    window: [u8; MAX_WINDOW],
    length: usize,
    credit: u16,
}

impl Request {
    pub(crate) fn new(digest: [u8; 32], xfer: u32, chunk_bytes: u32, first: u32) -> Self {
        let window = [0; MAX_WINDOW];
        Self { digest, xfer, chunk_bytes, first, window, length: 0, credit: 0 }
    }

    /// Adds a chunk at or above `first`, within one window of it.
    pub(crate) fn want(&mut self, index: u32) {
        let bit = index.saturating_sub(self.first);
        let at = (bit / 8) as usize;
        if let Some(byte) = self.window.get_mut(at) {
            *byte |= 1 << (bit % 8);
            self.length = self.length.max(at + 1);
            self.credit += 1;
        }
    }

    /// The body to publish.
    #[must_use]
    pub fn get(&self) -> Get<'_> {
        Get {
            digest: self.digest,
            xfer: self.xfer,
            chunk_bytes: self.chunk_bytes,
            first: self.first,
            window: self.window.get(..self.length).unwrap_or_default(),
            credit: self.credit,
        }
    }
}
