//! How much of everything there is: each capacity of the device, in one place, with its arithmetic.
//!
//! RAM that does not stand here is the arena and the window, whose sizes are the model's and the board's choice, and
//! the stack.

use core::mem::size_of;

use mote_fleet::{Device, Fold, RECORD_BYTES, Window};
use mote_stream::{Debounce, Windows};
use mote_wire::{CLASSES, LATENCY_BUCKETS, MAX_TOPIC};

/// Bytes of one chunk of a transfer. Larger chunks waste less on framing; each one must fit [`RX_BYTES`].
pub const CHUNK_BYTES: u32 = 1024;
/// Chunks on their way at most: the broker holds them for the device, not the device.
pub const WINDOW_CHUNKS: u16 = 8;

/// The longest signed release that is taken: eight artifacts with names of 64 are 110 bytes each, the signature and
/// framing 150, model and compiler 130.
pub const MANIFEST_BYTES: usize = 2048;
/// Trusted keys: two roles, each with a successor, and the same for development.
pub const KEYS: usize = 8;
/// The longest name of a fleet, device, model or variant.
pub const NAME_BYTES: usize = 64;
/// State tensors of a streaming model.
pub const STATES: usize = 8;
/// Values of a sample.
pub const CHANNELS: usize = 16;
/// Values of the output that is judged; as many classes as telemetry counts.
pub const SCORES: usize = CLASSES;

/// Seconds of one telemetry window.
pub const REPORT_S: u64 = 60;
/// Telemetry windows kept while the broker is away.
pub const REPORTS: usize = 8;
/// RAM of those: 8 windows of 264 bytes.
pub const REPORTS_BYTES: usize = REPORTS * size_of::<Window>();
/// Answers kept while the broker is away; of more, the oldest are dropped and counted.
pub const ANSWERS: usize = 4;

/// A twin: 13 keys, 7 u64 (9 each), state 2, running 113, progress 13, failure 43, counters 31, capabilities 148.
const TWIN_BYTES: usize = 1 + 13 + 7 * 9 + 2 + 113 + 13 + 43 + 31 + 148;
/// A telemetry window: 14 keys, 4 u64, model 66, 7 u32 (5 each), both rows of counts.
const METRICS_BYTES: usize = 1 + 14 + 4 * 9 + 66 + 7 * 5 + 2 * 2 + (LATENCY_BUCKETS + CLASSES) * 5;
/// A chunk request: 6 keys, digest 34, 4 numbers (5 each), window bitmap 2 + 64.
const GET_BYTES: usize = 1 + 6 + 34 + 4 * 5 + 66;
/// An answer: punctuation and field names 120, device, model and two labels of 64, five numbers of 20, one of 50.
pub const ANSWER_JSON_BYTES: usize = 120 + 4 * 64 + 5 * 20 + 50;
/// The longest body that the device publishes.
pub const BODY_BYTES: usize = max(max(TWIN_BYTES, METRICS_BYTES), max(GET_BYTES, ANSWER_JSON_BYTES));
/// A birth or a will: 3 keys, presence 1, 2 u64.
pub const ALIVE_BYTES: usize = 1 + 3 + 1 + 2 * 9;

/// What MQTT 5 puts around a message: fixed header 5, topic length 2, packet identifier 2, properties 1.
const PUBLISH_FRAMING: usize = 5 + 2 + 2 + 1;
/// What `Chunk` puts around its bytes: 1 + 4 keys, 3 numbers (5 each), length 3.
const CHUNK_FRAMING: usize = 1 + 4 + 3 * 5 + 3;
/// The longest topic that a chunk arrives on: `mote/1/{64}/{64}/dn/c/{10}`.
const CHUNK_TOPIC: usize = 7 + NAME_BYTES + 1 + NAME_BYTES + 6 + 10;
/// The largest packet that the device takes; brokers keep larger ones to themselves.
pub const RX_BYTES: usize =
    PUBLISH_FRAMING + max(CHUNK_TOPIC + CHUNK_FRAMING + CHUNK_BYTES as usize, MAX_TOPIC + MANIFEST_BYTES);

/// A client identifier; the client's own limit. Fleet and device with a dash between them must fit.
pub const CLIENT_BYTES: usize = 64;
/// The topic of the will; the client's own limit.
pub const WILL_TOPIC_BYTES: usize = 128;
/// User and password together.
pub const LOGIN_BYTES: usize = 96;
/// CONNECT: header and flags 16, properties 14, identifier, will with its properties, login; each text has a length of 2.
const CONNECT_BYTES: usize =
    16 + 14 + (2 + CLIENT_BYTES) + (1 + 2 + WILL_TOPIC_BYTES + 2 + ALIVE_BYTES) + (4 + LOGIN_BYTES);
/// What waits for its acknowledgement beside room for another CONNECT: one message at a time.
pub const TX_BYTES: usize = CONNECT_BYTES + PUBLISH_FRAMING + MAX_TOPIC + BODY_BYTES;

/// RAM of [`crate::Node`]: its parts, and 1360 for settings, store, model, answers and what waits for the link. Where a
/// pointer has four bytes it is less.
pub const NODE_BYTES: usize = size_of::<Device<'_>>()
    + size_of::<Windows<&mut [f32]>>()
    + size_of::<Debounce>()
    + size_of::<Fold>()
    + REPORTS_BYTES
    + RECORD_BYTES
    + 1360;
const _: () = assert!(size_of::<crate::Node<'_, ()>>() <= NODE_BYTES);

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
