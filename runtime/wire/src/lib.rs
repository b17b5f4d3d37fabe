//! The MQTT vocabulary: topics and message bodies.
//!
//! Knows nothing of sockets, sessions, clocks or trust: a decoded body says only that it is well formed.
//! Start at [`Topic`] and [`Body`]. Nothing allocates; names, bitmaps and chunks are borrowed from the
//! message. Layout: `FORMAT.md`, below.
#![doc = include_str!("../FORMAT.md")]
#![no_std]
#![forbid(unsafe_code)]

mod alive;
mod ask;
mod body;
mod chunk;
mod error;
mod event;
mod metrics;
mod name;
mod number;
mod state;
mod topic;
mod twin;

pub use alive::{Alive, Presence};
pub use ask::{Ask, Question};
pub use body::{Body, MAX_DOCUMENT};
pub use chunk::{Chunk, Get, MAX_CHUNK, MAX_WINDOW, MIN_CHUNK};
pub use error::WireError;
pub use event::{Event, EventKind};
pub use metrics::{CLASSES, Counts, LATENCY_BUCKETS, Metrics};
pub use name::is_name;
pub use state::UpdateState;
pub use topic::{Control, Down, Filter, MAX_TOPIC, Place, Public, Topic, TopicText, Up};
pub use twin::{Capabilities, Counters, Failure, Progress, Running, Twin};
