//! Listens to the broker as anybody could: answers go into the ledger, update events to the screen.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mote_gateway::background::Background;
use mote_gateway::link::{Delivery, Events, Link, LinkEvent, Message};
use mote_wire::{Body, Event, EventKind, Filter, Place, Topic, Up};

use super::ledger::{Answer, Shared};
use super::screen::Screen;
use super::site::{FLEET, Site};
use crate::report::Failure;

/// A topic below the answers that no device has: its message proves that the subscriptions stand.
const PROBE: &str = "_probe";
/// How long that may take.
const START: Duration = Duration::from_secs(30);

/// Starts to listen, and waits until nothing can be missed any more.
pub(super) fn start(site: &Site, background: &Background, ledger: &Arc<Shared>, screen: Screen) -> Result<(), Failure> {
    let (link, events) = site.connect(background, "observer");
    let events_of_fleet = Filter::Every { fleet: FLEET, channel: Up::Event }.text();
    link.subscribe(&*events_of_fleet.map_err(|error| Failure::execution("demo.observer", error))?);
    link.subscribe(Site::answers("+"));
    let probe =
        Message { topic: Site::answers(PROBE), payload: b"?".to_vec(), delivery: Delivery::AtLeastOnce, retain: false };
    link.publish(probe).map_err(|error| Failure::execution("demo.observer", error))?;

    let (hear, heard) = std::sync::mpsc::channel::<()>();
    let ledger = Arc::clone(ledger);
    let listen = move || {
        let mut hear = Some(hear);
        follow(&link, events, |topic, payload| {
            let Some(device) = topic.strip_prefix(&Site::answers("")) else { return event(topic, payload, screen) };
            if device == PROBE {
                hear.take();
            } else if let Ok(answer) = serde_json::from_slice::<Answer>(payload) {
                ledger.enter(device, &answer).iter().for_each(|line| screen.say(line));
            }
        });
    };
    let spawned = thread::Builder::new().name("observer".into()).spawn(listen);
    spawned.map_err(|error| Failure::execution("demo.thread", error))?;
    // The probe ends the channel without a message.
    match heard.recv_timeout(START) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
            Err(Failure::execution("demo.observer", "the broker does not deliver").at("the embedded broker"))
        }
        _ => Ok(()),
    }
}

/// Hands on every message until the link ends. Keeps the link alive meanwhile.
fn follow(_link: &Link, mut events: Events, mut take: impl FnMut(&str, &[u8])) {
    while let Some(event) = events.blocking_recv() {
        if let LinkEvent::Arrived { topic, payload } = event {
            take(&topic, &payload);
        }
    }
}

fn event(topic: &str, payload: &[u8], screen: Screen) {
    let Ok(Topic { place: Place::Up { device, channel: Up::Event }, .. }) = Topic::parse(topic) else { return };
    if let Ok(Event { kind: EventKind::Entered, state, version, .. }) = Event::decode(payload)
        && version > 0
    {
        screen.say(format_args!("{device:<9} version {version}: {state}"));
    }
}
