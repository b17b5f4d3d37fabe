//! Sliding windows and decisions, as gateways and microcontrollers make them.

use mote_stream::{Order, Quality, Rule, Shape};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Refusal;

/// The most values of one window: 64 MiB, twice (ring and copy).
const MAX_WINDOW: usize = 1 << 24;

/// Cuts a stream of samples into windows.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Windows {
    windows: mote_stream::Windows<Box<[f32]>>,
    order: Order,
    /// The last complete window.
    window: Box<[f32]>,
    complete: bool,
    finite: bool,
}

#[wasm_bindgen]
impl Windows {
    /// Windows of `length` samples of `channels` values, one every `hop` samples; channel after channel if
    /// `channel_major`, else sample after sample.
    ///
    /// # Errors
    /// `stream.shape`.
    #[wasm_bindgen(constructor)]
    pub fn new(channels: usize, length: usize, hop: usize, channel_major: bool) -> Result<Self, Refusal> {
        let shape = Shape::new(channels, length, hop)?;
        let values = shape.ring_len();
        if values > MAX_WINDOW {
            let message = format_args!("a window of {values} values; at most {MAX_WINDOW}");
            return Err(Refusal::of("stream.shape", message, None));
        }
        let zeros = || vec![0.0; values].into_boxed_slice();
        let order = if channel_major { Order::ChannelMajor } else { Order::TimeMajor };
        let windows = mote_stream::Windows::new(shape, zeros())?;
        Ok(Self { windows, order, window: zeros(), complete: false, finite: true })
    }

    /// Takes whole samples up to the one that completes a window and answers how many values that were; the caller
    /// feeds the rest again. `sequence` is the number of the first sample, if the sender counts them.
    ///
    /// # Errors
    /// `stream.length` unless `samples` holds whole samples; then none is taken.
    pub fn feed(&mut self, samples: &[f32], sequence: Option<u64>) -> Result<usize, Refusal> {
        self.complete = false;
        let channels = self.windows.shape().channels();
        if !samples.len().is_multiple_of(channels) {
            let message = format_args!("{} values are no whole samples of {channels} channels", samples.len());
            return Err(Refusal::of("stream.length", message, None));
        }
        for (sample, number) in samples.chunks_exact(channels).zip(0..) {
            let sequence = sequence.map(|first| first.saturating_add(number));
            if let Some(window) = self.windows.push(sequence, sample)? {
                window.copy_to(self.order, &mut self.window)?;
                self.finite = window.quality() == Quality::Good;
                self.complete = true;
                return Ok((number as usize + 1) * channels);
            }
        }
        Ok(samples.len())
    }

    /// Whether the last feed completed a window.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// Whether every value of the last complete window is finite.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn finite(&self) -> bool {
        self.finite
    }

    /// A copy of the last complete window.
    #[must_use]
    pub fn window(&self) -> Vec<f32> {
        self.window.to_vec()
    }

    /// Forgets everything but the statistics.
    pub fn restart(&mut self) {
        self.windows.restart();
    }

    /// How often numbers were missing.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.windows.stats().gaps
    }

    /// How many numbers were missing.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.windows.stats().lost
    }

    /// Samples dropped because their number had passed.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn late(&self) -> u64 {
        self.windows.stats().late
    }
}

/// Turns one label per window into decisions that do not flicker.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Debounce {
    debounce: mote_stream::Debounce,
}

#[wasm_bindgen]
impl Debounce {
    /// A label is decided when it has `needed` of the last `of` votes. A new label votes from a score of `enter` on, the
    /// decided one keeps voting down to `leave`.
    ///
    /// # Errors
    /// `stream.rule` unless the votes needed are a majority.
    #[wasm_bindgen(constructor)]
    pub fn new(needed: usize, of: usize, enter: f32, leave: f32) -> Result<Self, Refusal> {
        let rule = Rule::new(needed, of)?.with_hysteresis(enter, leave);
        Ok(Self { debounce: mote_stream::Debounce::new(rule) })
    }

    /// Takes the winner of a window; answers whether the decision changed.
    pub fn label(&mut self, label: usize, score: f32) -> bool {
        self.debounce.label(label, score).is_some()
    }

    /// Takes a window with a single score: label 1 from the threshold on, else 0.
    pub fn level(&mut self, score: f32) -> bool {
        self.debounce.level(score).is_some()
    }

    /// Takes a window without an opinion.
    pub fn abstain(&mut self) -> bool {
        self.debounce.abstain().is_some()
    }

    /// What is decided.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn decided(&self) -> Option<usize> {
        self.debounce.decided()
    }
}

/// The label that won.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy)]
pub struct Top {
    top: mote_stream::Top,
}

#[wasm_bindgen]
impl Top {
    /// Its index; of equal scores the first wins.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn label(&self) -> usize {
        self.top.label
    }

    /// Its score.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn score(&self) -> f32 {
        self.top.score
    }

    /// By how much it won.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn margin(&self) -> f32 {
        self.top.margin
    }
}

/// The highest of `scores`; nothing if there are none or one is NaN.
#[wasm_bindgen(js_name = topOf)]
#[must_use]
pub fn top_of(scores: &[f32]) -> Option<Top> {
    mote_stream::top(scores).map(|top| Top { top })
}
