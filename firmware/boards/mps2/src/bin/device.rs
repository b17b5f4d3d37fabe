//! A device of a fleet: a wrist watch on a board with Ethernet, a watchdog, flash and an inertial unit.
//!
//! Who it is, whom it trusts, its models and what its sensor measures lie in the store (`mote-firmware-sim` makes the
//! image); what a test wants to vary comes as words of the command line:
//!
//! | word | meaning | default |
//! |---|---|---|
//! | `port=N` | the broker's port on the host | none |
//! | `every=MS` | from sample to sample | 40 |
//! | `window=N`, `hop=N` | samples of a window, and between windows | 64, 16 |
//! | `answers=TOPIC` | where answers are published | nowhere |
//! | `trial=N`, `trial_ms=MS` | answers that prove a new model, and the time it has for them | 3, 60000 |
#![no_std]
#![no_main]

use core::fmt;
use core::time::Duration;

use cortex_m::singleton;
use cortex_m_semihosting::heprintln;
use mote_board_mps2::board::BOARD;
use mote_board_mps2::ethernet::{Ethernet, Frame, NO_FRAME, NoController};
use mote_board_mps2::executor::run_forever;
use mote_board_mps2::host::{self, HostError};
use mote_board_mps2::network::{Buffers, Network, RECEIVE_BYTES, SEND_BYTES};
use mote_board_mps2::nor::{Nor, SECTOR};
use mote_board_mps2::recorded::Recorded;
use mote_board_mps2::watchdog::Watchdog;
use mote_board_mps2::{memory, stack, tick};
use mote_firmware::capacity::{RX_BYTES, TX_BYTES};
use mote_firmware::mqtt::Minimq;
use mote_firmware::sensor::{AccelerationRange, EmulatedLsm6dso, Lsm6dso, RateRange};
use mote_firmware::{
    Answers, App, Board, BootError, Broker, EmbassyClock, Identity, Layout, Memory, Sampling, SensorFault, Settings,
    Which,
};
use mote_fleet::{Limits, Trial};
use mote_stream::{Order, Rule, Shape, StreamError};
use smoltcp::iface::SocketStorage;

/// Bytes of each of the two slots.
const SLOT_BYTES: u32 = 2 << 20;
/// Where things lie in the store; the recording of the sensor begins in the middle of it.
const LAYOUT: Layout = Layout::packed(0, SECTOR as u32, SLOT_BYTES);
/// Channels of the inertial unit.
const CHANNELS: usize = 6;
/// How often the executor looks again.
const TICK_HZ: u32 = 1000;
/// Far longer than hashing a slot takes: emulated time is the host's, and the host may be busy.
const WATCHDOG: Duration = Duration::from_secs(40);
/// The depth of the stack is looked at every so many ticks, and told when it has grown.
const STACK_EVERY: u32 = 64;
/// Bytes of the longest command line.
const COMMAND_LINE: usize = 256;

/// The bus with the inertial unit.
type Bus = EmulatedLsm6dso<Recorded>;

/// The device, every part of it named.
type Device = App<'static, Nor, Minimq<'static, Network>, EmbassyClock, Watchdog, Lsm6dso<Bus>>;

/// Why the device does not start. Each has an exit status of its own.
enum Refusal {
    Host(HostError),
    Word(&'static str),
    /// Something there is one of was taken twice.
    Taken,
    Ethernet(NoController),
    Sensor(SensorFault),
    Stream(StreamError),
    Boot(BootError),
    Memory,
}

#[cortex_m_rt::entry]
fn main() -> ! {
    stack::guard();
    stack::paint();
    match boot() {
        Ok(device) => run(device),
        Err(refusal) => {
            heprintln!("{}", refusal);
            host::exit(refusal.status())
        }
    }
}

/// Puts the device together in a place of its own. What that takes of the stack is free again when it runs.
#[inline(never)]
fn boot() -> Result<&'static mut Device, Refusal> {
    let line = singleton!(: [u8; COMMAND_LINE] = [0; COMMAND_LINE]).ok_or(Refusal::Taken)?;
    let line = host::command_line(line)?;
    let mut core = cortex_m::Peripherals::take().ok_or(Refusal::Taken)?;
    tick::start(&mut core.SYST, BOARD.core_hz / TICK_HZ);
    let watchdog = Watchdog::start(WATCHDOG);

    let store = memory::store().ok_or(Refusal::Taken)?;
    let (flash, recording) = store.split_at_mut(store.len() / 2);
    let flash = Nor::new(flash);
    let identity = singleton!(: Option<Identity> = None).ok_or(Refusal::Taken)?;
    let identity = identity.insert(Identity::read(&flash, &LAYOUT)?);
    let shape = Shape::new(CHANNELS, number(line, "window", 64)?, number(line, "hop", 16)?)?;
    let free = memory::arena().ok_or(Refusal::Taken)?;
    let (ring, arena) = memory::floats(free, shape.ring_len()).ok_or(Refusal::Memory)?;

    let seed = spread(identity.device.as_bytes()) ^ host::elapsed();
    let [_, _, _, a, b, c, d, e] = spread(identity.device.as_bytes()).to_be_bytes();
    // Locally administered, for one station.
    let address = [0x02, a, b, c, d, e];
    let buffers = Buffers {
        sockets: singleton!(: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY]).ok_or(Refusal::Taken)?,
        receive: singleton!(: [u8; RECEIVE_BYTES] = [0; RECEIVE_BYTES]).ok_or(Refusal::Taken)?,
        send: singleton!(: [u8; SEND_BYTES] = [0; SEND_BYTES]).ok_or(Refusal::Taken)?,
    };
    let port = number(line, "port", 0).and_then(|port| u16::try_from(port).map_err(|_| Refusal::Word("port")))?;
    let received = singleton!(: Frame = NO_FRAME).ok_or(Refusal::Taken)?;
    let sending = singleton!(: Frame = NO_FRAME).ok_or(Refusal::Taken)?;
    let network = Network::new(Ethernet::new(address, received, sending)?, address, buffers, port, seed);
    let rx = singleton!(: [u8; RX_BYTES] = [0; RX_BYTES]).ok_or(Refusal::Taken)?;
    let tx = singleton!(: [u8; TX_BYTES] = [0; TX_BYTES]).ok_or(Refusal::Taken)?;

    let bus = Bus::new(Recorded::new(memory::bytes(recording)));
    let ranges = (AccelerationRange::G4, RateRange::Dps2000);
    let sensor = Lsm6dso::new(bus, Lsm6dso::<Bus>::ADDRESS, ranges.0, ranges.1)?;

    let trial = Trial {
        answers: small(line, "trial", 3)?,
        failures: 1,
        deadline_ms: u64::from(small(line, "trial_ms", 60_000)?),
        boots: 3,
    };
    let limits = Limits { trial, ..Limits::default() };
    let settings = Settings {
        update: identity.config("mote-board-mps2", LAYOUT.max_bytes::<Nor>(), limits),
        seed,
        sampling: Sampling { every_ms: small(line, "every", 40)?, shape, order: Order::TimeMajor },
        rule: Rule::new(3, 5)?,
        answers: host::argument(line, "answers").map(|topic| Answers { topic, which: Which::Every }),
    };
    let board = Board { mqtt: Minimq::new(network, rx, tx), clock: EmbassyClock, watchdog, sensor };
    let broker = Broker { login: None, keepalive_s: 30 };
    // Written in place as it is answered: moving it about would take its size of the stack each time.
    let place = singleton!(: Option<Result<Device, BootError>> = None).ok_or(Refusal::Taken)?;
    let device = place.insert(App::boot(flash, LAYOUT, settings, Memory { arena, ring }, broker, board));
    let device = device.as_mut().map_err(|error| *error)?;
    heprintln!("start {} of {}", device.node().boot_number(), device.node().settings().update.device);
    Ok(device)
}

fn run(device: &'static mut Device) -> ! {
    let mut ticks = 0_u32;
    let mut told = 0;
    run_forever(device.run(), || {
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(STACK_EVERY) && stack::high_water() > told {
            told = stack::high_water();
            heprintln!("stack {}", told);
        }
    })
}

/// The number of a word, or a default where the word is not there.
fn number(line: &str, word: &'static str, default: usize) -> Result<usize, Refusal> {
    host::argument(line, word).map_or(Ok(default), |text| text.parse().map_err(|_| Refusal::Word(word)))
}

fn small(line: &str, word: &'static str, default: usize) -> Result<u32, Refusal> {
    u32::try_from(number(line, word, default)?).map_err(|_| Refusal::Word(word))
}

/// FNV-1a: a number that differs where names differ.
fn spread(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Refusal {
    fn status(&self) -> u32 {
        match self {
            Self::Host(_) | Self::Word(_) => 2,
            Self::Taken | Self::Memory => 3,
            Self::Ethernet(_) | Self::Sensor(_) => 4,
            Self::Stream(_) | Self::Boot(_) => 5,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => write!(f, "{error:?}"),
            Self::Word(word) => write!(f, "the word {word} of the command line is no number"),
            Self::Taken => f.write_str("something was taken twice"),
            Self::Ethernet(error) => write!(f, "{error:?}"),
            Self::Sensor(fault) => fault.fmt(f),
            Self::Stream(error) => error.fmt(f),
            Self::Boot(error) => error.fmt(f),
            Self::Memory => f.write_str("the window does not fit into RAM"),
        }
    }
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<NoController> for Refusal {
    fn from(error: NoController) -> Self {
        Self::Ethernet(error)
    }
}

impl From<SensorFault> for Refusal {
    fn from(fault: SensorFault) -> Self {
        Self::Sensor(fault)
    }
}

impl From<StreamError> for Refusal {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

impl From<BootError> for Refusal {
    fn from(error: BootError) -> Self {
        Self::Boot(error)
    }
}
