//! The recorded devices come alive: each is an MQTT client of its own that sends its recording over and over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mote_gateway::background::Background;
use mote_gateway::link::{Delivery, Events, Link, Message};

use super::recording::Recording;
use super::site::Site;
use crate::report::Failure;

/// How long a device pauses for the broker to take what it has sent already.
const FULL: Duration = Duration::from_millis(10);
/// How long it does so at its end.
const LAST: Duration = Duration::from_secs(10);

/// Every device, sending.
pub(super) struct Devices {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Times the recorded rate, as the bits of a f64.
    speed: AtomicU64,
    stop: AtomicBool,
    /// Samples sent, device by device.
    sent: Vec<AtomicU64>,
}

impl Devices {
    /// Connects every device and starts to send at so many times the recorded rate.
    pub(super) fn start(
        site: &Site,
        background: &Background,
        recording: &Arc<Recording>,
        speed: f64,
    ) -> Result<Self, Failure> {
        let sent = recording.devices.iter().map(|_| AtomicU64::new(0)).collect();
        let speed = AtomicU64::new(speed.to_bits());
        let shared = Arc::new(Shared { speed, stop: AtomicBool::new(false), sent });
        let mut threads = Vec::new();
        for (index, device) in recording.devices.iter().enumerate() {
            let connection = site.connect(background, &device.name);
            let (recording, shared) = (Arc::clone(recording), Arc::clone(&shared));
            let name = device.name.clone();
            let thread = thread::Builder::new().name(name).spawn(move || send(&recording, index, &shared, connection));
            threads.push(thread.map_err(|error| Failure::execution("demo.thread", error))?);
        }
        Ok(Self { shared, threads })
    }

    /// Sends at so many times the recorded rate from here on.
    pub(super) fn set_speed(&self, speed: f64) {
        self.shared.speed.store(speed.to_bits(), Ordering::Relaxed);
    }

    /// Ends every device and answers how many samples each has sent.
    pub(super) fn stop(self) -> Vec<u64> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A device that panicked has sent what it has sent.
            let _ = thread.join();
        }
        self.shared.sent.iter().map(|sent| sent.load(Ordering::Relaxed)).collect()
    }
}

fn send(recording: &Recording, index: usize, shared: &Shared, (link, _events): (Link, Events)) {
    let (Some(device), Some(sent)) = (recording.devices.get(index), shared.sent.get(index)) else { return };
    let topic = Site::samples(&device.name);
    let mut due = Instant::now();
    for sequence in 0.. {
        let payload = device.message(sequence).into_bytes();
        let message = Message { topic: topic.clone(), payload, delivery: Delivery::AtLeastOnce, retain: false };
        while link.publish(message.clone()).is_err() {
            thread::sleep(FULL);
        }
        sent.store(sequence + 1, Ordering::Relaxed);
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let speed = f64::from_bits(shared.speed.load(Ordering::Relaxed));
        due += Duration::from_secs_f64(1.0 / (recording.rate * speed));
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    // Until the broker has everything: a device that leaves earlier would be the one who lost samples.
    let deadline = Instant::now() + LAST;
    while link.backlog() > 0 && Instant::now() < deadline {
        thread::sleep(FULL);
    }
    link.close();
}
