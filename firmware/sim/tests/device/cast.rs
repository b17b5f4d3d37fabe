//! The models and sites that the tests play with.

use mote_firmware_sim::{Controller, Design, Made, Site, golden, linear};
use mote_fleet::State;

/// Values of a window: 64 samples of six channels.
pub(crate) const INPUTS: u32 = 64 * 6;
const CLASSES: u32 = 7;
/// Room for one of these models with its vectors.
const SLOT: u32 = 20 * 1024;
/// Time in which any update here is over.
pub(crate) const LONG_MS: u64 = 120_000;

pub(crate) fn controller() -> Controller {
    Controller::new(1, "wards", "watch-8", "activity")
}

/// A plan that answers, different for each version.
pub(crate) fn plan(version: u64) -> Vec<u8> {
    linear(INPUTS, CLASSES, |i| ((u64::from(i) * 37 + version * 11) % 101) as f32 / 50.0 - 1.0)
}

/// A sound release with golden vectors.
pub(crate) fn sound(controller: &Controller, version: u64) -> Made {
    let plan = plan(version);
    let vectors = golden(&plan, version).unwrap();
    controller.release(version, 0, plan, Some(vectors))
}

/// A device with version 1 in it.
pub(crate) fn site<const WORD: usize>(seed: u64) -> (Site<WORD>, Made) {
    let controller = controller();
    let first = sound(&controller, 1);
    let site = Site::new(Design::watch(SLOT).unwrap(), controller, Some(&first), seed).unwrap();
    (site, first)
}

/// Whether the device says that it runs a version and has come to rest.
pub(crate) fn rests_on(broker: &mote_firmware_sim::Broker, version: u64) -> bool {
    broker.twin().is_some_and(|twin| twin.state.is_terminal() && twin.running == Some(version))
}

/// Whether the device says that it has come to rest in this state.
pub(crate) fn rests_in(broker: &mote_firmware_sim::Broker, state: State, version: u64) -> bool {
    rests_on(broker, version) && broker.twin().is_some_and(|twin| twin.state == state)
}
