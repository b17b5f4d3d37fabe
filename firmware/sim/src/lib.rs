//! A host that is a microcontroller: the same application over flash that loses power, a link that follows a script, an
//! inertial unit that replays a recording, and time that passes when nothing is left to do.
//!
//! Start at [`Site`] for a whole device, at [`image`] for the flash of one. [`live`] runs the application over any flash
//! and MQTT client, such as [`Socket`] in real time.

mod board;
mod broker;
mod fleet;
mod imu;
mod nor;
mod site;
mod socket;
pub mod time;

pub use board::{BOARD_BYTES, BOARD_LAYOUT, board_store};
pub use broker::{Broker, Link, LinkError, SeenTwin, Weather};
pub use fleet::{Controller, Made, VARIANT, golden, linear};
pub use imu::{Bus, RANGES, Recording};
pub use nor::{Nor, NorError, Power, SECTOR};
pub use site::{Design, Dog, Life, Remains, Site, SiteError, image, live, live_until, provision};
pub use socket::{Socket, Stream};
