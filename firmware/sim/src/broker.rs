//! A broker, a source of chunks and the link between them and the device, all in one script.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use mote_firmware::mqtt::{Arrived, Delivery, Hello, Message, Mqtt, Session, Talk};
use mote_fleet::{State, answer};
use mote_wire::{Alive, Body, Down, Event, Get, MAX_DOCUMENT, Metrics, Place, Public, Topic, Twin, Up};

use crate::fleet::{Controller, Made};
use crate::nor::Power;
use crate::time::{now_us, wake_at};

/// From one end of the link to the other.
const LATENCY_US: u64 = 2000;

/// How the link treats what goes to the device, in percent of messages. Orders suffer a cut alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    /// Never arrive.
    pub lost: u64,
    /// Arrive twice.
    pub twice: u64,
    /// Arrive after the one behind.
    pub swapped: u64,
    /// Arrive with a bit flipped.
    pub damaged: u64,
    /// Take the connection down instead of arriving.
    pub cut: u64,
}

/// A message that waits for its moment.
#[derive(Debug, Clone)]
struct Queued {
    at_us: u64,
    topic: String,
    payload: Vec<u8>,
}

/// Everything beyond the device's antenna.
#[derive(Debug, Default)]
pub struct Broker {
    /// How the link is.
    pub weather: Weather,
    /// Whether it refuses connections.
    pub down: bool,
    /// Chunks of these digests are served with a bit flipped, each time.
    pub rotten: Vec<[u8; 32]>,
    retained: BTreeMap<String, Vec<u8>>,
    blobs: BTreeMap<[u8; 32], Vec<u8>>,
    filters: Vec<String>,
    queue: VecDeque<Queued>,
    acknowledgements: VecDeque<u64>,
    connections: u64,
    broken: bool,
    random: u64,
    /// What the device has published, but for requests.
    pub published: Vec<(String, Vec<u8>)>,
    /// Requests for chunks.
    pub requests: u64,
    twin: Option<SeenTwin>,
    states: Vec<State>,
}

/// What the last twin said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenTwin {
    /// The number of the device's start.
    pub boot: u64,
    /// Where the update is.
    pub state: State,
    /// The version that answers.
    pub running: Option<u64>,
    /// Why the last update did not succeed.
    pub failure: Option<u16>,
    /// Documents that were refused.
    pub refused: u32,
    /// Orders that were older than one accepted.
    pub replayed: u32,
}

impl Broker {
    /// An empty broker whose accidents are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: seed, ..Self::default() }
    }

    /// Offers a release: its document under its topic, its parts by digest.
    pub fn offer(&mut self, controller: &Controller, made: &Made) {
        self.offer_as(controller, made, made.version);
    }

    /// Offers a release under another version's topic.
    pub fn offer_as(&mut self, controller: &Controller, made: &Made, version: u64) {
        for part in [Some(&made.artifact), made.golden.as_ref()].into_iter().flatten() {
            self.blobs.insert(mote_seal::Digest::of(part).0, part.clone());
        }
        let model = controller.model();
        let topic = Topic::public(controller.fleet(), Public::Release { model, version });
        self.retain(&topic, made.manifest.clone());
    }

    /// Retains an order for the device.
    pub fn want(&mut self, controller: &Controller, want: Vec<u8>) {
        self.retain(&Topic::down(controller.fleet(), controller.device(), Down::Want), want);
    }

    /// Sends what a subscriber of its topic gets.
    pub fn send(&mut self, topic: &Topic<'_>, payload: Vec<u8>) {
        if let Ok(text) = topic.text() {
            self.deliver(&text, payload);
        }
    }

    /// What the last twin said.
    #[must_use]
    pub fn twin(&self) -> Option<SeenTwin> {
        self.twin
    }

    /// The states of all twins, without repetitions.
    #[must_use]
    pub fn states(&self) -> &[State] {
        &self.states
    }

    /// Bodies of one channel.
    pub fn bodies(&self, channel: Up) -> impl Iterator<Item = &[u8]> {
        self.published.iter().filter_map(move |(topic, payload)| match Topic::parse(topic).ok()?.place {
            Place::Up { channel: of, .. } if of == channel => Some(payload.as_slice()),
            _ => None,
        })
    }

    /// What is retained as birth or will.
    #[must_use]
    pub fn alive(&self) -> Option<Alive> {
        let (_, body) = self.retained.iter().find(|(topic, _)| topic.ends_with("/up/alive"))?;
        Alive::decode(body).ok()
    }

    /// Events, in order.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        self.bodies(Up::Event).filter_map(|body| Event::decode(body).ok())
    }

    /// Telemetry windows, in order.
    pub fn metrics(&self) -> impl Iterator<Item = Metrics<'_>> {
        self.bodies(Up::Metrics).filter_map(|body| Metrics::decode(body).ok())
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections
    }

    /// The connection breaks.
    pub fn cut(&mut self) {
        self.broken = true;
    }

    fn retain(&mut self, topic: &Topic<'_>, payload: Vec<u8>) {
        let Ok(text) = topic.text() else { return };
        self.retained.insert(text.to_string(), payload.clone());
        self.deliver(&text, payload);
    }

    /// Queues a message for the device, if it listens, as the weather is.
    fn deliver(&mut self, topic: &str, mut payload: Vec<u8>) {
        let heard = self.filters.iter().any(|filter| match filter.strip_suffix('#') {
            Some(start) => topic.starts_with(start),
            None => topic == filter,
        });
        if !heard {
            return;
        }
        // An order is delivered at least once, or the connection breaks; what is asked for again may be lost.
        let weather = if topic.ends_with("/dn/want") { Weather::default() } else { self.weather };
        if self.chance(weather.lost) {
            return;
        }
        if self.chance(self.weather.cut) {
            self.broken = true;
            return;
        }
        if self.chance(weather.damaged) {
            let at = self.draw() as usize % payload.len();
            payload[at] ^= 1 << (self.draw() % 8);
        }
        let message = Queued { at_us: now_us() + LATENCY_US, topic: topic.into(), payload };
        if self.chance(weather.twice) {
            self.queue.push_back(message.clone());
        }
        self.queue.push_back(message);
        let last = self.queue.len() - 1;
        if last > 0 && self.chance(weather.swapped) {
            self.queue.swap(last - 1, last);
        }
    }

    fn connect(&mut self) -> Result<(), LinkError> {
        if self.down {
            return Err(LinkError);
        }
        self.connections += 1;
        self.broken = false;
        self.filters.clear();
        self.queue.clear();
        self.acknowledgements.clear();
        Ok(())
    }

    fn subscribe(&mut self, filter: &str) {
        self.filters.retain(|known| known != filter);
        self.filters.push(filter.into());
        let (start, all) = filter.strip_suffix('#').map_or((filter, false), |start| (start, true));
        let fits = |topic: &str| if all { topic.starts_with(start) } else { topic == start };
        let found: Vec<_> =
            self.retained.iter().filter(|(topic, _)| fits(topic)).map(|(t, p)| (t.clone(), p.clone())).collect();
        for (topic, payload) in found {
            self.deliver(&topic, payload);
        }
    }

    fn take(&mut self, message: &Message<'_>) {
        assert!(!message.payload.is_empty(), "{}", message.topic);
        let (topic, payload) = (message.topic.to_owned(), message.payload.to_vec());
        if message.retain {
            self.retained.insert(topic.clone(), payload.clone());
        }
        if let Ok(Topic { place: Place::Up { channel, .. }, .. }) = Topic::parse(&topic) {
            match channel {
                Up::Get => return self.serve(&topic, &payload),
                Up::Twin => self.see(&payload),
                _ => {}
            }
        }
        self.published.push((topic, payload));
    }

    fn see(&mut self, payload: &[u8]) {
        let Ok(twin) = Twin::decode(payload) else { return };
        if self.states.last() != Some(&twin.state) {
            self.states.push(twin.state);
        }
        self.twin = Some(SeenTwin {
            boot: twin.boot,
            state: twin.state,
            running: twin.running.map(|running| running.version),
            failure: twin.failure.map(|failure| failure.code),
            refused: twin.counters.refused,
            replayed: twin.counters.replayed,
        });
    }

    fn serve(&mut self, topic: &str, payload: &[u8]) {
        self.requests += 1;
        let Ok(Topic { fleet, place: Place::Up { device, .. } }) = Topic::parse(topic) else { return };
        let Ok(get) = Get::decode(payload) else { return };
        let Some(mut blob) = self.blobs.get(&get.digest).cloned() else { return };
        if self.rotten.contains(&get.digest) {
            let middle = blob.len() / 2;
            blob[middle] ^= 1;
        }
        let Ok(reply) = Topic::down(fleet, device, Down::Chunk { xfer: get.xfer }).text() else { return };
        for chunk in answer(&get, &blob) {
            let mut body = vec![0; MAX_DOCUMENT];
            if let Ok(length) = chunk.encode(&mut body) {
                body.truncate(length);
                self.deliver(&reply, body);
            }
        }
    }

    /// What has come to its moment, or when that is.
    fn due(&mut self) -> Due {
        if self.broken {
            return Due::Broken;
        }
        let now = now_us();
        if self.acknowledgements.front().is_some_and(|at| *at <= now) {
            self.acknowledgements.pop_front();
            return Due::Acknowledged;
        }
        if let Some(message) = self.queue.pop_front_if(|message| message.at_us <= now) {
            return Due::Message(message);
        }
        let waits = [self.acknowledgements.front().copied(), self.queue.front().map(|message| message.at_us)];
        Due::Later(waits.into_iter().flatten().min())
    }

    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 33
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.draw() % 100 < percent
    }
}

enum Due {
    Broken,
    Acknowledged,
    Message(Queued),
    Later(Option<u64>),
}

/// The connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkError;

/// The device's way to the script. Without power nothing leaves the device and nothing reaches it.
#[derive(Debug, Clone)]
pub struct Link {
    /// The other end.
    pub broker: Rc<RefCell<Broker>>,
    /// The device's power.
    pub power: Rc<Power>,
}

impl Link {
    async fn later(&self, us: u64) {
        let until = now_us() + us;
        poll_fn(|_| {
            if now_us() >= until {
                return Poll::Ready(());
            }
            wake_at(until);
            Poll::Pending
        })
        .await;
    }
}

impl Mqtt for Link {
    type Error = LinkError;

    async fn connect<T: Talk>(&mut self, hello: &Hello<'_>, talk: T) -> Result<T::Output, LinkError> {
        self.later(2 * LATENCY_US).await;
        self.broker.borrow_mut().connect()?;
        let mut live = Live { link: self, arrived: None };
        let output = talk.talk(&mut live).await;
        self.broker.borrow_mut().take(&hello.will);
        Ok(output)
    }
}

struct Live<'l> {
    link: &'l Link,
    arrived: Option<Queued>,
}

impl Live<'_> {
    fn with<T>(&self, what: impl FnOnce(&mut Broker) -> T) -> Result<T, LinkError> {
        let mut broker = self.link.broker.borrow_mut();
        if broker.broken || self.link.power.is_gone() { Err(LinkError) } else { Ok(what(&mut broker)) }
    }
}

impl Session for Live<'_> {
    type Error = LinkError;

    async fn publish(&mut self, message: &Message<'_>) -> Result<(), LinkError> {
        self.with(|broker| {
            if message.delivery == Delivery::AtLeastOnce {
                broker.acknowledgements.push_back(now_us() + 2 * LATENCY_US);
            }
            broker.take(message);
        })
    }

    async fn subscribe(&mut self, filter: &str) -> Result<(), LinkError> {
        self.with(|broker| {
            broker.acknowledgements.push_back(now_us() + 2 * LATENCY_US);
            broker.subscribe(filter);
        })
    }

    async fn unsubscribe(&mut self, filter: &str) -> Result<(), LinkError> {
        self.with(|broker| {
            broker.acknowledgements.push_back(now_us() + 2 * LATENCY_US);
            broker.filters.retain(|known| known != filter);
        })
    }

    async fn next(&mut self) -> Result<Option<Arrived<'_>>, LinkError> {
        let link = self.link;
        let arrived = poll_fn(|_| {
            if link.power.is_gone() {
                return Poll::Pending;
            }
            match link.broker.borrow_mut().due() {
                Due::Broken => Poll::Ready(Err(LinkError)),
                Due::Acknowledged => Poll::Ready(Ok(None)),
                Due::Message(message) => Poll::Ready(Ok(Some(message))),
                Due::Later(at) => {
                    at.into_iter().for_each(wake_at);
                    Poll::Pending
                }
            }
        })
        .await?;
        self.arrived = arrived;
        Ok(self.arrived.as_ref().map(|message| Arrived { topic: &message.topic, payload: &message.payload }))
    }

    fn is_settled(&self) -> bool {
        self.link.broker.borrow().acknowledgements.is_empty()
    }
}
