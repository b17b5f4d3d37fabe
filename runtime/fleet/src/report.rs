//! Folded telemetry: outcomes in, metrics windows out, nothing that grows.

use mote_wire::{CLASSES, Counts, LATENCY_BUCKETS, Metrics};

use crate::Millis;

/// One window of outcomes. Windows of one model version add up, on the device, at a site or for a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// How long it was, in milliseconds.
    pub length_ms: u32,
    /// The release's version.
    pub version: u64,
    /// Inferences that gave an answer.
    pub answered: u32,
    /// Inferences that gave none.
    pub failed: u32,
    /// Input windows that were flagged and not predicted on.
    pub flagged: u32,
    /// Sum of the latencies of answered inferences, in microseconds.
    pub latency_sum_us: u64,
    /// The smallest, 0 if none.
    pub latency_min_us: u32,
    /// The largest, 0 if none.
    pub latency_max_us: u32,
    /// How latencies are distributed.
    pub latency: Counts<LATENCY_BUCKETS>,
    /// How often each class was the answer.
    pub classes: Counts<CLASSES>,
}

impl Window {
    /// Counts an answer that took `latency_us`, and its class if the model classifies.
    pub fn answered(&mut self, latency_us: u32, class: Option<usize>) {
        let first = self.answered == 0;
        self.latency_min_us = if first { latency_us } else { self.latency_min_us.min(latency_us) };
        self.latency_max_us = self.latency_max_us.max(latency_us);
        self.latency_sum_us = self.latency_sum_us.saturating_add(u64::from(latency_us));
        self.answered = self.answered.saturating_add(1);
        // The position of the highest bit: 2^(i-1) <= latency < 2^i falls into bucket i.
        self.latency.count((u32::BITS - latency_us.leading_zeros()) as usize);
        if let Some(class) = class {
            self.classes.count(class);
        }
    }

    /// Counts an inference that gave no answer.
    pub fn failed(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }

    /// Counts an input window that was not predicted on.
    pub fn flagged(&mut self) {
        self.flagged = self.flagged.saturating_add(1);
    }

    /// Adds `other`, a window of the same version.
    pub fn merge(&mut self, other: &Self) {
        if other.answered > 0 {
            let first = self.answered == 0;
            let smaller = self.latency_min_us.min(other.latency_min_us);
            self.latency_min_us = if first { other.latency_min_us } else { smaller };
        }
        self.latency_max_us = self.latency_max_us.max(other.latency_max_us);
        self.latency_sum_us = self.latency_sum_us.saturating_add(other.latency_sum_us);
        self.length_ms = self.length_ms.saturating_add(other.length_ms);
        self.answered = self.answered.saturating_add(other.answered);
        self.failed = self.failed.saturating_add(other.failed);
        self.flagged = self.flagged.saturating_add(other.flagged);
        self.latency.merge(&other.latency);
        self.classes.merge(&other.classes);
    }
}

/// Folds outcomes into the window that is open.
#[derive(Debug, Clone)]
pub struct Fold {
    window: Window,
    opened: Millis,
}

impl Fold {
    /// An empty window of `version` that opens at `now`.
    #[must_use]
    pub fn new(version: u64, now: Millis) -> Self {
        Self { window: Window { version, ..Window::default() }, opened: now }
    }

    /// The open window.
    pub fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Closes the window and opens the next, of `version`: at every interval and when the model changes.
    pub fn close(&mut self, version: u64, now: Millis) -> Window {
        let length = now.0.saturating_sub(self.opened.0);
        let next = Self::new(version, now);
        let mut closed = core::mem::replace(self, next).window;
        closed.length_ms = u32::try_from(length).unwrap_or(u32::MAX);
        closed
    }
}

/// Closed windows that wait for the link, oldest first; when there is no room the oldest is dropped and counted.
#[derive(Debug, Clone)]
pub struct Backlog<const N: usize> {
    windows: [Window; N],
    start: usize,
    length: usize,
    /// The number of the oldest window within the boot.
    sequence: u64,
    dropped: u32,
}

impl<const N: usize> Default for Backlog<N> {
    fn default() -> Self {
        Self { windows: [Window::default(); N], start: 0, length: 0, sequence: 0, dropped: 0 }
    }
}

impl<const N: usize> Backlog<N> {
    /// Adds a closed window.
    pub fn push(&mut self, window: Window) {
        if self.length == N {
            self.dropped = self.dropped.saturating_add(1);
            self.advance();
        }
        let end = self.start.saturating_add(self.length).checked_rem(N).unwrap_or(0);
        if let Some(slot) = self.windows.get_mut(end) {
            *slot = window;
            self.length += 1;
        }
    }

    /// The body to publish on `up/m` for the oldest window.
    #[must_use]
    pub fn oldest<'a>(&self, boot: u64, model: &'a str) -> Option<Metrics<'a>> {
        let window = self.windows.get(self.start).filter(|_| self.length > 0)?;
        Some(Metrics {
            boot,
            sequence: self.sequence,
            model,
            version: window.version,
            window_ms: window.length_ms,
            answered: window.answered,
            failed: window.failed,
            flagged: window.flagged,
            dropped: self.dropped,
            latency_sum_us: window.latency_sum_us,
            latency_min_us: window.latency_min_us,
            latency_max_us: window.latency_max_us,
            latency: window.latency,
            classes: window.classes,
        })
    }

    /// The oldest window has been published.
    pub fn published(&mut self) {
        if self.length > 0 {
            self.advance();
            self.dropped = 0;
        }
    }

    fn advance(&mut self) {
        self.start = self.start.saturating_add(1).checked_rem(N).unwrap_or(0);
        self.length = self.length.saturating_sub(1);
        self.sequence = self.sequence.saturating_add(1);
    }
}
