//! What the device answers, held to the bits of the native engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mote_gateway::background::Background;
use mote_gateway::link::rumqtt::{Broker, connect};
use mote_gateway::link::{Delivery, Events, Link, LinkEvent, Message};
use serde_json::Value;

use crate::PATIENCE;

/// Where the device publishes its answers.
pub(crate) const TOPIC: &str = "answers/watch";
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) version: u64,
    /// `None` for what JSON cannot say.
    pub(crate) score: Option<f32>,
}

/// Everything answered so far.
pub(crate) struct Answers {
    heard: Arc<Mutex<Vec<Answer>>>,
    link: Link,
}

impl Answers {
    /// Listens from here on.
    pub(crate) fn listen(background: &Background, port: u16) -> Self {
        let (link, mut events) = client(background, port, "listener");
        link.subscribe(TOPIC);
        // A message to oneself proves that the subscription stands.
        let payload = b"?".to_vec();
        link.publish(Message { topic: TOPIC.into(), payload, delivery: Delivery::AtLeastOnce, retain: false }).unwrap();
        let (proof, proved) = std::sync::mpsc::channel();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&heard);
        thread::spawn(move || {
            while let Some(event) = events.blocking_recv() {
                let LinkEvent::Arrived { payload, .. } = event else { continue };
                match serde_json::from_slice::<Value>(&payload) {
                    Ok(answer) => own.lock().unwrap_or_else(PoisonError::into_inner).push(Answer::of(&answer)),
                    // Nobody may wait for it any more.
                    Err(_) => _ = proof.send(()),
                }
            }
        });
        proved.recv_timeout(PATIENCE).unwrap();
        Self { heard, link }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits for an answer of this version that comes from here on.
    pub(crate) fn await_version(&self, version: u64) {
        let (from, deadline) = (self.count(), Instant::now() + PATIENCE);
        while !self.after(from).iter().any(|answer| answer.version == version) {
            assert!(Instant::now() < deadline, "version {version} does not answer; {:?}", self.after(from));
            thread::sleep(LOOK);
        }
    }

    /// Every number answered so far has the bits of some window by the Plan of its version. `scores` is asked for each
    /// version.
    pub(crate) fn check(&self, mut scores: impl FnMut(u64) -> BTreeSet<u32>) {
        let mut known = BTreeMap::new();
        for Answer { version, score } in self.after(0) {
            let Some(score) = score else { continue };
            let known = known.entry(version).or_insert_with(|| scores(version));
            assert!(known.contains(&score.to_bits()), "version {version} never answers {score}");
        }
    }

    fn after(&self, from: usize) -> Vec<Answer> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)[from..].to_vec()
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.link.close();
    }
}

impl Answer {
    fn of(answer: &Value) -> Self {
        Self { version: answer["version"].as_u64().unwrap(), score: answer["score"].as_f64().map(|score| score as f32) }
    }
}

/// A client of the broker on this port.
pub(crate) fn client(background: &Background, port: u16, name: &str) -> (Link, Events) {
    let broker = Broker::plain("127.0.0.1", port, name);
    background.wait(async { connect(broker) })
}
