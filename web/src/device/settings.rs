//! Who the page is in its fleet and what it allows.

use mote_fleet::{Config, Limits, Trial};
use mote_seal::{Class, Keyring, Target, TrustedKey};
use wasm_bindgen::prelude::wasm_bindgen;

/// What the twin says of the runtime.
const RUNTIME: &str = concat!("mote-web ", env!("CARGO_PKG_VERSION"));

/// Names and limits of one device. The defaults suit a page with a person in front of it.
#[wasm_bindgen(getter_with_clone, inspectable)]
#[derive(Debug, Clone)]
pub struct DeviceSettings {
    /// The fleet's name: 1 to 64 of `A-Z a-z 0-9 _ -`, like all names here.
    pub fleet: String,
    /// The device's name.
    pub device: String,
    /// The one model that it runs.
    pub model: String,
    /// Which artifact of class browser it takes.
    pub variant: String,
    /// The largest artifact it has room for, in bytes.
    #[wasm_bindgen(js_name = maxBytes)]
    pub max_bytes: u32,
    /// Bytes per chunk: 256 to 61,376.
    #[wasm_bindgen(js_name = chunkBytes)]
    pub chunk_bytes: u32,
    /// Chunks on their way at most: 1 to 512.
    pub window: u16,
    /// Answers that prove a new model.
    #[wasm_bindgen(js_name = trialAnswers)]
    pub trial_answers: u32,
    /// Failures from which on it is taken back.
    #[wasm_bindgen(js_name = trialFailures)]
    pub trial_failures: u32,
    /// The time it has for that, in milliseconds.
    #[wasm_bindgen(js_name = trialMs)]
    pub trial_ms: u32,
    /// Reloads of the page from which on it is taken back.
    #[wasm_bindgen(js_name = trialBoots)]
    pub trial_boots: u8,
    /// The first wait before anything is asked for again, in milliseconds.
    #[wasm_bindgen(js_name = retryMs)]
    pub retry_ms: u32,
    /// How long a telemetry window is, in milliseconds.
    #[wasm_bindgen(js_name = reportMs)]
    pub report_ms: u32,
}

#[wasm_bindgen]
impl DeviceSettings {
    /// The defaults under these names.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(fleet: String, device: String, model: String) -> Self {
        let Limits { trial, retry_ms, .. } = Limits::default();
        Self {
            fleet,
            device,
            model,
            variant: "strict".into(),
            max_bytes: 64 << 20,
            chunk_bytes: 16 << 10,
            window: 16,
            trial_answers: trial.answers,
            trial_failures: trial.failures,
            trial_ms: u32::try_from(trial.deadline_ms).unwrap_or(u32::MAX),
            trial_boots: trial.boots,
            retry_ms,
            report_ms: 30_000,
        }
    }
}

/// What a machine borrows as long as it lives.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) settings: DeviceSettings,
    pub(super) keys: Vec<TrustedKey>,
}

impl Identity {
    pub(super) fn config(&self) -> Config<'_> {
        let Self { settings, keys } = self;
        let trial = Trial {
            answers: settings.trial_answers,
            failures: settings.trial_failures,
            deadline_ms: settings.trial_ms.into(),
            boots: settings.trial_boots,
        };
        Config {
            fleet: &settings.fleet,
            device: &settings.device,
            model: &settings.model,
            ring: Keyring::new(keys),
            class: Class::Browser,
            variant: &settings.variant,
            runtime: RUNTIME,
            max_bytes: settings.max_bytes.into(),
            chunk_bytes: settings.chunk_bytes,
            window: settings.window,
            limits: Limits { trial, retry_ms: settings.retry_ms, ..Limits::default() },
        }
    }

    /// What the page opens that is given a model by other means than an update.
    pub(super) fn target(&self) -> Target<'_> {
        let DeviceSettings { model, variant, max_bytes, .. } = &self.settings;
        Target { class: Class::Browser, variant, model: Some(model), floor: 0, max_bytes: (*max_bytes).into() }
    }
}
