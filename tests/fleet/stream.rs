//! A numbered sensor stream into the gateway, and every answer that comes out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mote_gateway::background::Background;
use mote_gateway::link::rumqtt::{Broker, connect};
use mote_gateway::link::{Delivery, Events, Link, LinkEvent, Message};
use serde_json::Value;

use crate::PATIENCE;
use crate::models::{CHANNELS, WINDOW, folder, plan, winning_score};

/// Samples per second.
pub(crate) const RATE: u32 = 600;
const SENSOR: &str = "sensors/wrist/motion";
const ANSWERS: &str = "answers/wrist";
/// Every so many answers is computed again by the native engine.
const CHECKED: u64 = 29;

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) version: u64,
    pub(crate) score: f32,
}

/// The stream and its answers.
pub(crate) struct Stream {
    shared: Arc<Shared>,
    sender: JoinHandle<u64>,
    listener: Link,
}

struct Shared {
    samples: Vec<[f32; CHANNELS]>,
    stop: AtomicBool,
    /// Whether samples are so large that any model's answer is NaN.
    overload: AtomicBool,
    sent: AtomicU64,
    /// Answers by the number of their window's last sample.
    answers: Mutex<BTreeMap<u64, Vec<Answer>>>,
}

impl Stream {
    /// Listens for answers, then sends samples until it is stopped.
    pub(crate) fn start(background: &Background, port: u16) -> Self {
        let shared = Arc::new(Shared {
            samples: recorded(),
            stop: AtomicBool::new(false),
            overload: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            answers: Mutex::default(),
        });
        let (listener, heard) = client(background, port, "listener");
        listener.subscribe(ANSWERS);
        // A message to oneself proves that the subscription stands.
        listener.publish(message(ANSWERS, b"?".to_vec())).unwrap();
        let (proof, proved) = std::sync::mpsc::channel();
        let own = Arc::clone(&shared);
        thread::spawn(move || own.listen(heard, &proof));
        proved.recv_timeout(PATIENCE).unwrap();

        let (link, events) = client(background, port, "wrist");
        let own = Arc::clone(&shared);
        let sender = thread::spawn(move || own.send(&link, events));
        Self { shared, sender, listener }
    }

    /// Makes every model's answers NaN, or stops to.
    pub(crate) fn overload(&self, on: bool) {
        self.shared.overload.store(on, Ordering::Relaxed);
    }

    /// Waits until `wanted` accepts an answer that comes from here on.
    pub(crate) fn await_answer(&self, wanted: impl Fn(&Answer) -> bool) {
        let from = self.shared.sent.load(Ordering::Relaxed);
        let deadline = Instant::now() + PATIENCE;
        let found = || self.shared.answers().range(from..).any(|(_, answers)| answers.iter().any(&wanted));
        while !found() {
            assert!(Instant::now() < deadline, "no such answer to samples from {from} on");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the stream and waits for its last answer. Answers the samples sent, per second too, and all answers.
    pub(crate) fn finish(self) -> (u64, BTreeMap<u64, Vec<Answer>>) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let sent = self.sender.join().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !self.shared.answers().contains_key(&(sent - 1)) {
            assert!(Instant::now() < deadline, "sample {} has no answer; {sent} were sent", sent - 1);
            thread::sleep(Duration::from_millis(5));
        }
        self.listener.close();
        let answers = std::mem::take(&mut *self.shared.answers());
        (sent, answers)
    }
}

impl Shared {
    fn answers(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Vec<Answer>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, mut events: Events, proof: &std::sync::mpsc::Sender<()>) {
        while let Some(event) = events.blocking_recv() {
            let LinkEvent::Arrived { payload, .. } = event else { continue };
            let Ok(answer) = serde_json::from_slice::<Value>(&payload) else {
                // Nobody may wait for it any more.
                let _ = proof.send(());
                continue;
            };
            let score = answer["score"].as_f64().unwrap() as f32;
            let entry = Answer { version: answer["version"].as_u64().unwrap(), score };
            self.answers().entry(answer["seq"].as_u64().unwrap()).or_default().push(entry);
        }
    }

    fn send(&self, link: &Link, _events: Events) -> u64 {
        let start = Instant::now();
        let mut sequence: u64 = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let overload = self.overload.load(Ordering::Relaxed);
            let values = if overload { [f32::MAX; CHANNELS] } else { sample(&self.samples, sequence) };
            let payload = serde_json::json!({ "seq": sequence, "values": values }).to_string();
            link.publish(message(SENSOR, payload.into_bytes())).unwrap();
            sequence += 1;
            self.sent.store(sequence, Ordering::Relaxed);
            let due = start + Duration::from_secs(1) / RATE * u32::try_from(sequence).unwrap();
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let rate = sequence as f64 / start.elapsed().as_secs_f64();
        while link.backlog() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        link.close();
        eprintln!("  {sequence} samples, {rate:.0} a second");
        sequence
    }
}

/// Every window has one answer, versions never go back, and the arithmetic is that of the version's Plan.
pub(crate) fn check_every_answer(sent: u64, answers: &BTreeMap<u64, Vec<Answer>>) {
    let samples = recorded();
    let mut version = 0;
    for last in WINDOW - 1..sent {
        let found = answers.get(&last).map_or(&[][..], Vec::as_slice);
        let [answer] = found else { panic!("the window that ends at sample {last} has these answers: {found:?}") };
        assert!(answer.version >= version, "version {} after {version} at sample {last}", answer.version);
        version = answer.version;
        if last % CHECKED == 0 {
            let window: Vec<_> = (last + 1 - WINDOW..=last).map(|at| sample(&samples, at)).collect();
            let expected = winning_score(plan(version), &window);
            assert_eq!(answer.score.to_bits(), expected.to_bits(), "version {version} at sample {last}");
        }
    }
    assert_eq!(answers.len() as u64, sent + 1 - WINDOW, "answers to windows that were not sent");
}

/// A client of the broker on this port.
pub(crate) fn client(background: &Background, port: u16, name: &str) -> (Link, Events) {
    let broker = Broker::plain("127.0.0.1", port, name);
    background.wait(async { connect(broker) })
}

fn message(topic: &str, payload: Vec<u8>) -> Message {
    Message { topic: topic.into(), payload, delivery: Delivery::AtLeastOnce, retain: false }
}

fn sample(samples: &[[f32; CHANNELS]], sequence: u64) -> [f32; CHANNELS] {
    samples[(sequence % samples.len() as u64) as usize]
}

/// The recorded samples of one wearer.
fn recorded() -> Vec<[f32; CHANNELS]> {
    let text = std::fs::read_to_string(folder().join("stream.csv")).unwrap();
    let rows = text.lines().skip(1);
    let wearer = rows.clone().next().and_then(|row| row.split(',').next()).unwrap();
    rows.take_while(|row| row.split(',').next() == Some(wearer))
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            std::array::from_fn(|channel| fields[2 + channel].parse().unwrap())
        })
        .collect()
}
