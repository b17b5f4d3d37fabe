//! The application: samples on the beat, talks to the broker meanwhile, and lets neither wait for the other.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;

use embassy_futures::join::join;
use embassy_futures::select::{Either, Either3, select, select3};
use heapless::String;
use mote_fleet::Backoff;
use mote_wire::{Filter, Presence};

use crate::bell::Bell;
use crate::capacity::{ALIVE_BYTES, BODY_BYTES, CHANNELS, CLIENT_BYTES};
use crate::error::BootError;
use crate::layout::Layout;
use crate::mqtt::{Delivery, Hello, Message, Mqtt, Session, Talk};
use crate::node::{Memory, Node, Outgoing, Settings};
use crate::port::{Clock, Flash, Sensor, Watchdog};

/// The watchdog is fed this often where samples are rare.
const IDLE_MS: u64 = 1000;
/// How long a connection may take to stand.
const CONNECT_MS: u64 = 20_000;
/// How long one packet may take to leave, and to be acknowledged; longer, and the connection is dropped.
const SEND_MS: u64 = 10_000;
/// The first wait before connecting again, and the longest.
const RECONNECT_MS: (u32, u32) = (500, 60_000);
/// How long a connection must stand for the next wait to be the first again.
const STEADY_MS: u64 = 30_000;

/// What the board brings.
#[derive(Debug)]
pub struct Board<M, C, W, S> {
    /// The way to the broker.
    pub mqtt: M,
    /// The clock.
    pub clock: C,
    /// The watchdog.
    pub watchdog: W,
    /// The sensor; it gives as many channels as [`crate::Sampling::shape`] says.
    pub sensor: S,
}

/// How the device introduces itself to its broker.
#[derive(Debug, Clone, Copy)]
pub struct Broker<'a> {
    /// User and password, if it wants them.
    pub login: Option<(&'a str, &'a [u8])>,
    /// Seconds without traffic after which it gives the device up.
    pub keepalive_s: u16,
}

/// The application.
#[derive(Debug)]
pub struct App<'a, F, M, C, W, S> {
    node: Node<'a, F>,
    board: Board<M, C, W, S>,
    broker: Broker<'a>,
}

impl<'a, F: Flash, M: Mqtt, C: Clock, W: Watchdog, S: Sensor> App<'a, F, M, C, W, S> {
    /// Starts from what the flash holds.
    ///
    /// # Errors
    /// See [`BootError`].
    pub fn boot(
        flash: F,
        layout: Layout,
        settings: Settings<'a>,
        memory: Memory<'a>,
        broker: Broker<'a>,
        board: Board<M, C, W, S>,
    ) -> Result<Self, BootError> {
        if board.sensor.channels() != settings.sampling.shape.channels() {
            return Err(BootError::BadSampling);
        }
        let node = Node::boot(flash, layout, settings, memory, board.clock.now())?;
        Ok(Self { node, board, broker })
    }

    /// The device, between two runs.
    pub fn node(&self) -> &Node<'a, F> {
        &self.node
    }

    /// Runs. Dropping the future is what a reset is; it can be done at any time.
    pub async fn run(&mut self) -> Infallible {
        let Board { mqtt, clock, watchdog, sensor } = &mut self.board;
        let hands = Hands { node: &mut self.node, watchdog, sensor };
        let shared = Shared { hands: RefCell::new(hands), clock: &*clock, bell: Bell::default() };
        let (never, _) = join(shared.keep_the_beat(), shared.keep_the_link(mqtt, self.broker)).await;
        never
    }
}

/// What both sides work with.
struct Hands<'r, 'a, F, W, S> {
    node: &'r mut Node<'a, F>,
    watchdog: &'r mut W,
    sensor: &'r mut S,
}

/// The hands are borrowed between two waits and never across one, so that no borrow meets another.
struct Shared<'r, 'a, F, C, W, S> {
    hands: RefCell<Hands<'r, 'a, F, W, S>>,
    clock: &'r C,
    bell: Bell,
}

impl<'a, F: Flash, C: Clock, W: Watchdog, S: Sensor> Shared<'_, 'a, F, C, W, S> {
    /// Takes a sample at each tick of its interval and turns the update machine then and when it asks for it. The
    /// watchdog is fed when that has been done, and within longer work after each part of it: whatever hangs starves it.
    async fn keep_the_beat(&self) -> Infallible {
        let start = self.clock.now();
        let every = u64::from(self.hands.borrow().node.settings().sampling.every_ms);
        let mut tick = 0;
        loop {
            let sample_at = start.after(tick * every);
            if self.clock.now() >= sample_at {
                self.hands.borrow_mut().sample(self.clock, tick);
                // Ticks that passed while work was done have no sample, and the numbers show it.
                let passed = self.clock.now().0.saturating_sub(start.0) / every;
                tick = passed.max(tick) + 1;
            }
            self.hands.borrow_mut().turn(self.clock);
            self.bell.ring();
            let (now, wake_at) = (self.clock.now(), self.hands.borrow().node.wake_at());
            // What is due and cannot be done yet must not keep the link from its turn.
            let wake_at = wake_at.max(now.after(1)).min(now.after(IDLE_MS));
            self.clock.until(wake_at.min(start.after(tick * every))).await;
        }
    }

    async fn keep_the_link<M: Mqtt>(&self, mqtt: &mut M, broker: Broker<'_>) -> Infallible {
        let (boot, seed) = {
            let node = &self.hands.borrow().node;
            (node.boot_number(), node.settings().seed)
        };
        let (first, longest) = RECONNECT_MS;
        let mut backoff = Backoff::new(first, longest, seed ^ boot);
        let mut number = 0;
        loop {
            number += 1;
            // Unique over boots and connections, which is all that a session has to be.
            let session = boot << 24 | number;
            let since = self.clock.now();
            self.connect(mqtt, broker, session).await;
            let now = self.clock.now();
            self.hands.borrow_mut().node.disconnected(now);
            if now.0.saturating_sub(since.0) >= STEADY_MS {
                backoff.reset();
            }
            self.clock.until(now.after(backoff.next_delay())).await;
        }
    }

    /// One connection, from dialling to its end.
    async fn connect<M: Mqtt>(&self, mqtt: &mut M, broker: Broker<'_>, session: u64) {
        let mut will = [0; ALIVE_BYTES];
        let mut client = String::<CLIENT_BYTES>::new();
        let named = {
            let node = &self.hands.borrow().node;
            let update = &node.settings().update;
            let texts = [update.fleet, "-", update.device];
            let fits = texts.into_iter().all(|text| client.push_str(text).is_ok());
            node.alive(Presence::Offline, session, &mut will).ok().filter(|_| fits)
        };
        // Boot has checked that the names fit.
        let Some((topic, length)) = named else { return };
        let payload = will.get(..length).unwrap_or_default();
        let will = Message { topic: &topic, payload, delivery: Delivery::AtLeastOnce, retain: true };
        let Broker { login, keepalive_s } = broker;
        let hello = Hello { client: &client, login, keepalive_s, will };
        let stands = Cell::new(false);
        let talk = Conversation { shared: self, session, stands: &stands };
        let too_long = async {
            self.clock.until(self.clock.now().after(CONNECT_MS)).await;
            if stands.get() {
                core::future::pending::<()>().await;
            }
        };
        // Why it ended makes no difference to what is done: wait, and connect again.
        select(mqtt.connect(&hello, talk), too_long).await;
    }

    /// Uses a connection until it breaks.
    async fn converse<L: Session>(&self, link: &mut L, session: u64) -> Result<(), Ended<L::Error>> {
        self.greet(link, session).await?;
        let mut body = [0; BODY_BYTES];
        let mut deadline = self.clock.now().after(SEND_MS);
        loop {
            let settled = link.is_settled();
            if settled {
                deadline = self.clock.now().after(SEND_MS);
                let outgoing = {
                    let Hands { node, watchdog, .. } = &mut *self.hands.borrow_mut();
                    node.acknowledged();
                    node.outgoing(self.clock, &mut body, &mut || watchdog.feed())
                };
                if let Some(outgoing) = outgoing {
                    self.send(link, outgoing, &body).await?;
                    continue;
                }
            }
            let too_late = async {
                if settled {
                    core::future::pending::<()>().await;
                }
                self.clock.until(deadline).await;
            };
            match select3(link.next(), self.bell.heard(), too_late).await {
                Either3::First(arrived) => {
                    if let Some(message) = arrived.map_err(Ended::Link)? {
                        self.hands.borrow_mut().take(self.clock, message.topic, message.payload);
                    }
                }
                Either3::Second(()) => {}
                Either3::Third(()) => return Err(Ended::TooSlow),
            }
        }
    }

    /// Birth and subscription; the machine hears of the connection when the broker has acknowledged both.
    async fn greet<L: Session>(&self, link: &mut L, session: u64) -> Result<(), Ended<L::Error>> {
        let mut birth = [0; ALIVE_BYTES];
        let (named, filter) = {
            let node = &self.hands.borrow().node;
            let update = &node.settings().update;
            let filter = Filter::Device { fleet: update.fleet, device: update.device };
            (node.alive(Presence::Online, session, &mut birth), filter.text())
        };
        // Boot has checked the names.
        let (Ok((topic, length)), Ok(filter)) = (named, filter) else { return Err(Ended::Names) };
        let payload = birth.get(..length).unwrap_or_default();
        let birth = Message { topic: &topic, payload, delivery: Delivery::AtLeastOnce, retain: true };
        self.within(link.publish(&birth)).await?;
        self.within(link.subscribe(&filter)).await?;
        let deadline = self.clock.now().after(SEND_MS);
        while !link.is_settled() {
            match select(link.next(), self.clock.until(deadline)).await {
                Either::First(arrived) => {
                    if let Some(message) = arrived.map_err(Ended::Link)? {
                        self.hands.borrow_mut().take(self.clock, message.topic, message.payload);
                    }
                }
                Either::Second(()) => return Err(Ended::TooSlow),
            }
        }
        self.hands.borrow_mut().node.connected(self.clock.now(), session);
        Ok(())
    }

    async fn send<L: Session>(
        &self,
        link: &mut L,
        outgoing: Outgoing<'a>,
        body: &[u8; BODY_BYTES],
    ) -> Result<(), Ended<L::Error>> {
        match outgoing {
            Outgoing::Publish { topic, length, delivery, retain } => {
                let payload = body.get(..length).unwrap_or_default();
                self.within(link.publish(&Message { topic: &topic, payload, delivery, retain })).await
            }
            Outgoing::Subscribe(filter) => self.within(link.subscribe(&filter)).await,
            Outgoing::Unsubscribe(filter) => self.within(link.unsubscribe(&filter)).await,
        }
    }

    /// Sends within [`SEND_MS`].
    async fn within<E>(&self, sending: impl Future<Output = Result<(), E>>) -> Result<(), Ended<E>> {
        match select(sending, self.clock.until(self.clock.now().after(SEND_MS))).await {
            Either::First(sent) => sent.map_err(Ended::Link),
            Either::Second(()) => Err(Ended::TooSlow),
        }
    }
}

impl<F: Flash, W: Watchdog, S: Sensor> Hands<'_, '_, F, W, S> {
    fn sample(&mut self, clock: &impl Clock, tick: u64) {
        let Self { node, sensor, .. } = self;
        let mut sample = [0.0; CHANNELS];
        let sample = sample.get_mut(..sensor.channels()).unwrap_or_default();
        match sensor.read(sample) {
            Ok(()) => node.sample(clock, tick, sample),
            Err(_) => node.no_sample(),
        }
    }

    fn turn(&mut self, clock: &impl Clock) {
        let Self { node, watchdog, .. } = self;
        node.turn(clock, &mut || watchdog.feed());
        watchdog.feed();
    }

    /// What longer work it causes is progress; that it arrived is none, so the watchdog is not fed for it.
    fn take(&mut self, clock: &impl Clock, topic: &str, payload: &[u8]) {
        let Self { node, watchdog, .. } = self;
        node.arrived(clock.now(), topic, payload);
        node.turn(clock, &mut || watchdog.feed());
    }
}

/// Why a connection is of no more use.
enum Ended<E> {
    /// It broke.
    Link(E),
    /// It took too long.
    TooSlow,
    /// The names do not make topics.
    Names,
}

/// The device's part of a connection.
struct Conversation<'c, 'r, 'a, F, C, W, S> {
    shared: &'c Shared<'r, 'a, F, C, W, S>,
    session: u64,
    stands: &'c Cell<bool>,
}

impl<F: Flash, C: Clock, W: Watchdog, S: Sensor> Talk for Conversation<'_, '_, '_, F, C, W, S> {
    type Output = ();

    async fn talk<L: Session>(self, link: &mut L) {
        self.stands.set(true);
        // It ends by breaking, in one way or another.
        let (Ok(()) | Err(_)) = self.shared.converse(link, self.session).await;
    }
}
