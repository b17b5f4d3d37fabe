//! The device without its link: it is given samples and messages, keeps its flash, and says what to publish.
//!
//! Nothing here waits. [`Node::sample`] and [`Node::arrived`] take what happens, [`Node::turn`] carries out what the
//! update machine asks of flash and model, [`Node::outgoing`] hands out what is for the link, one thing at a time.

mod outgoing;
mod update;
mod watch;

use heapless::Deque;
use mote_fleet::{Backlog, Boot, Config, Device, Event, Fold, Millis, Outcomes, RECORD_BYTES};
use mote_stream::{Debounce, Order, Rule, Shape, Windows};

pub use outgoing::{OutTopic, Outgoing};

use outgoing::Outward;

use crate::answer::Answer;
use crate::capacity::{ANSWERS, CHANNELS, CLIENT_BYTES, REPORT_S, REPORTS, RX_BYTES, WILL_TOPIC_BYTES};
use crate::error::BootError;
use crate::layout::Layout;
use crate::model::Model;
use crate::port::{Clock, Flash};
use crate::store::Store;

/// What the device is told once.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Who it is, whom it trusts and how it updates; see [`crate::Identity::config`].
    pub update: Config<'a>,
    /// From a random source. Need not be secret, must differ between devices.
    pub seed: u64,
    /// How samples become windows.
    pub sampling: Sampling,
    /// When a decision changes.
    pub rule: Rule,
    /// Where answers are published, if anywhere.
    pub answers: Option<Answers<'a>>,
}

/// How samples become windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Milliseconds from sample to sample, at least 1.
    pub every_ms: u32,
    /// Channels, length and hop of the windows.
    pub shape: Shape,
    /// In which order the model takes a window.
    pub order: Order,
}

/// Where answers are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Which of them.
    pub which: Which,
}

/// Which answers are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    Every,
    /// Those that changed the decision.
    Changes,
}

/// Memory that the board gives.
#[derive(Debug)]
pub struct Memory<'a> {
    /// For the model's steps. Starts on a multiple of 16; a model that needs more is refused.
    pub arena: &'a mut [u8],
    /// For one window: [`Shape::ring_len`] values.
    pub ring: &'a mut [f32],
}

/// What went by without an effect, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Messages on topics that are not the device's, or that cannot be read.
    pub messages: u32,
    /// Samples that the sensor did not give.
    pub samples: u32,
    /// Answers that found no room while the broker was away.
    pub answers: u32,
    /// Records and chunks that the flash did not take at once.
    pub writes: u32,
}

/// A device.
#[derive(Debug)]
pub struct Node<'a, F> {
    settings: Settings<'a>,
    boot: u64,
    device: Device<'a>,
    store: Store<F>,
    arena: &'a mut [u8],
    active: Option<Model>,
    windows: Windows<&'a mut [f32]>,
    debounce: Debounce,
    fold: Fold,
    report_at: Millis,
    backlog: Backlog<REPORTS>,
    answers: Deque<Answer, ANSWERS>,
    /// A record that is not durable yet, and when to try again.
    unsaved: Option<([u8; RECORD_BYTES], Millis)>,
    outward: Outward,
    passed: Passed,
}

impl<'a, F: Flash> Node<'a, F> {
    /// Starts from what the flash holds; what runs is decided in the first [`Node::turn`].
    ///
    /// # Errors
    /// See [`BootError`].
    pub fn boot(
        flash: F,
        layout: Layout,
        settings: Settings<'a>,
        memory: Memory<'a>,
        now: Millis,
    ) -> Result<Self, BootError> {
        settings.check::<F>()?;
        let Memory { arena, ring } = memory;
        if mote_engine::Arena::new(arena).is_err() {
            return Err(BootError::MisalignedArena);
        }
        let windows = Windows::new(settings.sampling.shape, ring)?;
        let (store, found) = Store::mount(flash, layout)?;
        let boot = Boot { number: found.boot, seed: settings.seed ^ found.boot, now };
        let device = Device::boot(settings.update, found.record, boot)?;
        Ok(Self {
            settings,
            boot: found.boot,
            device,
            store,
            arena,
            active: None,
            windows,
            debounce: Debounce::new(settings.rule),
            fold: Fold::new(0, now),
            report_at: now.after(REPORT_S * 1000),
            backlog: Backlog::default(),
            answers: Deque::new(),
            unsaved: None,
            outward: Outward::default(),
            passed: Passed::default(),
        })
    }

    /// Carries out what the update machine asks of flash and model. `got_on` is called after each part of longer work.
    pub fn turn(&mut self, clock: &impl Clock, got_on: &mut dyn FnMut()) {
        self.device.handle(clock.now(), Event::Tick);
        self.save(clock.now());
        self.carry_out(clock, got_on);
        if clock.now() >= self.report_at {
            self.report_at = clock.now().after(REPORT_S * 1000);
            self.report(clock.now());
        }
    }

    /// When to call [`Node::turn`] at the latest, if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Millis {
        let machine = self.device.wake_at().into_iter().chain(self.unsaved.map(|(_, at)| at));
        machine.fold(self.report_at, Millis::min)
    }

    /// The update machine, to look at.
    #[must_use]
    pub fn device(&self) -> &Device<'a> {
        &self.device
    }

    /// The model that answers.
    #[must_use]
    pub fn active(&self) -> Option<&Model> {
        self.active.as_ref()
    }

    /// What is durable.
    #[must_use]
    pub fn store(&self) -> &Store<F> {
        &self.store
    }

    /// The number of this start.
    #[must_use]
    pub fn boot_number(&self) -> u64 {
        self.boot
    }

    /// What went by without an effect.
    #[must_use]
    pub fn passed(&self) -> Passed {
        self.passed
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings<'a> {
        &self.settings
    }

    /// Closes the telemetry window that is open.
    fn report(&mut self, now: Millis) {
        let version = self.active.map_or(0, |model| model.slot().version);
        let closed = self.fold.close(version, now);
        if closed.version != 0 && closed.answered + closed.failed + closed.flagged > 0 {
            self.backlog.push(closed);
        }
    }

    fn outcome(&mut self, now: Millis, outcomes: Outcomes) {
        self.device.handle(now, Event::Outcomes(outcomes));
    }
}

impl Settings<'_> {
    fn check<F: Flash>(&self) -> Result<(), BootError> {
        let Config { fleet, device, chunk_bytes, .. } = self.update;
        let client = fleet.len() + 1 + device.len();
        let will = "mote/1/".len() + client + "/up/alive".len();
        if client > CLIENT_BYTES || will > WILL_TOPIC_BYTES {
            return Err(BootError::NamesTooLong);
        }
        let fits = chunk_bytes.is_multiple_of(F::WRITE_SIZE as u32) && (chunk_bytes as usize) < RX_BYTES;
        if !fits {
            return Err(BootError::BadChunk);
        }
        let channels = self.sampling.shape.channels();
        if self.sampling.every_ms == 0 || channels > CHANNELS { Err(BootError::BadSampling) } else { Ok(()) }
    }
}
