//! Why a device does not start, or its flash not serve.

use core::fmt;

use mote_fleet::ConfigError;
use mote_stream::StreamError;

/// Flash that did not do what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashFault {
    /// The driver refused or failed.
    Driver,
    /// What was written does not read back.
    NotKept {
        /// Where, from the flash's start.
        offset: u32,
    },
    /// Bytes would land outside the place that is theirs.
    OutOfPlace {
        /// Bytes that there are.
        room: u32,
        /// Bytes that would be needed.
        needed: u32,
    },
}

impl fmt::Display for FlashFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver => f.write_str("the flash driver failed"),
            Self::NotKept { offset } => write!(f, "flash at {offset:#x} does not hold what was written"),
            Self::OutOfPlace { room, needed } => write!(f, "{needed} bytes where {room} are"),
        }
    }
}

impl core::error::Error for FlashFault {}

/// Why a device does not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BootError {
    /// Journal or slots overlap, are misaligned or do not fit the flash.
    BadLayout,
    /// The flash does not serve.
    Flash(FlashFault),
    /// Who the device is cannot be read.
    NoIdentity,
    /// The update machine's settings cannot work.
    Config(ConfigError),
    /// Chunks are no multiple of the flash's write unit, or larger than the receive buffer takes.
    BadChunk,
    /// Window, hop or channels cannot work, or the ring does not hold one window.
    Stream(StreamError),
    /// Fleet and device are too long for a client identifier or a will's topic.
    NamesTooLong,
    /// The arena does not start on a multiple of 16 bytes.
    MisalignedArena,
    /// Samples have no interval, or more values than a device takes.
    BadSampling,
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadLayout => f.write_str("journal and slots do not lie apart on whole sectors of the flash"),
            Self::Flash(fault) => fault.fmt(f),
            Self::NoIdentity => f.write_str("no identity has been provisioned"),
            Self::Config(error) => error.fmt(f),
            Self::BadChunk => f.write_str("chunks fit neither the flash's write unit nor the receive buffer"),
            Self::Stream(error) => error.fmt(f),
            Self::NamesTooLong => f.write_str("fleet and device are too long together"),
            Self::MisalignedArena => f.write_str("the arena does not start on a multiple of 16 bytes"),
            Self::BadSampling => f.write_str("samples need an interval and at most 16 values"),
        }
    }
}

impl core::error::Error for BootError {}

impl From<FlashFault> for BootError {
    fn from(fault: FlashFault) -> Self {
        Self::Flash(fault)
    }
}

impl From<StreamError> for BootError {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

impl From<ConfigError> for BootError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
