//! A wrist watch whose model runs on the watch itself: the firmware image of `firmware/boards` on a Cortex-M4F that QEMU
//! emulates, with flash in a file. A device of the fleet like the gateway.

use std::path::PathBuf;

use mote_firmware::{Factory, Identity, Name};
use mote_firmware_sim::{Recording, board_store};
use mote_fleet::Slot;
use mote_qemu::{Board, Device, Emulator, Running};
use mote_release::{GENERIC, Package};
use mote_seal::{Blob, Class, Digest};

use super::offers::Keys;
use super::shelf::STREAMED;
use super::site::{FLEET, Site};
use crate::report::Failure;

/// The device's name.
pub(super) const WATCH: &str = "cortex-m4";
/// The board that it is.
const BOARD: &str = "an386";
/// Answers that prove a new model.
const TRIAL: u32 = 10;

/// What the watch is made with.
pub(super) struct Made<'m> {
    /// The first version's release.
    pub(super) package: &'m Package,
    pub(super) keys: &'m Keys,
    /// The recorded stream's file, and the series in it that the watch replays.
    pub(super) stream: PathBuf,
    pub(super) series: &'m str,
    /// Samples of a window, and between windows.
    pub(super) window: u64,
    pub(super) hop: u64,
    /// Milliseconds from sample to sample.
    pub(super) every_ms: u32,
    /// Where the broker listens for MQTT 5.
    pub(super) broker_port: u16,
}

/// A running watch. Switched off when dropped.
pub(super) struct Watch {
    _running: Running,
}

impl Watch {
    /// The emulator, or why there is no watch.
    pub(super) fn emulator() -> Result<Emulator, String> {
        Emulator::find().map_err(|missing| missing.to_string())
    }

    /// Writes the flash as it leaves the factory and switches the watch on.
    pub(super) fn start(emulator: &Emulator, site: &Site, made: &Made<'_>) -> Result<Self, Failure> {
        let flash = site.folder().join(WATCH).with_extension("flash");
        let board = Board::named(BOARD).ok_or_else(|| failed("no such board").at(BOARD))?;
        board.write_store(&flash, &made.store()?).map_err(|error| failed(error).at(flash.display()))?;
        let Made { window, hop, every_ms, broker_port, .. } = *made;
        let words = vec![
            format!("every={every_ms}"),
            format!("window={window}"),
            format!("hop={hop}"),
            format!("trial={TRIAL}"),
            format!("answers={}", Site::answers(WATCH)),
        ];
        let device = Device { flash, console: site.folder().join(WATCH).with_extension("console"), broker_port, words };
        Ok(Self { _running: emulator.boot(board, &device).map_err(failed)? })
    }
}

impl Made<'_> {
    fn store(&self) -> Result<Vec<u8>, Failure> {
        let Self { package, keys, stream, series, .. } = self;
        let artifact = package.artifacts.iter().find(|one| one.class == Class::Mcu && one.variant == GENERIC);
        let artifact = &artifact.ok_or_else(|| failed("the release has nothing for microcontrollers"))?.bytes;
        let slot = Slot {
            release: package.digest,
            version: package.version,
            floor: 0,
            artifact: Blob { digest: Digest::of(artifact), length: artifact.len() as u64 },
            golden: None,
        };
        let recorded = std::fs::read_to_string(stream).map_err(|error| failed(error).at(stream.display()))?;
        let recording = Recording::of(&recorded, series).ok_or_else(|| failed("no such series").at(series))?;
        let identity = identity(keys).ok_or_else(|| failed("a name is too long"))?;
        let factory = Factory { manifest: &package.manifest, artifact, slot };
        board_store(&identity, Some(factory), Some(&recording)).map_err(failed)
    }
}

fn identity(keys: &Keys) -> Option<Identity> {
    let name = |text: &str| Name::try_from(text).ok();
    Some(Identity {
        fleet: name(FLEET)?,
        device: name(WATCH)?,
        model: name(STREAMED)?,
        variant: name(GENERIC)?,
        keys: [keys.release.trusted(), keys.assignment.trusted()].into_iter().collect(),
    })
}

fn failed(error: impl ToString) -> Failure {
    Failure::execution("demo.watch", error)
}
