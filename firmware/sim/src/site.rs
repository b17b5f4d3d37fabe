//! One device and everything around it, over any number of starts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mote_firmware::mqtt::Mqtt;
use mote_firmware::sensor::Lsm6dso;
use mote_firmware::{
    Answers, App, Board, BootError, Broker as Introduction, EmbassyClock, Flash, FlashFault, Identity, Layout, Memory,
    Node, Passed, Sampling, SensorFault, Settings, Store, Watchdog, Which,
};
use mote_fleet::{Limits, Trial};
use mote_plan::AlignedBytes;
use mote_stream::{Order, Rule, Shape, StreamError};

use crate::broker::{Broker, Link};
use crate::fleet::{Controller, Made};
use crate::imu::{Bus, RANGES, Recording};
use crate::nor::{Nor, Power, SECTOR};
use crate::time;

/// What a simulated device is.
#[derive(Debug, Clone, Copy)]
pub struct Design {
    /// Where things lie in its flash.
    pub layout: Layout,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Milliseconds from sample to sample.
    pub every_ms: u32,
    /// Windows; six channels.
    pub shape: Shape,
    /// Votes for a decision.
    pub rule: Rule,
    /// Where answers go.
    pub answers: Option<Answers<'static>>,
    /// How long and how often.
    pub limits: Limits,
}

/// A device cannot be made as designed.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// It does not start.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// Its sensor does not.
    #[error(transparent)]
    Sensor(#[from] SensorFault),
    /// Its windows make no sense.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl Design {
    /// A wrist watch at 25 Hz that answers on `activity/answers`: windows of 64 samples, one every 16, three votes of
    /// five; `slot_bytes` for each of two models. A trial is three answers long.
    ///
    /// # Errors
    /// Never: the numbers are sound.
    pub fn watch(slot_bytes: u32) -> Result<Self, StreamError> {
        let trial = Trial { answers: 3, failures: 1, deadline_ms: 60_000, boots: 3 };
        Ok(Self {
            layout: Layout::packed(0, SECTOR as u32, slot_bytes),
            arena_bytes: 16 * 1024,
            every_ms: 40,
            shape: Shape::new(6, 64, 16)?,
            rule: Rule::new(3, 5)?,
            answers: Some(Answers { topic: "activity/answers", which: Which::Every }),
            limits: Limits { trial, ..Limits::default() },
        })
    }

    /// Whole sectors that the layout spans.
    #[must_use]
    pub fn sectors(&self) -> usize {
        self.layout.end::<Nor>() as usize / SECTOR
    }
}

/// Flash as it leaves the factory.
///
/// # Errors
/// See [`BootError`].
pub fn provision<F: Flash>(
    flash: F,
    design: &Design,
    controller: &Controller,
    first: Option<&Made>,
) -> Result<F, BootError> {
    let identity = controller.identity().ok_or(BootError::NoIdentity)?;
    Store::provision(flash, design.layout, &identity, first.map(Made::factory))
}

/// The bytes of that flash, for an emulator's memory or a programmer.
///
/// # Errors
/// See [`BootError`].
pub fn image(design: &Design, controller: &Controller, first: Option<&Made>) -> Result<Vec<u8>, BootError> {
    let blank: Nor = Nor::blank(design.sectors(), Power::mains());
    Ok(provision(blank, design, controller, first)?.bytes().to_vec())
}

/// How a life of the device ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// What was waited for has come.
    Reached,
    /// The power failed.
    PowerLost,
    /// The watchdog was not fed in time.
    Starved,
    /// The time given is over.
    TimeUp,
}

/// What is left of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remains {
    /// How it ended.
    pub life: Life,
    /// What went by without an effect.
    pub passed: Passed,
}

/// The watchdog's period.
const PERIOD_US: u64 = 8_000_000;

/// A watchdog that remembers whether it has ever been hungry.
#[derive(Debug, Clone, Default)]
pub struct Dog {
    fed_us: Rc<Cell<u64>>,
    longest_us: Rc<Cell<u64>>,
}

impl Dog {
    /// Whether it would have bitten by now.
    #[must_use]
    pub fn has_starved(&self) -> bool {
        self.longest_us.get().max(time::now_us().saturating_sub(self.fed_us.get())) > PERIOD_US
    }
}

impl Watchdog for Dog {
    fn feed(&mut self) {
        let now = time::now_us();
        self.longest_us.set(self.longest_us.get().max(now.saturating_sub(self.fed_us.get())));
        self.fed_us.set(now);
    }
}

/// Starts the application on `flash` with fresh RAM and runs it until `ended` says so.
///
/// # Errors
/// See [`SiteError`].
pub fn live<F: Flash, M: Mqtt>(
    flash: F,
    design: &Design,
    recording: &Recording,
    mqtt: M,
    ended: impl FnMut() -> bool,
) -> Result<(Dog, Passed), SiteError> {
    let identity = Identity::read(&flash, &design.layout)?;
    let (mut arena, mut ring) = (AlignedBytes::zeroed(design.arena_bytes), vec![0.0; design.shape.ring_len()]);
    let settings = Settings {
        update: identity.config("simulator", design.layout.max_bytes::<F>(), design.limits),
        seed: 7,
        sampling: Sampling { every_ms: design.every_ms, shape: design.shape, order: Order::TimeMajor },
        rule: design.rule,
        answers: design.answers,
    };
    let (acceleration, rate) = RANGES;
    let address = Lsm6dso::<Bus>::ADDRESS;
    let sensor = Lsm6dso::new(Bus::new(recording.clone()), address, acceleration, rate)?;
    let dog = Dog::default();
    dog.fed_us.set(time::now_us());
    let board = Board { mqtt, clock: EmbassyClock, watchdog: dog.clone(), sensor };
    let memory = Memory { arena: &mut arena, ring: &mut ring };
    let introduction = Introduction { login: None, keepalive_s: 30 };
    let mut app = App::boot(flash, design.layout, settings, memory, introduction, board)?;
    time::run(app.run(), ended);
    let passed = Node::passed(app.node());
    Ok((dog, passed))
}

/// A device, its broker and its fleet.
#[derive(Debug)]
pub struct Site<const WORD: usize = 4> {
    /// What the device is.
    pub design: Design,
    /// Its flash.
    pub nor: Nor<WORD>,
    /// The other end of the link.
    pub broker: Rc<RefCell<Broker>>,
    /// Who signs.
    pub controller: Controller,
    /// How the watch moves.
    pub recording: Recording,
}

impl<const WORD: usize> Site<WORD> {
    /// A device that has left the factory.
    ///
    /// # Errors
    /// See [`BootError`].
    pub fn new(design: Design, controller: Controller, first: Option<&Made>, seed: u64) -> Result<Self, BootError> {
        let blank = Nor::blank(design.sectors(), Power::mains());
        let nor = provision(blank, &design, &controller, first)?;
        let broker = Rc::new(RefCell::new(Broker::new(seed)));
        Ok(Self { design, nor, broker, controller, recording: Recording::swinging(640) })
    }

    /// The same device, copied as it lies switched off, with a broker of its own.
    #[must_use]
    pub fn copy(&self, seed: u64) -> Self {
        Self {
            design: self.design,
            nor: self.nor.copy(Power::mains(), seed),
            broker: Rc::new(RefCell::new(Broker::new(seed))),
            controller: self.controller.clone(),
            recording: self.recording.clone(),
        }
    }

    /// One start: runs until `reached`, for `ms` at most.
    ///
    /// # Errors
    /// See [`SiteError`]. A power failure amid the start is none.
    pub fn live(&mut self, ms: u64, reached: impl FnMut(&mut Broker) -> bool) -> Result<Remains, SiteError> {
        let design = self.design;
        let link = Link { broker: Rc::clone(&self.broker), power: Rc::clone(self.nor.power()) };
        let recording = self.recording.clone();
        live_until(&mut self.nor, &design, &recording, link, ms, reached)
    }
}

/// The same over any flash that shares the link's power.
///
/// # Errors
/// See [`SiteError`]. A power failure amid the start is none.
pub fn live_until<F: Flash>(
    flash: F,
    design: &Design,
    recording: &Recording,
    link: Link,
    ms: u64,
    mut reached: impl FnMut(&mut Broker) -> bool,
) -> Result<Remains, SiteError> {
    let (broker, power) = (Rc::clone(&link.broker), Rc::clone(&link.power));
    let until = time::now_us() + ms * 1000;
    let mut life = Life::TimeUp;
    let lived = live(flash, design, recording, link, || {
        life = if power.is_gone() {
            Life::PowerLost
        } else if reached(&mut broker.borrow_mut()) {
            Life::Reached
        } else {
            Life::TimeUp
        };
        life != Life::TimeUp || time::now_us() >= until
    });
    match lived {
        Ok((dog, passed)) if life == Life::TimeUp && dog.has_starved() => Ok(Remains { life: Life::Starved, passed }),
        Ok((_, passed)) => Ok(Remains { life, passed }),
        Err(SiteError::Boot(BootError::Flash(FlashFault::Driver))) if power.is_gone() => {
            Ok(Remains { life: Life::PowerLost, passed: Passed::default() })
        }
        Err(error) => Err(error),
    }
}
