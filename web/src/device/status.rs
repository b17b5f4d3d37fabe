//! What the page can say of itself without a network.

use mote_fleet::Device;
use wasm_bindgen::prelude::wasm_bindgen;

/// The twin in a form for JavaScript.
#[wasm_bindgen(getter_with_clone, inspectable)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStatus {
    /// Where the update is: `idle`, `fetch`, `trial`, `committed`, ...
    pub state: String,
    /// The version that answers.
    pub version: Option<u64>,
    /// SHA-256 of its release document, in hex.
    pub release: Option<String>,
    /// The lowest version that the page still runs.
    pub floor: u64,
    /// Chunks held and chunks in all, during a transfer.
    pub held: Option<u32>,
    /// See `held`.
    pub total: Option<u32>,
    /// The state in which the last update ended without success.
    #[wasm_bindgen(js_name = failedIn)]
    pub failed_in: Option<String>,
    /// Its code, as in twins.
    #[wasm_bindgen(js_name = failureCode)]
    pub failure_code: Option<u16>,
    /// Updates that became the good model.
    pub committed: u32,
    /// Updates that were taken back or failed.
    pub failed: u32,
    /// Documents that were refused.
    pub refused: u32,
}

impl DeviceStatus {
    pub(super) fn of(device: &Device<'_>) -> Self {
        let twin = device.twin();
        Self {
            state: twin.state.name().into(),
            version: twin.running.map(|running| running.version),
            release: device.running().map(|slot| slot.release.to_string()),
            floor: twin.floor,
            held: twin.progress.map(|progress| progress.held),
            total: twin.progress.map(|progress| progress.total),
            failed_in: twin.failure.map(|failure| failure.stage.name().into()),
            failure_code: twin.failure.map(|failure| failure.code),
            committed: twin.counters.committed,
            failed: twin.counters.failed,
            refused: twin.counters.refused,
        }
    }
}
