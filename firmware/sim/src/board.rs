//! The store of a board of `firmware/boards/mps2` as it leaves the factory: flash in its first half, in the second the
//! recording that its inertial unit replays.

use mote_firmware::{BootError, Factory, Identity, Layout, Store};

use crate::imu::Recording;
use crate::nor::{Nor, Power, SECTOR};

/// Bytes of the store.
pub const BOARD_BYTES: usize = 16 << 20;
/// Where things lie in its flash, as `device` expects them.
pub const BOARD_LAYOUT: Layout = Layout::packed(0, SECTOR as u32, 2 << 20);

/// The bytes of a board's store. Without a recording the part lies still.
///
/// # Errors
/// See [`BootError`].
pub fn board_store(
    identity: &Identity,
    first: Option<Factory<'_>>,
    recording: Option<&Recording>,
) -> Result<Vec<u8>, BootError> {
    let blank: Nor = Nor::blank(BOARD_BYTES / 2 / SECTOR, Power::mains());
    let mut bytes = Store::provision(blank, BOARD_LAYOUT, identity, first)?.bytes().to_vec();
    bytes.extend(recording.map(Recording::registers).unwrap_or_default());
    bytes.resize(BOARD_BYTES, 0xff);
    Ok(bytes)
}
