//! The other side of an update: offers signed releases to a fleet, answers requests for their bytes, and sees the twins.
//!
//! Holds no key: it is handed documents that are signed already. Retained messages are a cache that a broker may lose,
//! so everything offered is kept here and published again at every connection.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mote_seal::Digest;
use mote_wire::{
    Body, Counters, Down, Failure, Filter, Get, MAX_DOCUMENT, Place, Progress, Public, Topic, Twin, Up, UpdateState,
    WireError,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::link::{Delivery, Events, Link, LinkEvent, Message, PublishError};

/// A release as it is offered to a fleet.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The model's name.
    pub model: String,
    /// The release's version.
    pub version: u64,
    /// The signed release document.
    pub manifest: Vec<u8>,
    /// Artifacts and golden vectors that the document names by their digests.
    pub blobs: Vec<Vec<u8>>,
}

/// Why something was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// A name that cannot stand in a topic.
    #[error(transparent)]
    Topic(#[from] WireError),
    /// The link does not take the message.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// A device did not come to the expected state in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{device} did not get there within {within:?}; its last twin: {last:?}")]
pub struct NotReached {
    /// The device.
    pub device: String,
    /// How long it was waited for.
    pub within: Duration,
    /// What it last said, if anything.
    pub last: Option<Box<DeviceTwin>>,
}

/// What a device said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceTwin {
    /// Counts the device's starts.
    pub boot: u64,
    /// Counts twins within a boot.
    pub sequence: u64,
    /// Where its update is.
    pub state: UpdateState,
    /// Name, version and release of the model that answers.
    pub running: Option<(String, u64, Digest)>,
    /// Epoch and generation of the last accepted assignment.
    pub stamp: (u64, u64),
    /// The lowest version it still runs.
    pub floor: u64,
    /// How far a transfer has come.
    pub progress: Option<Progress>,
    /// Why its last update did not succeed.
    pub failure: Option<Failure>,
    /// Counts since it was made.
    pub counters: Counters,
    /// Its class, as in releases: 1 gateway, 2 browser, 3 microcontroller.
    pub class: u8,
    /// The artifact of its class that it takes.
    pub variant: String,
}

impl DeviceTwin {
    /// The version that answers.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.running.as_ref().map(|(_, version, _)| *version)
    }
}

impl From<Twin<'_>> for DeviceTwin {
    fn from(twin: Twin<'_>) -> Self {
        Self {
            boot: twin.boot,
            sequence: twin.sequence,
            state: twin.state,
            running: twin.running.map(|running| (running.model.into(), running.version, Digest(running.release))),
            stamp: (twin.epoch, twin.generation),
            floor: twin.floor,
            progress: twin.progress,
            failure: twin.failure,
            counters: twin.counters,
            class: twin.capabilities.class,
            variant: twin.capabilities.variant.into(),
        }
    }
}

/// Offers releases to one fleet until it is dropped.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    fleet: String,
    link: Link,
    store: Mutex<Store>,
    twins: watch::Sender<BTreeMap<String, DeviceTwin>>,
    /// Whether a connection stands, and why none does.
    standing: watch::Sender<Result<(), String>>,
    served: AtomicU64,
}

#[derive(Debug, Default)]
struct Store {
    blobs: BTreeMap<Digest, Arc<[u8]>>,
    /// Retained documents by topic, published again at every connection.
    retained: BTreeMap<String, Vec<u8>>,
}

impl Publisher {
    /// Subscribes to the fleet and starts to answer. Runs on the current tokio runtime.
    ///
    /// # Errors
    /// A fleet whose name cannot stand in a topic.
    pub fn start(link: Link, events: Events, fleet: &str) -> Result<Self, WireError> {
        for channel in [Up::Twin, Up::Get] {
            link.subscribe(&*Filter::Every { fleet, channel }.text()?);
        }
        let shared = Arc::new(Shared {
            fleet: fleet.into(),
            link,
            store: Mutex::default(),
            twins: watch::Sender::new(BTreeMap::new()),
            standing: watch::Sender::new(Err("no answer".into())),
            served: AtomicU64::new(0),
        });
        let task = tokio::spawn(serve(Arc::clone(&shared), events));
        Ok(Self { shared, task })
    }

    /// Waits until a connection to the broker stands.
    ///
    /// # Errors
    /// Why none did in time, for people.
    pub async fn connected(&self, within: Duration) -> Result<(), String> {
        let mut standing = self.shared.standing.subscribe();
        // The sender lives as long as `self`, so this ends with a connection or in time; what is there then tells which.
        let _ = timeout(within, standing.wait_for(Result::is_ok)).await;
        standing.borrow().clone()
    }

    /// Publishes a release and answers requests for its bytes from here on.
    ///
    /// # Errors
    /// See [`OfferError`].
    pub fn offer(&self, offer: Offer) -> Result<(), OfferError> {
        let Offer { model, version, manifest, blobs } = offer;
        let topic = Topic::public(&self.shared.fleet, Public::Release { model: &model, version });
        {
            let mut store = self.shared.store();
            store.blobs.extend(blobs.into_iter().map(|blob| (Digest::of(&blob), blob.into())));
        }
        self.shared.retain(&topic, manifest)
    }

    /// Publishes a signed assignment for a device.
    ///
    /// # Errors
    /// See [`OfferError`].
    pub fn assign(&self, device: &str, assignment: Vec<u8>) -> Result<(), OfferError> {
        self.shared.retain(&Topic::down(&self.shared.fleet, device, Down::Want), assignment)
    }

    /// Answers requests for `digest` with these bytes, whatever their own digest is: what a broken or hostile source
    /// would do.
    pub fn forge(&self, digest: Digest, bytes: Vec<u8>) {
        self.shared.store().blobs.insert(digest, bytes.into());
    }

    /// Waits until the twin of a device is as wanted, and answers it.
    ///
    /// # Errors
    /// If that is not so within the given time.
    pub async fn wait_for(
        &self,
        device: &str,
        within: Duration,
        mut wanted: impl FnMut(&DeviceTwin) -> bool,
    ) -> Result<DeviceTwin, NotReached> {
        let mut twins = self.shared.twins.subscribe();
        let mut found = None;
        let reached = twins.wait_for(|twins| {
            found = twins.get(device).filter(|twin| wanted(twin)).cloned();
            found.is_some()
        });
        // The sender lives as long as `self`, so this ends with what is wanted or in time; `found` tells which.
        let _ = timeout(within, reached).await;
        found.ok_or_else(|| NotReached { device: device.into(), within, last: self.twin(device).map(Box::new) })
    }

    /// The last twin of a device.
    #[must_use]
    pub fn twin(&self, device: &str) -> Option<DeviceTwin> {
        self.shared.twins.borrow().get(device).cloned()
    }

    /// The last twin of every device, as they come.
    pub(crate) fn twins(&self) -> watch::Receiver<BTreeMap<String, DeviceTwin>> {
        self.shared.twins.subscribe()
    }

    /// Chunks sent so far, to all devices.
    #[must_use]
    pub fn chunks_served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.link.close();
        self.task.abort();
    }
}

async fn serve(shared: Arc<Shared>, mut events: Events) {
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Connected { .. } => {
                shared.assert_again();
                _ = shared.standing.send_replace(Ok(()));
            }
            LinkEvent::Disconnected { why } => _ = shared.standing.send_replace(Err(why)),
            LinkEvent::Arrived { topic, payload } => shared.arrived(&topic, &payload),
        }
    }
}

impl Shared {
    /// Others' messages that make no sense are theirs to explain; a publisher goes on.
    fn arrived(&self, topic: &str, payload: &[u8]) {
        let Ok(Topic { place: Place::Up { device, channel }, .. }) = Topic::parse(topic) else { return };
        match channel {
            Up::Twin => {
                if let Ok(twin) = Twin::decode(payload) {
                    self.twins.send_modify(|twins| {
                        twins.insert(device.into(), twin.into());
                    });
                }
            }
            Up::Get => {
                if let Ok(get) = Get::decode(payload) {
                    self.answer(device, &get);
                }
            }
            _ => {}
        }
    }

    /// Sends what was asked for, at most once: what is lost on the way is asked for again.
    fn answer(&self, device: &str, get: &Get<'_>) {
        let Some(blob) = self.store().blobs.get(&Digest(get.digest)).cloned() else { return };
        let Ok(topic) = Topic::down(&self.fleet, device, Down::Chunk { xfer: get.xfer }).text() else { return };
        let mut body = vec![0; MAX_DOCUMENT];
        for chunk in mote_fleet::answer(get, &blob) {
            let Ok(length) = chunk.encode(&mut body) else { return };
            let payload = body.get(..length).unwrap_or_default().to_vec();
            let message = Message { topic: topic.to_string(), payload, delivery: Delivery::AtMostOnce, retain: false };
            if self.link.publish(message).is_err() {
                return;
            }
            self.served.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn retain(&self, topic: &Topic<'_>, payload: Vec<u8>) -> Result<(), OfferError> {
        let topic = topic.text()?.to_string();
        self.link.publish(retained(&topic, &payload))?;
        self.store().retained.insert(topic, payload);
        Ok(())
    }

    fn assert_again(&self) {
        for (topic, payload) in &self.store().retained {
            // An outbox too full for it holds older messages that will reach the broker; the next connection repeats.
            if self.link.publish(retained(topic, payload)).is_err() {
                return;
            }
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Nothing panics while it holds the lock, so a poisoned store is whole.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn retained(topic: &str, payload: &[u8]) -> Message {
    Message { topic: topic.into(), payload: payload.into(), delivery: Delivery::AtLeastOnce, retain: true }
}
