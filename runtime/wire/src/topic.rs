//! Topics. At most six slashes; the direction stands in the topic, so that three ACL lines hold a device
//! to its own.

use core::fmt::{self, Write as _};
use core::ops::Deref;

use crate::WireError;
use crate::name::{MAX_NAME, device, name};
use crate::number::{Hex, decimal, digest};

const ROOT: &str = "mote/1/";

/// The longest topic: `mote/1/{fleet}/_pub/rel/{model}/{version}`, with 20 digits of version.
pub const MAX_TOPIC: usize = ROOT.len() + MAX_NAME + "/_pub/rel/".len() + MAX_NAME + 1 + 20;

/// A topic of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topic<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// Where in the fleet.
    pub place: Place<'a>,
}

/// The four parts of a fleet's namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place<'a> {
    /// To one device.
    Down {
        /// The device's name.
        device: &'a str,
        /// What.
        channel: Down,
    },
    /// From one device.
    Up {
        /// The device's name.
        device: &'a str,
        /// What.
        channel: Up,
    },
    /// To all devices; signed or content-addressed, so that the topic itself need not be trusted.
    Public(Public<'a>),
    /// Between controllers.
    Control(Control<'a>),
}

/// Channels to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Down {
    /// The signed assignment. Retained.
    Want,
    /// Chunks of one transfer.
    Chunk {
        /// The number that the device gave its transfer.
        xfer: u32,
    },
    /// A question.
    Ask,
}

/// Channels from a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Up {
    /// What the device says it is. Retained.
    Twin,
    /// Birth and will. Retained.
    Alive,
    /// Chunk requests.
    Get,
    /// Metrics windows.
    Metrics,
    /// Events.
    Event,
    /// Samples, where the owner opted in.
    Sample,
}

/// What every device may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Public<'a> {
    /// One link of the root key chain. Retained.
    Key {
        /// Its version.
        number: u32,
    },
    /// Freshness. Retained.
    Beacon,
    /// A signed release. Retained.
    Release {
        /// The model's name.
        model: &'a str,
        /// The release's version.
        version: u64,
    },
    /// Content-addressed bytes.
    Blob {
        /// Their SHA-256.
        digest: [u8; 32],
    },
}

/// What controllers share. Retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Control<'a> {
    /// The signed specification of a rollout.
    Rollout {
        /// Its name.
        id: &'a str,
    },
    /// Who controls the fleet.
    Lease,
    /// Which devices exist, one bucket of them.
    Index {
        /// The bucket's number.
        bucket: u32,
    },
}

impl<'a> Topic<'a> {
    /// A channel to a device.
    #[must_use]
    pub const fn down(fleet: &'a str, device: &'a str, channel: Down) -> Self {
        Self { fleet, place: Place::Down { device, channel } }
    }

    /// A channel from a device.
    #[must_use]
    pub const fn up(fleet: &'a str, device: &'a str, channel: Up) -> Self {
        Self { fleet, place: Place::Up { device, channel } }
    }

    /// Something public.
    #[must_use]
    pub const fn public(fleet: &'a str, public: Public<'a>) -> Self {
        Self { fleet, place: Place::Public(public) }
    }

    /// Reads a topic.
    ///
    /// # Errors
    /// [`WireError::BadName`] for a topic of the right shape with a bad name, else [`WireError::NotATopic`].
    pub fn parse(text: &'a str) -> Result<Self, WireError> {
        let rest = text.strip_prefix(ROOT).ok_or(WireError::NotATopic)?;
        let mut levels = rest.split('/');
        let mut next = || levels.next();
        let parts = [next(), next(), next(), next(), next(), next()];
        let place = match parts {
            [_, Some("_pub"), rest @ .., None] => Place::Public(Public::parse(rest)?),
            [_, Some("_ctl"), rest @ .., None] => Place::Control(Control::parse(rest)?),
            [_, Some(to), Some("dn"), channel, xfer, None] => {
                Place::Down { device: device(to)?, channel: Down::parse([channel, xfer])? }
            }
            [_, Some(from), Some("up"), Some(channel), None, None] => {
                Place::Up { device: device(from)?, channel: Up::parse(channel)? }
            }
            _ => return Err(WireError::NotATopic),
        };
        let fleet = name(parts.first().copied().flatten().unwrap_or_default())?;
        Ok(Self { fleet, place })
    }

    /// The topic as text.
    ///
    /// # Errors
    /// [`WireError::BadName`].
    pub fn text(&self) -> Result<TopicText, WireError> {
        name(self.fleet)?;
        match self.place {
            Place::Down { device: named, .. } | Place::Up { device: named, .. } => device(named)?,
            Place::Public(Public::Release { model: named, .. }) | Place::Control(Control::Rollout { id: named }) => {
                name(named)?
            }
            Place::Public(_) | Place::Control(_) => "",
        };
        TopicText::write(self)
    }

    /// Whether messages here are published with the retain flag.
    #[must_use]
    pub const fn is_retained(&self) -> bool {
        match self.place {
            Place::Down { channel, .. } => matches!(channel, Down::Want),
            Place::Up { channel, .. } => matches!(channel, Up::Twin | Up::Alive),
            Place::Public(public) => !matches!(public, Public::Blob { .. }),
            Place::Control(_) => true,
        }
    }
}

impl Down {
    fn parse(parts: [Option<&str>; 2]) -> Result<Self, WireError> {
        match parts {
            [Some("want"), None] => Ok(Self::Want),
            [Some("ask"), None] => Ok(Self::Ask),
            [Some("c"), Some(xfer)] => Ok(Self::Chunk { xfer: number(xfer)? }),
            _ => Err(WireError::NotATopic),
        }
    }
}

impl Up {
    const ALL: [Self; 6] = [Self::Twin, Self::Alive, Self::Get, Self::Metrics, Self::Event, Self::Sample];

    fn parse(text: &str) -> Result<Self, WireError> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or(WireError::NotATopic)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Twin => "twin",
            Self::Alive => "alive",
            Self::Get => "get",
            Self::Metrics => "m",
            Self::Event => "e",
            Self::Sample => "s",
        }
    }
}

impl<'a> Public<'a> {
    fn parse(parts: [Option<&'a str>; 3]) -> Result<Self, WireError> {
        match parts {
            [Some("keys"), Some(text), None] => Ok(Self::Key { number: number(text)? }),
            [Some("beacon"), None, None] => Ok(Self::Beacon),
            [Some("rel"), Some(model), Some(version)] => {
                Ok(Self::Release { model: name(model)?, version: decimal(version).ok_or(WireError::NotATopic)? })
            }
            [Some("x"), Some(text), None] => Ok(Self::Blob { digest: digest(text).ok_or(WireError::NotATopic)? }),
            _ => Err(WireError::NotATopic),
        }
    }
}

impl<'a> Control<'a> {
    fn parse(parts: [Option<&'a str>; 3]) -> Result<Self, WireError> {
        match parts {
            [Some("roll"), Some(id), None] => Ok(Self::Rollout { id: name(id)? }),
            [Some("lease"), None, None] => Ok(Self::Lease),
            [Some("index"), Some(bucket), None] => Ok(Self::Index { bucket: number(bucket)? }),
            _ => Err(WireError::NotATopic),
        }
    }
}

fn number(text: &str) -> Result<u32, WireError> {
    decimal(text).and_then(|value| value.try_into().ok()).ok_or(WireError::NotATopic)
}

impl fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ROOT}{}/", self.fleet)?;
        match self.place {
            Place::Down { device, channel: Down::Want } => write!(f, "{device}/dn/want"),
            Place::Down { device, channel: Down::Ask } => write!(f, "{device}/dn/ask"),
            Place::Down { device, channel: Down::Chunk { xfer } } => {
                write!(f, "{device}/dn/c/{xfer}")
            }
            Place::Up { device, channel } => write!(f, "{device}/up/{}", channel.name()),
            Place::Public(Public::Key { number }) => write!(f, "_pub/keys/{number}"),
            Place::Public(Public::Beacon) => f.write_str("_pub/beacon"),
            Place::Public(Public::Release { model, version }) => {
                write!(f, "_pub/rel/{model}/{version}")
            }
            Place::Public(Public::Blob { digest }) => write!(f, "_pub/x/{}", Hex(&digest)),
            Place::Control(Control::Rollout { id }) => write!(f, "_ctl/roll/{id}"),
            Place::Control(Control::Lease) => f.write_str("_ctl/lease"),
            Place::Control(Control::Index { bucket }) => write!(f, "_ctl/index/{bucket}"),
        }
    }
}

/// What to subscribe to beside exact topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter<'a> {
    /// Everything to one device.
    Device {
        /// The fleet's name.
        fleet: &'a str,
        /// The device's name.
        device: &'a str,
    },
    /// One channel from every device.
    Every {
        /// The fleet's name.
        fleet: &'a str,
        /// The channel.
        channel: Up,
    },
    /// Everything public.
    Public {
        /// The fleet's name.
        fleet: &'a str,
    },
}

impl Filter<'_> {
    /// The filter as text.
    ///
    /// # Errors
    /// [`WireError::BadName`].
    pub fn text(&self) -> Result<TopicText, WireError> {
        match *self {
            Self::Device { fleet, device: named } => name(fleet).and(device(named))?,
            Self::Every { fleet, .. } | Self::Public { fleet } => name(fleet)?,
        };
        TopicText::write(self)
    }
}

impl fmt::Display for Filter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Device { fleet, device } => write!(f, "{ROOT}{fleet}/{device}/dn/#"),
            Self::Every { fleet, channel } => write!(f, "{ROOT}{fleet}/+/up/{}", channel.name()),
            Self::Public { fleet } => write!(f, "{ROOT}{fleet}/_pub/#"),
        }
    }
}

/// A topic or filter as text, without an allocator.
#[derive(Clone, Copy)]
pub struct TopicText {
    bytes: [u8; MAX_TOPIC],
    length: usize,
}

impl TopicText {
    fn write(topic: &impl fmt::Display) -> Result<Self, WireError> {
        let mut text = Self { bytes: [0; MAX_TOPIC], length: 0 };
        write!(text, "{topic}").map_err(|fmt::Error| WireError::BadName)?;
        Ok(text)
    }
}

impl fmt::Write for TopicText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl Deref for TopicText {
    type Target = str;

    fn deref(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        // Only whole `str`s have been written.
        core::str::from_utf8(written).unwrap_or_default()
    }
}

impl fmt::Debug for TopicText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
