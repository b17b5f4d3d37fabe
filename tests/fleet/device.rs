//! A device of any class in this process: the update machine over a link, its storage in memory. What it would predict
//! with is checked on the native engine, by the Plan that its artifact is or holds.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mote_abi::DType;
use mote_fleet::{
    Action, Boot, Config, Device, Event, Incoming, Keep, Limits, Millis, Order, Outcomes, Part, Trial, Trouble, Work,
};
use mote_gateway::background::Background;
use mote_gateway::link::{Delivery, Link, LinkEvent, Message};
use mote_seal::golden::{OutputHasher, Vectors};
use mote_seal::{Class, Keyring, Kind, TrustedKey, open_detached};
use mote_wire::{Body, Filter, MAX_DOCUMENT, Public, Topic, Up};

use crate::models::{MODEL, native};
use crate::site::FLEET;
use crate::stream::client;

/// The thread of one device; it ends with its link.
pub(crate) struct Replica {
    link: Link,
    thread: JoinHandle<Parts>,
}

/// What a device holds of a release.
#[derive(Default)]
pub(crate) struct Parts {
    manifest: Vec<u8>,
    golden: Vec<u8>,
    pub(crate) artifact: Vec<u8>,
    /// Golden vectors that it has run.
    pub(crate) tested: usize,
}

impl Replica {
    /// A device without a model.
    pub(crate) fn start(
        background: &Background,
        port: u16,
        name: &'static str,
        (class, variant): (Class, &'static str),
        keys: Vec<TrustedKey>,
    ) -> Self {
        let (link, mut events) = client(background, port, name);
        link.subscribe(&*Filter::Device { fleet: FLEET, device: name }.text().unwrap());
        let (sender, inputs) = channel();
        thread::spawn(move || {
            while let Some(event) = events.blocking_recv() {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let own = link.clone();
        let thread = thread::spawn(move || {
            let trial = Trial { answers: 1, ..Limits::default().trial };
            let config = Config {
                fleet: FLEET,
                device: name,
                model: MODEL,
                ring: Keyring::new(&keys),
                class,
                variant,
                runtime: "replica",
                max_bytes: 1 << 20,
                chunk_bytes: 4096,
                window: 8,
                limits: Limits { trial, ..Limits::default() },
            };
            let boot = Boot { number: 1, seed: 7, now: Millis(0) };
            let machine = Device::boot(config, None, boot).unwrap();
            Hands { link: own, config, start: Instant::now(), parts: Parts::default() }.run(machine, &inputs)
        });
        Self { link, thread }
    }

    /// Ends it and answers what it holds.
    pub(crate) fn stop(self) -> Parts {
        self.link.close();
        self.thread.join().unwrap()
    }
}

struct Hands<'c> {
    link: Link,
    config: Config<'c>,
    start: Instant,
    parts: Parts,
}

impl<'c> Hands<'c> {
    fn run(mut self, mut machine: Device<'c>, inputs: &Receiver<LinkEvent>) -> Parts {
        loop {
            while let Some(action) = machine.action(self.now()) {
                self.carry_out(&mut machine, action);
            }
            let wake = machine.wake_at().map_or(1000, |at| at.0.saturating_sub(self.now().0).min(1000));
            match inputs.recv_timeout(Duration::from_millis(wake)) {
                Ok(LinkEvent::Connected { session }) => drop(machine.handle(self.now(), Event::Connected { session })),
                Ok(LinkEvent::Disconnected { .. }) => drop(machine.handle(self.now(), Event::Disconnected)),
                Ok(LinkEvent::Arrived { topic, payload }) => self.arrived(&mut machine, &topic, &payload),
                Err(RecvTimeoutError::Timeout) => drop(machine.handle(self.now(), Event::Tick)),
                Err(RecvTimeoutError::Disconnected) => return self.parts,
            }
        }
    }

    fn now(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap())
    }

    fn arrived(&mut self, machine: &mut Device<'_>, topic: &str, payload: &[u8]) {
        let Some(Incoming::Event(event)) = machine.read(topic, payload) else { return };
        match machine.handle(self.now(), event) {
            Some(Keep::Manifest(bytes)) => self.parts.manifest = bytes.to_vec(),
            Some(Keep::Chunk { part, offset, bytes }) => {
                let whole = match part {
                    Part::Golden => &mut self.parts.golden,
                    Part::Artifact => &mut self.parts.artifact,
                };
                let at = usize::try_from(offset).unwrap();
                whole[at..at + bytes.len()].copy_from_slice(bytes);
            }
            None => {}
        }
    }

    fn carry_out(&mut self, machine: &mut Device<'_>, action: Action) {
        match action {
            Action::Persist(_) => drop(machine.handle(self.now(), Event::Persisted)),
            Action::Work(Order { ticket, work }) => {
                let result = self.work(machine, work);
                machine.handle(self.now(), Event::Done { ticket, result });
                if let Work::Activate(_) = work {
                    // One window, answered: what the trial asks for.
                    machine.handle(self.now(), Event::Outcomes(Outcomes { answered: 1, failed: 0 }));
                }
            }
            Action::FetchRelease { version } => {
                let topic = Topic::public(FLEET, Public::Release { model: MODEL, version });
                self.link.subscribe(&*topic.text().unwrap());
            }
            Action::Request(request) => self.publish(Up::Get, &request.get(), false),
            Action::PublishEvent(_) => {}
            Action::PublishTwin => self.publish(Up::Twin, &machine.twin(), true),
        }
    }

    fn work(&mut self, machine: &Device<'_>, work: Work) -> Result<(), Trouble> {
        match work {
            Work::Prepare { golden, artifact } => {
                let room = |length: u64| vec![0; usize::try_from(length).unwrap()];
                self.parts.golden = golden.map_or_else(Vec::new, |blob| room(blob.length));
                self.parts.artifact = room(artifact.length);
                Ok(())
            }
            Work::Verify(_) => {
                let Parts { manifest, artifact, .. } = &self.parts;
                open_detached(manifest, artifact, &self.config.ring, &machine.target())?;
                Ok(())
            }
            Work::SelfTest(slot) => self.self_test(machine, &slot.golden.ok_or(Trouble::SelfTest)?),
            Work::Stage(_) | Work::Shadow(_) | Work::Activate(_) | Work::Deactivate => Ok(()),
        }
    }

    fn self_test(&mut self, machine: &Device<'_>, golden: &mote_seal::Blob) -> Result<(), Trouble> {
        let Parts { manifest, golden: vectors, artifact, tested } = &mut self.parts;
        let opened = open_detached(manifest, artifact, &self.config.ring, &machine.target())?;
        let plan = match opened.kind() {
            Kind::Module => mote_weld::plan_in(opened.artifact()).unwrap(),
            _ => opened.artifact(),
        };
        for vector in Vectors::open(vectors, golden)?.iter() {
            let mut hasher = OutputHasher::new();
            hasher.output(DType::F32, &native(plan, |input| vector.inputs.write_to(input).unwrap()));
            if hasher.finish() != vector.digest {
                return Err(Trouble::SelfTest);
            }
            *tested += 1;
        }
        Ok(())
    }

    fn publish<'b>(&self, channel: Up, body: &impl Body<'b>, retain: bool) {
        let mut payload = vec![0; MAX_DOCUMENT];
        let length = body.encode(&mut payload).unwrap();
        payload.truncate(length);
        let topic = Topic::up(FLEET, self.config.device, channel).text().unwrap().to_string();
        self.link.publish(Message { topic, payload, delivery: Delivery::AtLeastOnce, retain }).unwrap();
    }
}
